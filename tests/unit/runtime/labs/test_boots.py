"""What keeps a machine from being booted is said before anything of it begins."""

from __future__ import annotations

import platform
from typing import Any, cast

import pytest

from runtime.container.bundle import User
from runtime.labs import boots, state
from runtime.machine.record import Record

NOTHING = cast("Any", None)  # what a boot that is refused doesn't touch


@pytest.mark.parametrize(("machine", "said"), [("aarch64", "aarch64"), ("riscv64", "riscv64")])
def test_a_server_with_another_processor_says_so_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, machine: str, said: str
) -> None:
    # The processor of the machine that this runs on can't be changed.
    monkeypatch.setattr(platform, "machine", lambda: machine)
    user = User("learner", 1000, 1000, "/home/learner", "/bin/bash")
    lab = state.Lab(state.new_id(), state.Shape("slipway/base"), 1 << 30, user)
    record = Record(lab.id, "vm", 256 << 20, 512 << 20, lab.machine_uid, state="booting")
    booter = boots.Booter(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)
    with pytest.raises(boots.Refused) as caught:
        booter.boot(boots.Live(lab, record), NOTHING, (24, 80))
    assert caught.value.reason == "processor"
    assert "x86_64" in caught.value.sentence
    assert said in caught.value.sentence
    assert caught.value.sentence.endswith("Your container goes on.")
