"""The archive that a kernel unpacks: read back by cpio's own rules."""

from __future__ import annotations

from runtime.image.initramfs import Entry, archive


def read(data: bytes) -> list[tuple[str, int, bytes]]:
    """Every entry, as the format says it is read."""
    found: list[tuple[str, int, bytes]] = []
    at = 0
    while True:
        header = data[at : at + 110]
        assert header[:6] == b"070701"
        fields = [int(header[6 + 8 * i : 14 + 8 * i], 16) for i in range(13)]
        name = data[at + 110 : at + 110 + fields[11] - 1].decode()
        start = at + 110 + fields[11]
        start += -start % 4
        if name == "TRAILER!!!":
            return found
        found.append((name, fields[1], data[start : start + fields[6]]))
        at = start + fields[6]
        at += -at % 4


def test_what_goes_in_comes_out() -> None:
    entries = [
        Entry("dev", 0o40755),
        Entry("init", 0o100755, b"odd"),
        Entry("modules/list", 0o100644, b""),
    ]
    assert read(archive(entries)) == [tuple(entry) for entry in entries]
