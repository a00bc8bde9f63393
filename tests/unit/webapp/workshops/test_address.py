from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime import reached
from webapp.workshops import address
from webapp.workshops.address import find_address

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def on_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in a container, on a machine at 10.7.0.5: the test's own machine may be either."""
    monkeypatch.setattr(reached, "CONTAINER_MARKS", ())
    monkeypatch.setattr(address, "own_address", lambda: "10.7.0.5")


@pytest.mark.parametrize(
    ("public_url", "asked_as", "listens_on", "url"),
    [
        ("lab.school.example", "http://127.0.0.1:80/", "127.0.0.1:80", "http://lab.school.example"),
        ("https://lab.example/", "", "127.0.0.1:80", "https://lab.example"),
        ("", "http://lab.lan:8080/", "0.0.0.0:8080", "http://lab.lan:8080"),
        ("", "http://localhost:8080/", "0.0.0.0:8080", "http://10.7.0.5:8080"),
        ("", "http://127.0.0.1/", "0.0.0.0:80", "http://10.7.0.5"),
        ("", "http://localhost:8080/", "127.0.0.1:8080", ""),
        ("", "", "127.0.0.1:8080", ""),
    ],
)
@pytest.mark.usefixtures("on_a_host")
def test_the_address_is_the_set_one_then_the_used_one_then_the_machine_s(
    public_url: str, asked_as: str, listens_on: str, url: str
) -> None:
    assert find_address(public_url, asked_as, listens_on).url == url


def test_in_a_container_its_own_address_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mark").touch()
    monkeypatch.setattr(reached, "CONTAINER_MARKS", (tmp_path / "mark",))
    monkeypatch.setattr(address, "own_address", lambda: "172.17.0.2")
    for asked in ("http://172.17.0.2:8080/", "http://localhost:8080/"):
        found = find_address("", asked, "0.0.0.0:8080")
        assert found.url == ""
        assert "SLIPWAY_PUBLIC_URL" in found.note
