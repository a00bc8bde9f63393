"""What a learner's own engine says of its containers and images.

It is asked as the learner, in the lab and within its limits: what it answers is theirs, and who
wants to could make it say anything. So pages and checks may believe it of the learner alone.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from runtime.container import bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab

_PATIENCE_S = 10.0
_SAID_BYTES = 2 << 20
_MOST = 50  # containers, images, and layers of an image
_LONGEST = 200
_APART = "\x1e"
_SAY_APART = "printf '\\036'"
# One start for all that is asked; a part that fails says nothing, and the others are still read.
_BEGIN = "export XDG_RUNTIME_DIR=/run/user/$(id -u) PODMAN_IGNORE_CGROUPSV1_WARNING=1"


class _Kind(NamedTuple):
    """One thing that an engine is asked.

    Attributes:
        script: asks it, in a shell.
        parts: how many parts it says, with `_APART` between.
        read: makes rows of them.
    """

    script: str
    parts: int
    read: Callable[[list[str]], list[dict[str, Any]]]


class Engines:
    """The engines of learners in labs that have one.

    Args:
        parts: the rooms.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def ask(self, lab: Lab, what: str) -> list[dict[str, Any]]:
        """What one of them says of its `containers` (newest first) or `images`."""
        return self._ask(lab, [what])[what]

    def facts(self, lab: Lab) -> dict[str, Any]:
        """What a check may read of a lab with an engine; nothing of another."""
        if not bundle.load_profile(lab.shape.profile).engine_settings:
            return {}
        return {"engine": self._ask(lab, KINDS)}

    def _ask(self, lab: Lab, what: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """All of it in one go: to enter a lab costs more than most of what is asked there."""
        kinds = {name: KINDS[name] for name in what}
        script = f"; {_SAY_APART}; ".join(kind.script for kind in kinds.values())
        said = iter(_said(self._parts, lab, script).split(_APART))
        return {
            name: kind.read([next(said, "") for _ in range(kind.parts)])
            for name, kind in kinds.items()
        }


def _said(parts: Parts, lab: Lab, script: str) -> str:
    """What a script says in a lab; nothing where it hangs."""
    profile = bundle.load_profile(lab.shape.profile)
    argv = ["/bin/sh", "-c", f"{_BEGIN}; {script}"]
    process = bundle.process(profile, lab.user, argv, terminal=False)
    deadline = time.monotonic() + _PATIENCE_S
    with ExitStack() as undo:
        nothing_fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        undo.callback(os.close, nothing_fd)
        said_fd = os.memfd_create("said", os.MFD_CLOEXEC)
        undo.callback(os.close, said_fd)
        fds = (nothing_fd, said_fd, nothing_fd)
        parts.crun.execute(lab.id, process, fds, lambda: time.monotonic() > deadline)
        return os.pread(said_fd, _SAID_BYTES, 0).decode(errors="replace")


def _containers(said: list[str]) -> list[dict[str, Any]]:
    (listed,) = said
    found = [_container(each) for each in _rows(listed)]
    return sorted(found, key=lambda each: -each["created_at"])[:_MOST]


def _images(said: list[str]) -> list[dict[str, Any]]:
    """Those that the learner may use, each with its layers from the lowest on."""
    described, kept = said
    sizes = {str(each.get("diff-digest")): int(each.get("diff-size") or 0) for each in _rows(kept)}
    return [_image(each, sizes) for each in _rows(described)[:_MOST]]


KINDS = {
    "containers": _Kind("podman ps --all --no-trunc --format json", 1, _containers),
    "images": _Kind(
        "ids=$(podman images --quiet --no-trunc | sort -u); "
        f'[ -z "$ids" ] || podman image inspect $ids; {_SAY_APART}; '
        "cat /var/lib/*/overlay-layers/layers.json",
        2,
        _images,
    ),
}


def _rows(said: str) -> list[dict[str, Any]]:
    """The objects of one list, or of several one after the other; none of what isn't JSON."""
    rows: list[dict[str, Any]] = []
    decoder, rest = json.JSONDecoder(), said.lstrip()
    while rest:
        try:
            found, end = decoder.raw_decode(rest)
        except ValueError:
            break
        rows += (
            [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        )
        rest = rest[end:].lstrip()
    return rows


def _container(said: dict[str, Any]) -> dict[str, Any]:
    names = said.get("Names") or [""]
    return {
        "id": _text(said.get("Id")),
        "name": _text(names[0]),
        "image": _text(said.get("Image")),
        "image_id": _text(said.get("ImageID")),
        "state": _text(said.get("State")),
        "exit_code": int(_number(said.get("ExitCode"))),
        "created_at": _number(said.get("Created")),
        "started_at": _number(said.get("StartedAt")),
    }


def _image(said: dict[str, Any], sizes: dict[str, int]) -> dict[str, Any]:
    digests = [_text(each) for each in (said.get("RootFS") or {}).get("Layers") or []]
    steps = [each for each in said.get("History") or [] if not each.get("empty_layer")]
    made_by = [_text(each.get("created_by") or each.get("comment")) for each in steps]
    # Where a history tells of fewer layers, it is the lowest ones that nobody wrote a line for.
    made_by = [""] * (len(digests) - len(made_by)) + made_by
    return {
        "id": _text(said.get("Id")),
        "names": [_text(each) for each in (said.get("RepoTags") or [])[:_MOST]],
        "created": _text(said.get("Created")),
        "layers": [
            {"digest": digest, "size_bytes": sizes.get(digest), "made_by": step}
            for digest, step in list(zip(digests, made_by, strict=False))[:_MOST]
        ],
    }


def _text(value: object) -> str:
    return str(value or "")[:_LONGEST]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
