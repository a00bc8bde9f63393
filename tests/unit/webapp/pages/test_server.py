"""The server's page: what to mend comes first, and who may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webapp.workshops.server_state import label

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring


def finding(name: str, state: str, fix: str = "") -> dict[str, str]:
    return {"name": name, "state": state, "found": f"{name} as it is", "wanted": "more", "fix": fix}


@pytest.fixture
def watched(engine: MemoryEngine, parts: Wiring, monkeypatch: pytest.MonkeyPatch) -> MemoryEngine:
    monkeypatch.setattr(parts.pumps, "figures", lambda: {"terminals": 7, "viewers": 5})
    engine.findings = [
        finding("kernel", "good"),
        finding("port", "worse", "Perhaps a server runs already."),
        finding("kvm", "worse", "Run `modprobe kvm` <script>alert(1)</script>"),
    ]
    return engine


def test_what_to_mend_comes_first_with_what_to_do(ada: Browser, watched: MemoryEngine) -> None:
    page = ada.get("/server").text
    assert page.index("KVM") < page.index("Kernel")
    assert "<code>modprobe kvm</code>" in page
    assert "<script>alert" not in page
    assert "1 thing would make it better" in page
    assert "7 open, 5 looked at" in page
    assert "Perhaps a server runs" not in page
    assert watched.told == [("doctor", "False")]


def test_a_server_without_faults_says_so(ada: Browser, watched: MemoryEngine) -> None:
    watched.findings = [finding("kernel", "good")]
    assert "There is nothing to mend" in ada.get("/server").text
    watched.findings = [finding("overlay", "missing", "Load it.")]
    assert "No lab can run: 1 thing is broken" in ada.get("/server").text


def test_looking_anew_asks_for_a_report_that_is_new(ada: Browser, watched: MemoryEngine) -> None:
    assert ada.post("/server/check").status_code == 302
    assert watched.told == [("doctor", "True")]


def test_without_a_runtime_the_page_says_what_goes_on(ada: Browser, watched: MemoryEngine) -> None:
    watched.is_away = True
    page = ada.get("/server").text
    assert "The runtime is away. Labs go on." in page
    assert ada.post("/server/check").status_code == 302


def test_learners_and_strangers_see_nothing_of_it(
    ben: Browser, workshop: Workshop, watched: MemoryEngine
) -> None:
    assert ben.get("/server").status_code == 302
    ben.join(workshop.code, "ben")
    assert ben.get("/server").headers["Location"] == "/sign-in"
    assert ben.post("/server/check").status_code == 401
    assert watched.told == []


def test_a_probe_is_called_as_people_write_it() -> None:
    assert [label(name) for name in ("kvm", "lab-disks", "oci-runtime")] == [
        "KVM",
        "Lab disks",
        "OCI runtime",
    ]
