"""Connections are counted by whose they are, and the oldest of too many gives way."""

from __future__ import annotations

from webapp.crowd import Crowd, Held


class Room:
    """A crowd with little room, and who was asked to leave it."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.crowd = Crowd(strangers_most=3, person_most=2)

    def came(self, name: str) -> Held:
        return self.crowd.came(lambda: self.ended.append(name))


def test_of_too_many_strangers_the_one_that_waited_longest_gives_way() -> None:
    room = Room()
    first = room.came("a")
    for name in "bc":
        room.came(name)
    first.asks()
    room.came("d")
    assert room.ended == ["b"]


def test_who_is_known_gives_way_to_no_stranger() -> None:
    room = Room()
    room.came("ada").belongs("Person 1")
    for name in "abcdef":
        room.came(name)
    assert room.ended == ["a", "b", "c"]


def test_one_person_takes_no_more_than_a_share() -> None:
    room = Room()
    room.came("chi").belongs("Learner 2")
    for name in "abc":
        room.came(name).belongs("Learner 1")
    assert room.ended == ["a"]


def test_who_has_left_leaves_room() -> None:
    room = Room()
    for name in "abcdef":
        room.came(name).left()
    assert room.ended == []
