"""A learner: from a code to a passed check, and back again from anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.screens import Joined, Terminal, join

if TYPE_CHECKING:
    from tests.browser.conftest import Person
    from tests.conftest import Server

Workshop = dict[str, Any]


def test_a_check_fails_then_passes_and_opens_the_next_step(
    person: Person, workshop: Workshop
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    check = ben.check()
    expect(check).to_have_attribute("data-state", "failed")
    expect(check).to_contain_text("one command that you ran in your terminal")
    expect(check).to_contain_text("none yet")

    ben.page.get_by_role("button", name="Run: whoami").click()
    assert "\nlearner\n" in ben.terminal.wait_for(r"^learner$[\s\S]*\$ *$")
    expect(ben.check()).to_have_attribute("data-state", "passed")
    expect(check).to_contain_text("whoami")
    expect(ben.page.get_by_text("You type a line and press Enter.")).to_be_visible()

    ben.onward()
    expect(ben.page.get_by_role("heading", name="Stop and get out")).to_be_visible()
    ben.terminal.wait_prompt()


def test_a_reload_and_a_second_tab_show_the_same_shell_and_screen(
    person: Person, workshop: Workshop
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    ben.terminal.run("marker=kept; echo one line that stays")
    before = ben.terminal.text()
    ben.page.reload()
    ben.terminal.wait_for("^one line that stays")
    assert ben.terminal.wait_prompt() == before
    assert ben.terminal.ask("echo $marker $$").split()[0] == "kept"

    other = ben.page.context.new_page()
    other.goto(ben.page.url)
    Terminal(other).wait_for("^end-of-answer-")
    Terminal(other).run("echo from the other tab")
    ben.terminal.wait_for("^from the other tab")


def test_two_learners_of_one_name_are_two_people_in_two_places(
    person: Person, workshop: Workshop, server: Server
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    ben.terminal.run("echo secret > ~/mine; sleep 4321 &")
    page = person()
    page.goto(f"/j/{workshop['code']}")
    page.get_by_label("Your name").fill("Ben")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("already called Ben")).to_be_visible()
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", name=re.compile("Welcome"))).to_be_visible()
    page.get_by_role("link", name="Start the lesson").click()
    other = Joined(page, "Ben", "")
    other.terminal.wait_prompt()

    assert "No such file" in other.terminal.ask("cat ~/mine")
    assert other.terminal.ask("pgrep -c sleep") == "0"
    assert ben.terminal.ask("pgrep -c sleep") == "1"
    for command in (
        "hostname",
        "hostname -I",
        "cat /proc/self/uid_map",
        "readlink /proc/self/ns/pid",
    ):
        assert ben.terminal.ask(command) != other.terminal.ask(command)
    labs = server.client.lab_list()
    assert len({lab["uid_base"] for lab in labs}) == len(labs)


def test_a_pin_brings_a_learner_back_from_another_browser(
    person: Person, workshop: Workshop
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    ben.terminal.run("marker=kept; whoami")
    ben.check()
    ben.onward()
    expect(ben.page.get_by_role("heading", name="Stop and get out")).to_be_visible()

    elsewhere = person()
    elsewhere.goto("/resume")
    elsewhere.get_by_label("Workshop code").fill(workshop["code"])
    elsewhere.get_by_label("Your name").fill("Ben")
    elsewhere.get_by_label("PIN", exact=True).fill(ben.pin)
    elsewhere.get_by_role("button", name="Resume").click()
    expect(elsewhere.get_by_role("heading", name="Stop and get out")).to_be_visible()
    assert Terminal(elsewhere).ask("echo $marker") == "kept"
    expect(elsewhere.get_by_role("link", name=re.compile("Step 1, A prompt, done"))).to_be_visible()


def test_the_servers_view_shows_the_learners_own_processes(
    person: Person, workshop: Workshop, server: Server
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    said: list[str] = []
    ben.page.on("websocket", lambda line: line.on("framesent", lambda sent: said.append(str(sent))))
    ben.page.goto("/lab/02-what-is-a-container/04-seen-from-the-server")
    ben.terminal.wait_prompt()
    ben.terminal.run("sleep 600 &")
    ben.page.get_by_text(re.compile("view of your container")).click()
    row = ben.page.get_by_role("row", name=re.compile(r"\bsleep\b"))
    outside, inside = (int(row.locator(".number").nth(n).inner_text()) for n in (0, 1))
    name = ben.terminal.ask("hostname")
    lab = next(each for each in server.client.lab_list() if each["hostname"] == name)
    numbers = {(each["pid"], each["inner_pid"]) for each in server.client.lab_processes(lab["lab"])}
    assert (outside, inside) in numbers
    ben.terminal.run("sleep 601 &")
    expect(ben.page.get_by_role("row", name="sleep 601")).to_be_visible()
    assert sum('["processes"' in each for each in said) == 1  # since then it was told

    answer = ben.page.get_by_label("Which number does the server give your sleep?")
    answer.fill(str(inside))
    ben.page.get_by_role("button", name="Answer", exact=True).click()
    quiz = ben.page.locator("slip-quiz")
    expect(quiz).to_have_attribute("data-state", "failed")
    expect(quiz).to_contain_text("its number in your container")
    answer.fill(str(outside))
    ben.page.get_by_role("button", name="Answer", exact=True).click()
    expect(quiz).to_have_attribute("data-state", "passed")
    expect(ben.page.get_by_text("A container is ordinary processes")).to_be_visible()


def test_a_command_of_the_text_says_how_it_ended(person: Person, workshop: dict[str, Any]) -> None:
    ben = join(person(), workshop["code"], "Ben")
    command = ben.page.locator("slip-command").first
    endings = {"whoami": "Ran", "cat /nowhere": "Failed, code 1", "sleep 1000": "Stopped"}
    for change, said in endings.items():
        command.locator("code").evaluate("(code, text) => { code.textContent = text; }", change)
        command.get_by_role("button", name=re.compile("^Run")).click()
        if said == "Stopped":
            expect(command).to_contain_text("Running")
            ben.terminal.wait_for("sleep 1000$")
            ben.page.keyboard.press("Control+C")
        expect(command).to_contain_text(said)
        ben.terminal.wait_prompt()
        assert ben.terminal.ask("false; true; echo $?") == "0"
        expect(command).to_contain_text(said)
        ben.page.reload()
        expect(command).to_contain_text("Ran")  # what is replayed is old
        ben.terminal.wait_prompt()


def test_a_huge_message_is_refused_by_name_and_the_connection_lives(
    person: Person, workshop: Workshop
) -> None:
    page = join(person(), workshop["code"], "Mallory").page
    answers = page.evaluate(
        """async () => {
            const {io} = await import("/static/vendor/socket.io/dist/socket.io.esm.min.js");
            const socket = io("/lesson", {forceNew: true, reconnection: false});
            const ask = (step) => new Promise((done) => socket.emit("check", {step}, done));
            const said = [await ask("x".repeat(500_000)), await ask("nowhere")];
            return said.map((answer) => answer.problem.code);
        }"""
    )
    assert answers == ["message-too-large", "step-unknown"]


def test_what_would_end_the_connection_is_refused_by_the_page_itself(
    person: Person, workshop: Workshop
) -> None:
    page = join(person(), workshop["code"], "Mallory").page
    codes = page.evaluate(
        """async () => {
            const {Room} = await import("/static/js/lib/socket.js");
            const room = new Room("/lesson");  // asked at once, as by who presses early
            let ends = 0;
            room.on("disconnect", () => ends++);
            const ask = (step) => room.ask("check", {step}).catch((refused) => refused.code);
            return [await ask("x".repeat(2_000_000)), await ask("nowhere"), ends];
        }"""
    )
    assert codes == ["message-too-large", "step-unknown", 0]
