"""Someone guesses codes, PINs and passwords, with a fresh browser for each try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from limits.storage import MemoryStorage

from tests.unit.webapp.conftest import PASSWORD
from webapp.keys import derive_pin
from webapp.models.people import learners_of
from webapp.problems import Problem
from webapp.tries import CODES, PINS, Tries

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.webapp.conftest import Browser
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring

SPELLINGS = ("otter", "OTTER", "otter 1", "otter 01", "otter 0001", "otter \u0661", "otter\u200b")


def pin_of_first(parts: Wiring, workshop: Workshop) -> str:
    with parts.database.read() as session:
        learner = learners_of(session, workshop.id)[0]
    return derive_pin(parts.key, learner.public_id, learner.pin_turn)


def guess(browser: Browser, workshop: Workshop, name: str, pin: str) -> int:
    form = {"code": workshop.code, "name": name, "pin": pin}
    return browser.post("/resume", form).status_code


def test_guesses_at_a_pin_run_out_however_browser_and_spelling_change(
    open_browser: Callable[[], Browser],
    ben: Browser,
    chi: Browser,
    workshop: Workshop,
    parts: Wiring,
) -> None:
    ben.join(workshop.code, "otter")
    chi.join(workshop.code, "heron")
    wrong = "0000" if pin_of_first(parts, workshop) != "0000" else "1111"
    taken = 0
    for number in range(60):
        spelling = SPELLINGS[number % len(SPELLINGS)]
        taken += guess(open_browser(), workshop, spelling, wrong) == 403
    assert taken == 20
    stranger = open_browser()
    assert guess(stranger, workshop, "otter", wrong) == 429
    assert guess(stranger, workshop, "heron", wrong) == 403  # nobody else waits


def test_a_stranger_s_guesses_do_not_lock_the_learner_s_own_browser_out(
    open_browser: Callable[[], Browser], ben: Browser, workshop: Workshop, parts: Wiring
) -> None:
    ben.join(workshop.code, "otter")
    pin = pin_of_first(parts, workshop)
    for _ in range(25):
        guess(open_browser(), workshop, "otter", "0000" if pin != "0000" else "1111")
    assert guess(open_browser(), workshop, "otter", pin) == 429
    assert guess(ben, workshop, "otter", pin) == 302


@pytest.mark.usefixtures("workshop")
def test_wrong_passwords_of_strangers_do_not_lock_ada_s_own_browser_out(
    open_browser: Callable[[], Browser], parts: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = open_browser()
    right, wrong = {"name": "ada", "password": PASSWORD}, {"name": "ada", "password": "x" * 12}
    assert own.post("/sign-in", right).status_code == 302
    own.post("/sign-out")
    real = parts.passwords.is_right
    monkeypatch.setattr(  # hashing each of them would take seconds
        parts.passwords, "is_right", lambda hashed, typed: typed == PASSWORD and real(hashed, typed)
    )
    for _ in range(61):
        open_browser().post("/sign-in", wrong)
    assert open_browser().post("/sign-in", right).status_code == 429
    assert own.post("/sign-in", right).status_code == 302


def test_no_number_of_wrong_codes_keeps_a_class_out(
    open_browser: Callable[[], Browser], workshop: Workshop, parts: Wiring
) -> None:
    assert not CODES.by_target
    for number in range(1000):
        parts.tries.failed(CODES, f"some-other-browser-{number // 10}", "any")
    assert open_browser().join(workshop.code, "heron").status_code == 302


def test_a_guesser_with_ever_new_browsers_fills_no_memory_and_gets_no_more_tries() -> None:
    tries = Tries(browsers_most=50)
    for number in range(500):
        tries.failed(CODES, f"browser-{number}", "any")
        if number < 20:
            tries.failed(PINS, f"browser-{number}", "otter")
    assert len(tries._browsers) <= 50
    storage = tries._by_browser.storage
    assert isinstance(storage, MemoryStorage)
    assert len(storage.events) <= 50 * 6
    with pytest.raises(Problem):
        tries.require_allowed(PINS, "another-browser", "otter")


def test_a_stranger_opens_no_socket_and_costs_no_session(
    open_browser: Callable[[], Browser], ben: Browser, workshop: Workshop
) -> None:
    opening = "/socket.io/?EIO=4&transport=polling"
    for query in "", "&sid=", "&sid", "&t=1":
        assert open_browser().get(opening + query).status_code == 403
    assert open_browser().get(f"{opening}&sid=nobody").status_code == 400
    ben.join(workshop.code, "otter")
    assert ben.get(opening).status_code == 200
