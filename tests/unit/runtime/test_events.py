from __future__ import annotations

import threading

from runtime.events import Events


def test_a_follower_reads_each_event_once_and_in_order() -> None:
    events = Events()
    start = events.newest
    for number in range(3):
        events.tell("lab.ready", lab=f"lab{number}")
    first = events.after(start, 0)
    assert [event["lab"] for event in first] == ["lab0", "lab1", "lab2"]
    assert events.after(first[-1]["seq"], 0) == []


def test_a_follower_is_woken_by_the_next_event() -> None:
    events = Events()
    found: list[object] = []
    cursor = events.newest
    waiter = threading.Thread(target=lambda: found.extend(events.after(cursor, 30)))
    waiter.start()
    events.tell("pool.changed")
    waiter.join(30)
    assert len(found) == 1


def test_a_follower_who_was_away_too_long_is_told_so() -> None:
    events = Events(backlog=5)
    cursor = events.newest
    for _ in range(9):
        events.tell("lab.ready")
    found = events.after(cursor, 0)
    assert [event["type"] for event in found] == ["events.missed"] + ["lab.ready"] * 5
    assert events.after(found[0]["seq"], 0) == found[1:]


def test_a_follower_who_missed_nothing_is_not_frightened() -> None:
    events = Events(backlog=5)
    cursor = events.newest
    for _ in range(5):
        events.tell("lab.ready")
    assert [event["type"] for event in events.after(cursor, 0)] == ["lab.ready"] * 5


def test_a_cursor_of_an_earlier_runtime_reads_all_of_this_one() -> None:
    earlier = Events()
    earlier.tell("lab.ready")
    cursor = earlier.newest - 60_000
    later = Events()
    later.tell("runtime.started")
    assert later.after(cursor, 0)[-1]["type"] == "runtime.started"


def test_nobody_waits_for_a_runtime_that_stops() -> None:
    events = Events()
    events.close()
    assert events.after(events.newest, 60) == []
