"""What a lab says of its kernel is shown, and believed only as far as it can be shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from runtime.labs.compare import isolation

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.labs.compare.works import Runner
    from runtime.labs.state import Lab

HOST = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
NOBODY = cast("Lab", None)


def saying(text: str) -> Runner:
    """A half of a lab that answers every question with this."""

    def run(
        _lab: Lab, _argv: list[str], fds: tuple[int, int, int], _is_gone: Callable[[], bool]
    ) -> int:
        os.write(fds[1], text.encode())
        return 0

    return run


def row(answer: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in answer["rows"] if row["name"] == name)
    return found


def test_whose_kernel_answered_is_told_by_its_boot_id() -> None:
    ours = f"release\t6.1\nboot-id\t{HOST}\nuptime\t7300.5\n"
    its = "release\t6.1\nboot-id\tanother\nuptime\t38.2\n"
    answer = isolation.rows(NOBODY, saying(ours), saying(its))
    kernel, uptime = row(answer, "kernel"), row(answer, "uptime")
    assert kernel["container"]["value"] == "6.1, the server's"
    assert kernel["machine"]["value"] == "6.1, its own"
    assert uptime["container"]["value"] == "2 h 2 min, the server's"
    assert uptime["machine"]["value"] == "38 s, its own"


@pytest.mark.parametrize(
    ("held", "value"),
    [
        ("0000000000000000", "the server's 12, can't load"),
        ("0000000000010000", "12 loaded, the server's"),
    ],
)
def test_modules_that_are_seen_are_not_modules_that_may_be_loaded(held: str, value: str) -> None:
    said = f"boot-id\t{HOST}\nmodules\t12\ncapabilities\t{held}\n"
    answer = isolation.rows(NOBODY, saying(said), None)
    assert row(answer, "modules")["container"]["value"] == value
    assert row(answer, "modules")["machine"] is None


@pytest.mark.parametrize(
    "said",
    [
        "",
        "network\t\n",
        "network\tx\n",
        "network\ta b c d e f\n",
        "uptime\t-\n",
        "\t\t\n",
        "modules\t5\ncapabilities\tnone\n",
        "release\t\x1b[31mred\n",
    ],
)
def test_nonsense_is_unknown_and_breaks_nothing(said: str) -> None:
    answer = isolation.rows(NOBODY, saying(said), None)
    shown = [row["container"]["value"] for row in answer["rows"] if row["container"]]
    assert all(value.isprintable() for value in shown)
