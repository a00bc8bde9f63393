"""How many more fit: the arithmetic of slices, with what is not known left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.labs.compare.plan import MOST_EXTRA, Cost, Kind, Plans, Want, least_slice
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.meter.figures import Start

MIB = 1 << 20
MACHINE = Cost(150 * MIB, 352 * MIB)
CONTAINER = Cost(2 * MIB, 256 * MIB)


class One:
    """An extra that costs what it is told, until it is ended."""

    def __init__(self, cost: Cost, failure: str = "") -> None:
        self.start: Start | None = None
        self.is_ended = False
        self._cost = cost
        self._failure = failure

    def cost(self) -> Cost:
        return self._cost

    def failure(self) -> str:
        return self._failure

    def end(self) -> None:
        self.is_ended = True


def plans(free_mb: int = 100_000) -> Plans:
    return Plans(lambda: free_mb * MIB)


def want(
    make: Callable[[Kind], One] | None = None,
    used: int | None = CONTAINER.used,
    slice_bytes: int = 1000 * MIB,
) -> Want:
    return Want(
        slice_bytes=slice_bytes,
        own={"machine": [MACHINE], "container": [Cost(used, CONTAINER.promised)]},
        promise={"machine": MACHINE.promised, "container": CONTAINER.promised},
        make=make or (lambda kind: One(MACHINE if kind == "machine" else CONTAINER)),
    )


def test_both_lines_say_what_is_used_and_what_is_left() -> None:
    plan = plans().read("lab", want())
    assert plan["kept_bytes"] == 100 * MIB
    idle, promised = plan["lines"]["idle"], plan["lines"]["promised"]
    assert idle["free_bytes"] == (900 - 150 - 2) * MIB
    assert (idle["machine"]["more"], idle["container"]["more"]) == (4, 374)
    assert promised["free_bytes"] == (900 - 352 - 256) * MIB
    assert (promised["machine"]["more"], promised["container"]["more"]) == (0, 1)


def test_a_machine_is_refused_by_its_promise_and_a_container_still_starts() -> None:
    all_plans = plans()
    assert all_plans.more("lab", "machine", want())["refused"] is None
    refused = all_plans.more("lab", "machine", want())["refused"]
    assert refused["sentence"].startswith(
        "Not enough resources for another VM: one needs 352 MB, 194 MB are free."
    )
    assert refused["counted"] == "memory"
    after = all_plans.more("lab", "container", want())
    assert (after["mine"]["machines"], after["mine"]["containers"]) == (2, 2)
    assert after["after_refusal"] == 1


@pytest.mark.parametrize("slice_mb", [500, 785, 786, 787, 788, 1000, 1177, 1178, 1179, 1570])
def test_in_a_slice_of_any_size_a_container_starts_after_the_refusal(slice_mb: int) -> None:
    all_plans, mine = plans(), want(slice_bytes=slice_mb * MIB)
    while all_plans.more("lab", "machine", mine)["refused"] is None:
        pass
    after = all_plans.more("lab", "container", mine)
    assert after["refused"]["kind"] == "machine"
    assert after["after_refusal"] == 1


@pytest.mark.parametrize("machine_mb", [224, 352, 1120, 2144, 8288])
def test_the_least_slice_has_room_for_a_machine_and_containers_beside_it(machine_mb: int) -> None:
    least = least_slice(machine_mb * MIB)
    mine = Want(
        slice_bytes=least,
        own={"machine": [Cost(None, machine_mb * MIB)], "container": [CONTAINER]},
        promise={"machine": machine_mb * MIB, "container": CONTAINER.promised},
        make=lambda _kind: One(CONTAINER),
    )
    plan = plans().more("lab", "container", mine)
    assert plan["refused"] is None
    assert plan["lines"]["promised"]["used_bytes"]["machines"] < least - plan["kept_bytes"]


def test_what_was_not_measured_is_null_and_never_zero() -> None:
    plan = plans().read("lab", want(used=None))
    assert plan["lines"]["idle"]["container"] == {"each_bytes": None, "more": None}
    assert plan["lines"]["promised"]["container"]["more"] == 1


def test_a_machine_that_boots_is_counted_and_says_nothing_of_the_next_one() -> None:
    all_plans, booting = plans(), One(Cost(20 * MIB, MACHINE.promised, is_up=False))
    plan = all_plans.more("lab", "machine", want(lambda _kind: booting))
    idle = plan["lines"]["idle"]
    assert idle["used_bytes"]["machines"] == (150 + 20) * MIB
    assert idle["machine"]["each_bytes"] == 150 * MIB


def test_nobody_has_more_than_a_few_and_the_workshop_is_named() -> None:
    all_plans = plans()
    for _ in range(MOST_EXTRA):
        assert all_plans.more("lab", "container", want())["refused"] is None
    assert all_plans.more("lab", "container", want())["refused"]["counted"] == "workshop"


def test_a_server_without_room_refuses_whatever_the_slice_says() -> None:
    refused = plans(free_mb=100).more("lab", "machine", want())["refused"]
    assert "the server has 100 MB left" in refused["sentence"]

    def full(_kind: Kind) -> One:
        raise Problem("server-full", "This server is full.", what="disk", needs=5, left=3)

    refused = plans().more("lab", "container", want(full))["refused"]
    assert (refused["counted"], refused["needs_bytes"], refused["free_bytes"]) == ("disk", 5, 3)


def test_a_machine_that_never_booted_counts_no_more_and_says_why() -> None:
    all_plans, dead = plans(), One(MACHINE, "It did not boot.")
    all_plans.more("lab", "machine", want(lambda _kind: dead))
    plan = all_plans.read("lab", want())
    assert plan["mine"]["machines"] == 1
    assert plan["refused"]["sentence"] == "It did not boot."
    assert dead.is_ended


def test_a_plan_that_is_just_changing_is_waited_for_by_nobody_else() -> None:
    all_plans, seen = plans(), []

    def made(_kind: Kind) -> One:
        seen.append(all_plans.glance("lab", want()))
        return One(CONTAINER)

    plan = all_plans.more("lab", "container", want(made))
    assert seen == [None]
    glance = all_plans.glance("lab", want())
    assert glance is not None
    assert glance["mine"] == plan["mine"]


def test_all_that_is_extra_ends_with_its_lab() -> None:
    all_plans, made = plans(), [One(CONTAINER), One(CONTAINER)]
    coming = iter(made)
    for _ in made:
        all_plans.more("lab", "container", want(lambda _kind: next(coming)))
    all_plans.forget("lab")
    assert [each.is_ended for each in made] == [True, True]


@pytest.mark.parametrize("kind", ["machine", "container"])
def test_a_lab_that_can_have_no_other_is_told_so(kind: Kind) -> None:
    nothing = Want(
        slice_bytes=1000 * MIB,
        own={"machine": [], "container": []},
        promise={"machine": None, "container": None},
        make=lambda _kind: One(CONTAINER),
    )
    assert plans().more("lab", kind, nothing)["refused"]["counted"] == "workshop"
