"""Which images can run here, and what is said of those that surprise."""

from __future__ import annotations

import pytest

from runtime.image import fitness
from runtime.problems import Problem


def test_an_image_for_another_processor_or_system_is_refused_with_what_it_is_for() -> None:
    fitness.require("x", {"architecture": fitness.architecture(), "os": "linux"})
    with pytest.raises(Problem, match="linux/s390x"):
        fitness.require("x", {"architecture": "s390x", "os": "linux"})
    with pytest.raises(Problem, match="windows/"):
        fitness.require("x", {"architecture": fitness.architecture(), "os": "windows"})


def test_of_many_variants_ours_is_taken_and_what_is_no_machine_is_not_named() -> None:
    attested = {"digest": digest(4), "platform": {"os": "unknown", "architecture": "unknown"}}
    foreign, ours = variant("s390x", 1), variant(fitness.architecture(), 2)
    assert fitness.choose("x", {"manifests": [foreign, ours, attested]}) == digest(2)
    with pytest.raises(Problem) as refused:
        fitness.choose("x", {"manifests": [foreign, attested]})
    assert refused.value.facts["there"] == ["linux/s390x"]


def test_a_variant_that_does_not_say_what_it_is_for_is_looked_at_itself() -> None:
    unsaid = {"digest": digest(3), "platform": None}
    assert fitness.choose("x", {"manifests": [variant("s390x", 1), unsaid]}) == digest(3)
    ours = variant(fitness.architecture(), 2)
    assert fitness.choose("x", {"manifests": [unsaid, ours]}) == digest(2)


@pytest.mark.parametrize("listed", [None, {}, "all of them", [{"digest": "../x"}], [{}]])
def test_a_list_of_variants_that_is_none_is_an_error_of_whoever_wrote_it(listed: object) -> None:
    with pytest.raises(ValueError, match="its list of variants"):
        fitness.choose("x", {"manifests": listed})


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def variant(architecture: str, number: int) -> dict[str, object]:
    return {"digest": digest(number), "platform": {"os": "linux", "architecture": architecture}}


IN_IT = {"/usr/sbin/nginx", "/serve", "/hello", "/bin/sh", "/bin/bash"}


@pytest.mark.parametrize(
    ("config", "has_shell", "words"),
    [
        ({"Cmd": ["nginx", "-g", "daemon off;"]}, True, []),
        ({"Entrypoint": ["/serve"]}, True, []),
        ({"Cmd": ["bash"]}, True, ["ends at once"]),
        ({"Entrypoint": ["/bin/sh"]}, True, ["ends at once"]),
        ({}, True, ["doesn't say what to start"]),
        ({"Cmd": ["/hello"]}, False, ["no shell"]),
        ({"Entrypoint": ["/missing"]}, True, ["`/missing`, which isn't in it"]),
        ({"Cmd": ["nginx"], "Env": ["A=1", "PATH=/opt"]}, True, ["`nginx`, which isn't in it"]),
        ({"Cmd": ["nginx"], "Env": ["PATH=" + "/x:" * 100_000]}, True, []),
        ({"Cmd": [""]}, True, ["isn't in it"]),
        ({"Cmd": ["./here"], "WorkingDir": "/srv"}, True, []),
    ],
)
def test_what_somebody_should_know_who_chooses_it_is_said(
    config: dict[str, object], words: list[str], *, has_shell: bool
) -> None:
    notes = fitness.notes({"config": config}, has_shell=has_shell, has=IN_IT.__contains__)
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))
