"""Raised hands: first come first, and nobody's is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webapp.models.people import learners_of
from webapp.workshops.hands import NOTE_MOST
from webapp.workshops.joining import join
from webapp.workshops.standing import Classes

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import Browser
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring


def test_who_raised_first_is_first_and_the_others_move_up(
    parts: Wiring, workshop: Workshop
) -> None:
    otter, heron, lynx = (
        join(parts.database, workshop.code, name, name)[0].id for name in ("otter", "heron", "lynx")
    )
    assert [parts.hands.raise_one(each) for each in (heron, otter)] == [1, 2]
    assert parts.hands.raise_one(heron, "kill?") == 1  # a word more costs no place
    heard: list[tuple[int, int]] = []
    parts.news.listen(lambda item: heard.append((item.learner_id, item.facts["place"])))
    parts.hands.raise_one(lynx)
    parts.hands.lower(heron, by="ada")
    parts.hands.lower(lynx)
    parts.hands.lower(heron)
    # Whose place is another hears it, and nobody else.
    assert heard == [(lynx, 3), (heron, 0), (otter, 1), (lynx, 2), (lynx, 0)]
    assert [parts.hands.place_of(each) for each in (otter, heron, lynx)] == [1, 0, 0]


def test_hands_stay_up_when_the_server_begins_anew(parts: Wiring, workshop: Workshop) -> None:
    otter, _ = join(parts.database, workshop.code, "otter", "a")
    parts.hands.raise_one(otter.id, "  kill doesn't\ntake a name\u202e " + "x" * 500)
    with parts.database.read() as session:
        standing = Classes(parts.library).of(session, workshop).of[otter.id]
        rows = parts.roster.rows(session, workshop)
    assert standing.note.startswith("kill doesn't take a name")
    assert len(standing.note) <= NOTE_MOST
    assert "\u202e" not in standing.note
    assert (rows[0]["state"], rows[0]["text"]) == ("hand", "Hand up {min} min")
    assert rows[0]["detail"].startswith("“kill doesn't")


def test_the_instructor_lowers_a_hand_and_nobody_elses(
    parts: Wiring, ada: Browser, mallory: Browser, workshop: Workshop
) -> None:
    otter, _ = join(parts.database, workshop.code, "otter", "a")
    parts.hands.raise_one(otter.id)
    page = f"/workshops/{workshop.public_id}/learners/{otter.public_id}"
    assert "Helped, lower hand" in ada.get(page).text
    assert mallory.post(f"{page}/lower").status_code == 403
    assert parts.hands.place_of(otter.id) == 1
    assert ada.post(f"{page}/lower", follow_redirects="true").status_code == 200
    assert parts.hands.place_of(otter.id) == 0
    assert "Helped, lower hand" not in ada.get(page).text


def test_a_private_note_is_the_instructors_alone(
    parts: Wiring, ada: Browser, mallory: Browser, ben: Browser, workshop: Workshop
) -> None:
    ben.join(workshop.code, "ben")
    with parts.database.read() as session:
        (learner,) = learners_of(session, workshop.id)
    page = f"/workshops/{workshop.public_id}/learners/{learner.public_id}"
    note = "Reads carefully </textarea><script>alert(1)</script>"
    assert ada.post(f"{page}/note", {"note": note}).status_code == 302
    assert "Reads carefully &lt;/textarea&gt;" in ada.get(page).text
    assert mallory.post(f"{page}/note", {"note": "mine"}).status_code == 403
    for address in ("/pin", "/lab/00-your-terminal/01-a-prompt"):
        assert "Reads carefully" not in ben.get(address).text
