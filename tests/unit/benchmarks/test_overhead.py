"""The comparison's rows: medians, ratios of known figures, and marks where a figure is bent."""

from __future__ import annotations

from benchmarks.overhead import Rows, text


def rows() -> Rows:
    found = Rows()
    for machine, container in ((2000.0, 100.0), (4000.0, 200.0), (3000.0, 150.0)):
        found.add("start", "ms", machine, container)
    found.add("disk", "bytes", 1 << 20, 1 << 19)
    found.add("compress", "MB/s", None, 20.0)
    return found


def test_a_ratio_is_the_vms_median_over_the_containers() -> None:
    start, disk, compress = rows().as_dicts(emulated=True)
    assert (start["machine"], start["container"], start["ratio"]) == (3000.0, 150.0, 20.0)
    assert (start["distorted"], disk["distorted"]) == (True, False)
    assert (compress["machine"], compress["ratio"]) == (None, None)


def test_the_table_names_accelerator_and_host_and_has_no_zero_for_unknown() -> None:
    host = {"kernel": "6.1", "architecture": "x86_64", "processors": 2, "memory_bytes": 1 << 30}
    figures = {
        "machine": {**host, "cgroup_version": 2},
        "accelerator": "tcg",
        "runs": rows().as_dicts(emulated=True),
        "missing": {},
    }
    lines = text(figures).splitlines()
    assert "Linux 6.1, x86_64, 2 CPUs" in lines[0]
    assert "emulator" in lines[1]
    assert next(line for line in lines if line.startswith("start *")).split()[-1] == "20"
    assert next(line for line in lines if line.startswith("compress")).split()[-1] == "-"
