"""What a cgroup costs, from the files of either version; a file that lacks a line says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.limits.amounts import Pressure, Spent
from runtime.limits.legacy import Legacy
from runtime.limits.unified import Unified

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def pressure(percent: float) -> str:
    return f"some avg10={percent} avg60=0.00 avg300=0.00 total=5\nfull avg10=9.00 avg60=0 total=1\n"


def test_v2_leaves_out_what_the_kernel_gives_back_anyway(tmp_path: Path) -> None:
    stat = f"anon {9 * MIB}\nactive_file {MIB}\ninactive_file {2 * MIB}\nslab_reclaimable {MIB}\n"
    stat += f"shmem {MIB}\n"
    write(
        tmp_path / "base" / "lab",
        memory__current=f"{20 * MIB}\n",
        memory__stat=stat,
        cpu__stat="usage_usec 1500000\nuser_usec 1\n",
        pids__current="3\n",
        cgroup__procs="11\n12\n",
        cpu__pressure=pressure(1.5),
        memory__pressure=pressure(0),
        io__pressure=pressure(2.25),
    )
    spent = Unified(tmp_path, tmp_path / "base").spent("lab")
    assert spent == Spent(
        16 * MIB, 1.5, 3, frozenset({11, 12}), Pressure(1.5, 0, 2.25), 10 * MIB, 3 * MIB
    )


def test_v1_says_the_same_and_no_pressure(tmp_path: Path) -> None:
    hierarchies = {name: tmp_path / name for name in ("memory", "cpuacct", "pids")}
    stat = f"cache {5 * MIB}\ntotal_rss {9 * MIB}\ntotal_shmem {2 * MIB}\n"
    stat += f"total_active_file {MIB}\ntotal_inactive_file {2 * MIB}\n"
    write(
        tmp_path / "memory" / "server" / "lab",
        memory__usage_in_bytes=f"{20 * MIB}\n",
        memory__stat=stat,
        cgroup__procs="11\n",
    )
    write(tmp_path / "cpuacct" / "server" / "lab", cpuacct__usage="2500000000\n")
    write(tmp_path / "pids" / "server" / "lab", pids__current="3\n")
    spent = Legacy(hierarchies, "server").spent("lab")
    assert spent == Spent(17 * MIB, 2.5, 3, frozenset({11}), None, 11 * MIB, 3 * MIB)


def test_what_is_missing_is_unknown_and_never_zero(tmp_path: Path) -> None:
    place = Unified(tmp_path, tmp_path)
    assert place.spent("lab") is None
    write(tmp_path / "lab", memory__current="5\n", memory__stat="anon 5\n")
    assert place.spent("lab") == Spent(None, None, None, frozenset(), None)
