"""Which lab is whose guest at the workshop's registry, and what is asked of others for it."""

from __future__ import annotations

import pytest

from runtime.container.bundle import ROOT
from runtime.image.reference import USUAL
from runtime.labs import guests
from runtime.labs.state import Lab, LabId, Shape
from runtime.problems import Problem


def lab(profile: str = "engine", allowed: tuple[str, ...] = (), *, internet: bool = False) -> Lab:
    shape = Shape("slipway/engine", profile, internet=internet, allowed=allowed)
    return Lab(LabId("0a1b2c3d"), shape, 1 << 30, ROOT, key="learner-1", address="198.18.0.2")


def test_a_lab_with_an_engine_is_known_by_its_address() -> None:
    assert guests.who([lab()], "198.18.0.2") == {
        "lab": "0a1b2c3d",
        "own": "lab-0a1b2c",
        "asks": False,
    }


@pytest.mark.parametrize(
    ("known", "address"), [(lab(), "198.18.0.3"), (lab("plain"), "198.18.0.2")]
)
def test_nobody_else_is_a_guest(known: Lab, address: str) -> None:
    with pytest.raises(Problem) as refused:
        guests.who([known], address)
    assert refused.value.code == "lab-unknown"


@pytest.mark.parametrize(
    ("asking", "may"),
    [
        (lab(), False),
        (lab(internet=True), True),
        (lab(internet=True, allowed=("pypi.org",)), False),
        (lab(internet=True, allowed=(USUAL,)), True),
        (lab(internet=False, allowed=(USUAL,)), False),
    ],
)
def test_registries_are_asked_for_who_may_reach_them(asking: Lab, *, may: bool) -> None:
    assert guests.may_ask(asking) is may


def test_names_of_labs_that_ended_are_told_apart() -> None:
    assert guests.gone([lab()], ["lab-0a1b2c", "lab-ffffff"]) == ["lab-ffffff"]
