"""What an image needs to boot as a machine: a kernel, our process 1, and itself as a file system.

The kernel is the distribution's, out of its package, unpacked: a machine that is emulated would
take half a second to unpack it at each boot. Compiler, kernel package and tools are unpacked into a
folder that is gone afterwards (“the kitchen”); nothing of them is installed on the server.
"""

from __future__ import annotations

import lzma
import platform
import shutil
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.image.initramfs import Entry, archive
from runtime.kernel import spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDER = "machine"
KERNEL, INITRAMFS, ROOT, RELEASE = "vmlinux", "init.cpio", "root.erofs", "release"
_SOURCES = Path(__file__).resolve().parents[1] / "machine" / "guest"
_PACKAGES = (
    "base-files", "coreutils", "dash", "gcc", "kmod", "linux-image-cloud-amd64", "linux-libc-dev",
    "lz4", "musl-tools", "zstd",
)  # fmt: skip
# Needed before the root is there; then what a learner may want of a kernel of one's own.
_EARLY = ("virtio_mmio", "virtio_pci", "virtio_console", "virtio_blk", "erofs", "ext4", "overlay")
_LATE = ("virtio_balloon", "veth", "bridge", "loop")
_COMPILER = (
    "musl-gcc", "-std=gnu11", "-Os", "-static", "-s", "-Wall", "-Wextra", "-Werror",
    "-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu", "-o", "/init.bin",
)  # fmt: skip
_BZIMAGE_SETUP_SECTORS, _BZIMAGE_PAYLOAD = 0x1F1, 0x248


def is_bootable(image_folder: Path) -> bool:
    """Whether an image has all that a machine boots from."""
    folder = image_folder / FOLDER
    return all((folder / name).is_file() for name in (KERNEL, INITRAMFS, ROOT, RELEASE))


def add(new: Path, suite: str, sources: Sequence[str], tell: Callable[[str, int], None]) -> bool:
    """Put beside an image's root what it boots from; takes about 20 s and the image's size again.

    Args:
        new: the folder that holds `rootfs/`; afterwards also `machine/`.
        suite: of the distribution that kernel and compiler come from.
        sources: lines of sources.list, or mmdebstrap's own where there are none.
        tell: called with a step's name and the percentage of the whole build that is done.

    Returns:
        False on a kind of processor that no kernel is packaged for here.

    Raises:
        ProgramFailed: a tool failed.
        OSError: likewise, or a file is missing.
    """
    if platform.machine() != "x86_64":
        return False
    kitchen, folder = new / "kitchen", new / FOLDER
    tell("fetching a kernel and a compiler", 97)
    try:
        spawn.run(
            [*spawn.alone(), "mmdebstrap", "--variant=extract", "--format=directory",
             f"--include={','.join(_PACKAGES)}", suite, str(kitchen), *sources],
            timeout_s=900,
        )  # fmt: skip
        folder.mkdir()
        tell("preparing the kernel of machines", 98)
        release = _kernel(kitchen, folder)
        _initramfs(kitchen, release, folder)
    finally:
        shutil.rmtree(kitchen, ignore_errors=True)
    (folder / RELEASE).write_text(release + "\n")
    _root(new, tell)
    return True


def add_as(new: Path, base_folder: Path, tell: Callable[[str, int], None]) -> None:
    """Put beside an image's root what it boots from: the kernel of the image that it extends.

    Args:
        new: as of `add`.
        base_folder: that image's folder; where it isn't bootable this one won't be.
        tell: as of `add`.

    Raises:
        ProgramFailed: a tool failed.
        OSError: likewise.
    """
    if not is_bootable(base_folder):
        return
    folder = new / FOLDER
    folder.mkdir()
    for name in (KERNEL, INITRAMFS, RELEASE):
        shutil.copyfile(base_folder / FOLDER / name, folder / name)
    _root(new, tell)


def _root(new: Path, tell: Callable[[str, int], None]) -> None:
    tell("writing the root of machines", 99)
    root = str(new / FOLDER / ROOT)
    spawn.run(["mkfs.erofs", "--quiet", root, str(new / "rootfs")], timeout_s=300)


def _kernel(kitchen: Path, folder: Path) -> str:
    """Unpack the kernel into the folder; its release."""
    packed = next((kitchen / "boot").glob("vmlinuz-*"))
    data = packed.read_bytes()
    start, length = struct.unpack_from("<II", data, _BZIMAGE_PAYLOAD)
    start += (data[_BZIMAGE_SETUP_SECTORS] + 1) * 512
    (folder / KERNEL).write_bytes(_decompress(data[start : start + length], kitchen))
    return packed.name.removeprefix("vmlinuz-")


def _decompress(payload: bytes, kitchen: Path) -> bytes:
    """Undo what this distribution packs its kernels with; four bytes of length follow it."""
    if payload.startswith(b"\xfd7zXZ"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31).decompress(payload)
    program = "zstd" if payload.startswith(b"\x28\xb5\x2f\xfd") else "lz4"
    (kitchen / "payload").write_bytes(payload[:-4])
    into = ["-o", "/unpacked"] if program == "zstd" else ["/unpacked"]
    _cook(kitchen, program, "-d", "-q", "-f", "/payload", *into)
    return (kitchen / "unpacked").read_bytes()


def _initramfs(kitchen: Path, release: str, folder: Path) -> None:
    """Our process 1 and the modules that it loads, as one archive."""
    sources = sorted(_SOURCES.glob("*.[ch]"))
    for source in sources:
        shutil.copy(source, kitchen / source.name)
    _cook(kitchen, *_COMPILER, *(f"/{each.name}" for each in sources if each.suffix == ".c"))
    _cook(kitchen, "depmod", release)
    entries = [Entry(name, 0o40755) for name in ("dev", "proc", "sys", "lower", "upper", "root")]
    entries += [
        Entry("init", 0o100755, (kitchen / "init.bin").read_bytes()),
        Entry("modules", 0o40755),
    ]
    lines: list[str] = []
    loaded: set[str] = set()
    for when, names in (("early", _EARLY), ("late", _LATE)):
        for path in _with_needs(kitchen / "lib/modules" / release, names):
            name = _name(path)
            if name not in loaded:
                loaded.add(name)
                lines.append(f"{when} {name}\n")
                entries.append(Entry(f"modules/{name}", 0o100644, _module(path)))
    entries.append(Entry("modules/list", 0o100644, "".join(lines).encode()))
    (folder / INITRAMFS).write_bytes(archive(entries))


def _with_needs(modules: Path, wanted: Sequence[str]) -> list[Path]:
    """The modules of these names, each after those that it needs; what is built in isn't there."""
    needs: dict[str, tuple[Path, list[Path]]] = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[_name(Path(path))] = (modules / path, [modules / each for each in rest.split()])
    found: list[Path] = []
    for name in wanted:
        if name in needs:
            module, others = needs[name]
            found += [*reversed(others), module]
    return found


def _module(path: Path) -> bytes:
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def _name(path: Path) -> str:
    return path.name.partition(".ko")[0].replace("-", "_")


def _cook(kitchen: Path, *argv: str) -> None:
    """Run one of the kitchen's programs."""
    spawn.run(["chroot", str(kitchen), *argv], timeout_s=300, env={"LC_ALL": "C"})
