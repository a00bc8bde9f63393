"""A machine's record is read by many threads while one writes it."""

from __future__ import annotations

from runtime.machine.record import Record


def test_who_reads_a_record_meanwhile_sees_no_dict_that_grows() -> None:
    record = Record("lab", "vm", 256 << 20, 512 << 20, 1000)
    stages, starts = record.stages_ms, record.starts
    record.pass_stages(hypervisor=300.04, kernel=900)
    record.keep_start()
    assert (stages, starts) == ({}, {})
    assert record.stages_ms == {"hypervisor": 300.0, "kernel": 900}
    assert record.starts["cold"]["ms"] == 1200
