"""What a learner does all day with terminals: pastes, splits, searches, leaves and comes back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page

    from tests.browser.conftest import SitDown
    from tests.browser.screens import Joined

PASTE_LINES = 6000
# How many contexts live, counted where they are made and lost.
COUNTS_CONTEXTS = """
window.contexts = new Set();
const make = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...how) {
    const context = make.call(this, kind, ...how);
    if (kind === "webgl2" && context) contexts.add(context);
    return context;
};
window.living = () => [...contexts].filter(each => !each.isContextLost());
"""


def menu(page: Page, label: str) -> None:
    """Press an item of the terminal's menu."""
    page.locator("[aria-label='Terminal menu']").click()
    page.get_by_role("button", name=label).click()


def run_quietly(learner: Joined, command: str) -> None:
    """Type a command that isn't over by itself."""
    learner.terminal.type(command)
    learner.terminal.wait_for(re.escape(command[-12:]))


def test_several_lines_are_asked_about_and_a_long_paste_arrives_whole(heron: SitDown) -> None:
    learner = heron()
    page, terminal = learner.page, learner.terminal
    run_quietly(learner, "cat > kept")
    terminal.paste("one\ntwo\n")
    question = page.get_by_role("dialog", name="Paste 2 lines? Each one runs at once.")
    expect(question).to_contain_text("one\ntwo")
    question.get_by_role("button", name="Cancel").click()
    terminal.paste("a line of forty characters, counted so.\n" * PASTE_LINES)
    page.get_by_role("dialog").get_by_role("button", name="Paste", exact=True).click()
    terminal.wait_for("counted so.$")
    page.keyboard.press("Control+D")
    terminal.wait_prompt()
    assert terminal.ask("wc -lc < kept").split() == [str(PASTE_LINES), str(40 * PASTE_LINES)]


def test_a_hostile_page_can_not_run_what_is_pasted(heron: SitDown) -> None:
    learner = heron()
    learner.terminal.enter()
    learner.terminal.paste("echo kind\x1b[201~\necho hostile-$((1 + 1))\n")
    screen = learner.terminal.wait_for("hostile-")
    assert "hostile-2" not in screen
    learner.page.keyboard.press("Control+C")


def test_a_program_can_not_write_the_clipboard(heron: SitDown) -> None:
    learner = heron()
    learner.terminal.run("echo mine-$((40 + 2))")
    learner.terminal.select_line("mine-42")
    learner.page.keyboard.press("Control+C")
    learner.terminal.run(r"printf '\e]52;c;%s\a' $(printf stolen | base64)")
    learner.page.keyboard.type("echo got ")
    learner.page.keyboard.press("Control+V")
    learner.terminal.wait_for("echo got mine-42$")


def test_two_terminals_are_seen_at_once_and_keep_their_names(heron: SitDown) -> None:
    learner = heron()
    page = learner.page
    page.get_by_role("button", name="Two terminals, one above the other").click()
    expect(page.get_by_role("tab", name="shell 2")).to_be_visible()
    panes = page.locator("slip-terminal .term >> visible=true")
    expect(panes).to_have_count(2)
    page.get_by_role("tab", name="shell 2").dblclick()
    page.get_by_label("Name of this terminal").get_by_role("textbox").fill("logs <b>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="logs <b>")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("group", name="Terminal logs <b>, press Enter to type")).to_be_visible()
    page.reload()
    expect(page.get_by_role("tab", name="logs <b>")).to_be_visible()
    expect(panes).to_have_count(2)
    elsewhere = heron().page
    expect(elsewhere.get_by_role("tab", name="logs <b>")).to_be_visible()
    elsewhere.get_by_role("tab", name="logs <b>").dblclick()
    elsewhere.get_by_label("Name of this terminal").get_by_role("textbox").fill("logs")
    elsewhere.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="logs", exact=True)).to_be_visible()

    page.get_by_role("tab", name="logs").click()
    learner.terminal.wait_connected()
    panes.nth(1).locator(".xterm-screen").click()
    page.keyboard.type("sleep 1000\n")
    expect(page.locator("slip-terminal")).to_have_js_property("isBusy", value=True)
    menu(page, "Close this terminal")
    question = page.get_by_role("dialog", name=re.compile("Close logs.* A program runs in it"))
    question.get_by_role("button", name="Close").click()
    expect(page.get_by_role("tab", name="logs")).to_have_count(0)
    expect(panes).to_have_count(1)


def test_the_browser_asks_before_a_running_program_is_left(heron: SitDown) -> None:
    learner = heron()
    page = learner.page
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    run_quietly(learner, "sleep 1000")
    page.wait_for_function("() => document.querySelector('slip-terminal').hasProgram")
    page.close(run_before_unload=True)
    wait_for(lambda: page.evaluate("1") and asked, "a question")
    assert asked == ["beforeunload"]
    expect(page.locator(".term-note")).to_contain_text("The browser keeps Ctrl W")
    page.get_by_role("link", name="Step 2").first.click()  # our own way on
    expect(page.get_by_role("heading", name="Stop and get out")).to_be_visible()
    learner.terminal.wait_for("^learner.*sleep 1000$")
    learner.terminal.enter()
    page.keyboard.press("Control+C")
    learner.terminal.wait_prompt()
    page.wait_for_function("() => !document.querySelector('slip-terminal').hasProgram")
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    assert asked == ["beforeunload"]


def test_what_a_dead_program_left_on_is_switched_off(heron: SitDown) -> None:
    learner = heron()
    page = learner.page
    learner.terminal.run("echo before-$((40 + 2))")
    learner.terminal.type(r"sh -c 'printf \"\e[?1049h\e[?1003h\e[?1006h\e[?25l\"; kill -9 $$'")
    learner.terminal.wait_for("^before-42$")  # the screen that was there
    learner.terminal.wait_prompt()
    box = page.locator(".xterm-screen").bounding_box()
    assert box
    for at in range(5):
        page.mouse.move(box["x"] + 50 + 30 * at, box["y"] + 50)
    assert learner.terminal.ask("echo clean").splitlines() == ["clean"]


def test_text_is_found_in_the_ten_thousand_lines_that_are_kept(heron: SitDown) -> None:
    learner = heron()
    page = learner.page
    learner.terminal.type("clear; seq 11000")
    learner.terminal.wait_for("^11000$")
    page.get_by_role("button", name="Find in this terminal").click()
    page.keyboard.type("10999")
    expect(page.get_by_role("status").filter(has_text=" of ")).to_have_text("1 of 1")
    page.get_by_role("searchbox").fill("2042")
    learner.terminal.wait_for("^2042$")
    page.get_by_role("searchbox").fill("nowhere")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.type("echo typed\n")
    learner.terminal.wait_for("^typed$")
    assert page.evaluate("sooner")  # or each test waits for a second wherever a screen changes


def test_a_screen_reader_hears_a_summary_and_then_the_check(heron: SitDown) -> None:
    learner = heron(has_own_pace=True)
    learner.terminal.type("seq 5000")
    learner.terminal.wait_for("^5000$")
    learner.terminal.wait_prompt()
    heard = learner.page.get_by_role("log")
    expect(heard).to_have_text(re.compile(r"^500\d lines of output, the last: 5000$"))
    expect(learner.page.locator(".term .live-region")).to_have_count(0)  # it says each letter
    expect(learner.check()).to_have_attribute("data-state", "passed")
    expect(learner.page.locator("#say-polite")).to_contain_text("You ran a command")
    learner.terminal.run("echo a few words")
    expect(heard).to_contain_text("a few words")


def test_a_line_without_end_keeps_no_page_from_a_screen_reader(heron: SitDown) -> None:
    learner = heron(has_own_pace=True)
    learner.terminal.type("head -c 400000 /dev/zero | tr '\\0' A; echo; echo d''one")
    learner.terminal.wait_for("^done$")
    assert learner.terminal.ask("echo alive") == "alive"


def test_bell_and_title_of_a_hidden_terminal_show_on_its_tab(heron: SitDown) -> None:
    learner = heron()
    page = learner.page
    until = "rm -f ~/ring; until [ -e ~/ring ]; do sleep 0.1; done"
    learner.terminal.type(rf"{until}; printf '\e]2;<i>build</i> is done\a\a'; sleep 9")
    page.get_by_role("button", name="Another terminal").click()
    tab = page.get_by_role("tab", name="shell 1")
    expect(tab).to_have_attribute("aria-selected", "false")
    learner.terminal.wait_prompt()
    learner.terminal.type("touch ~/ring")
    expect(tab).to_contain_text("bell rang")
    expect(tab.locator(".term-tabs__title")).to_have_text("<i>build</i> is done")
    tab.click()
    expect(tab).not_to_contain_text("bell rang", use_inner_text=True)
    page.get_by_role("tab", name="shell 2").click()
    menu(page, "Close this terminal")


def test_a_hidden_link_says_where_it_leads_before_it_opens(heron: SitDown) -> None:
    learner = heron()
    page = learner.page
    learner.terminal.run(
        r"printf '\e]8;;http://192.0.2.1:9/there\e\\innocent-words\e]8;;\e\\\n'; "
        r"printf '\e]8;;javascript:alert(1)\e\\worse\e]8;;\e\\\n'"
    )
    click_line(learner, "innocent-words")
    question = page.get_by_role("dialog", name="Open this address?")
    expect(question).to_contain_text("http://192.0.2.1:9/there")
    with page.context.expect_page() as opened:
        question.get_by_role("button", name="Open").click()
    assert opened.value.evaluate("window.opener") is None
    opened.value.close()
    click_line(learner, "worse")
    expect(page.get_by_role("dialog")).to_have_count(0)


def click_line(learner: Joined, text: str) -> None:
    """Click on a line of the screen, as on a link in it."""
    at = learner.terminal.place_of(text)
    learner.page.mouse.move(at[0] + 3, at[1])
    learner.page.mouse.move(*at)
    learner.page.mouse.down()
    learner.page.mouse.up()


def test_thirty_terminals_on_a_page_use_few_contexts_and_survive_their_loss(heron: SitDown) -> None:
    learner = heron(script=COUNTS_CONTEXTS)
    page = learner.page
    page.evaluate(
        """async () => {
            const {Terminal} = await import("@xterm/xterm");
            const {drawFast} = await import("/static/js/elements/terminal-webgl.js");
            const place = document.body.appendChild(document.createElement("div"));
            place.style.cssText = "position: fixed; z-index: -1";
            window.many = Array.from({length: 30}, (_, n) => {
                const term = new Terminal({allowProposedApi: true, rows: 4, cols: 20});
                term.open(place.appendChild(document.createElement("div")));
                term.release = drawFast(term, () => {});
                term.write(`terminal ${n}`);
                return term;
            });
        }"""
    )
    assert 0 < page.evaluate("living().length") < 8
    learner.terminal.ask("stty size")
    page.evaluate(
        "for (const each of living()) each.getExtension('WEBGL_lose_context').loseContext()"
    )
    expect(page.locator("slip-terminal .xterm-rows >> visible=true")).to_contain_text(
        "end-of-answer"
    )
    # Letters are wider now by a part of a pixel: fewer fit, and none is cut.
    page.wait_for_function(
        """() => [...document.querySelectorAll("slip-terminal .term:not([hidden])")]
            .every(each => each.querySelector(".xterm-screen").clientWidth <= each.clientWidth)"""
    )
    assert learner.terminal.ask("stty size")
    page.evaluate("for (const term of many) { term.release(); term.dispose(); }")


def test_at_a_zoom_of_200_percent_all_is_drawn_and_a_limit_is_told_whole(heron: SitDown) -> None:
    learner = heron()
    page = learner.page
    small = {"width": 390, "height": 450, "deviceScaleFactor": 2, "mobile": False}
    page.context.new_cdp_session(page).send("Emulation.setDeviceMetricsOverride", small)
    page.get_by_role("tab", name="Terminal").first.click()
    page.wait_for_function(
        """() => [...document.querySelectorAll(".xterm-screen canvas:not([class])")]
            .every(each => Math.abs(each.clientWidth * devicePixelRatio - each.width) < 5)"""
    )
    learner.terminal.type("python3 -c 'bytearray(900 << 20)'")
    said = page.locator(".term-note__text").filter(has_text="python3 was ended")
    expect(said).to_be_visible(timeout=20_000)
    is_whole = "each => each.scrollHeight <= each.clientHeight"
    wait_for(lambda: said.evaluate(is_whole), "the whole of it")


def test_a_coarse_pointer_gets_the_keys_that_its_keyboard_lacks(heron: SitDown) -> None:
    learner = heron(touch=True)
    page = learner.page
    bar = page.get_by_role("toolbar", name="Keys")
    run_quietly(learner, "cat")
    bar.get_by_role("button", name="Ctrl", exact=True).tap()
    page.keyboard.type("c")
    learner.terminal.wait_prompt()
    page.keyboard.type("echo one")
    bar.get_by_role("button", name="left").tap()
    page.keyboard.type("d")
    page.keyboard.press("Enter")
    learner.terminal.wait_for("^onde$")
    bar.get_by_role("button", name="Write a whole line").tap()
    page.get_by_label("A line for the terminal").fill("echo a line with suggestions on")
    page.get_by_role("button", name="Send", exact=True).tap()
    learner.terminal.wait_for("^a line with suggestions on$")


def test_fingers_scroll_select_and_set_the_size_of_the_text(heron: SitDown) -> None:
    learner = heron(touch=True)
    page, terminal = learner.page, learner.terminal
    bar = page.get_by_role("toolbar", name="Keys")
    terminal.type("seq 300")
    terminal.wait_for("^300$")
    left, top = terminal.place_of("300")
    touch(page, [(left, top - 200)], [(left, top - 200 + 20 * step) for step in range(10)])
    wait_for(lambda: "300" not in terminal.text().split(), "older lines")
    touch(page, [(left, top)], [(left, top - 20 * step) for step in range(20)])
    terminal.wait_for("^300$")
    left, top = terminal.place_of("300")
    expect(bar.get_by_role("button", name="Paste")).to_be_visible()
    finger = page.context.new_cdp_session(page)
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at(left, top)]})
    copy = bar.get_by_role("button", name="Copy")
    expect(copy).to_be_visible()  # a long press takes the word
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    copy.tap()
    expect(bar.get_by_role("button", name="Paste")).to_be_visible()
    terminal.enter()
    page.keyboard.type("echo got ")
    page.keyboard.press("Control+V")
    terminal.wait_for("echo got 300$")
    page.keyboard.press("Enter")
    terminal.wait_prompt()
    rows = int(terminal.ask("stty size").split()[0])
    apart = [(left + 100 + 15 * step, top - 100) for step in range(10)]
    touch(page, [(left, top - 100), apart[0]], apart, still=(left, top - 100))
    wait_for(lambda: int(terminal.ask("stty size").split()[0]) < rows, "larger text")
    height = page.evaluate("document.body.clientHeight")
    finger.send("Emulation.setPageScaleFactor", {"pageScaleFactor": 2})  # beside the terminal
    page.wait_for_function("() => document.body.style.getPropertyValue('--seen-height')")
    assert page.evaluate("document.body.clientHeight") == height  # no keyboard has come


def at(left: float, top: float) -> dict[str, float]:
    """A finger's place, as the browser's protocol has it."""
    return {"x": left, "y": top}


def touch(
    page: Page,
    begin: list[tuple[float, float]],
    path: list[tuple[float, float]],
    still: tuple[float, float] | None = None,
) -> None:
    """Put fingers down, move one along a path beside one that stays, and lift them."""
    session = page.context.new_cdp_session(page)
    stays = [at(*still)] if still else []
    steps = [("touchStart", [at(*each) for each in begin])]
    steps += [("touchMove", [*stays, at(*each)]) for each in path]
    for kind, points in [*steps, ("touchEnd", [])]:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
