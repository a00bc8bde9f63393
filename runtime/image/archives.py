"""Archives of images, as `docker save` and `podman save` write them: which kind, and whose name."""

from __future__ import annotations

import json
import re
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runtime.image.refusals import printable
from runtime.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

_LIST, _LAYOUT = "manifest.json", "oci-layout"
_LIST_BYTES = 4 << 20


def kind(archive: Path, called: str) -> str:
    """How an archive is laid out, as skopeo calls it.

    Args:
        archive: the file.
        called: what people call it.

    Raises:
        Problem: `image-archive`, also where it holds several images.
    """
    try:
        with tarfile.open(archive) as members:
            for member in members:
                if member.name.removeprefix("./") == _LAYOUT:
                    return "oci-archive"
                if member.name.removeprefix("./") == _LIST:
                    _require_one(_read(members, member), called)
                    return "docker-archive"
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise refused(called, "it is no tar file, or breaks off in the middle") from error
    except OSError as error:
        raise refused(called, error.strerror or str(error)) from error
    raise refused(called, "it holds neither a list of images nor an OCI layout")


def name(archive: Path, called: str = "") -> str:
    """What the image in an archive is called there; the file's own name where nothing says."""
    nothing = (EOFError, IndexError, KeyError, OSError, tarfile.TarError, TypeError, ValueError)
    with suppress(*nothing), tarfile.open(archive) as members:
        return str(_read(members, members.getmember(_LIST))[0]["RepoTags"][0])
    stem = (called or archive.name).split(".")[0].lower()
    return re.sub("[^a-z0-9]+", "-", stem).strip("-") or "image"


def refused(called: str, why: str) -> Problem:
    """What is said of an archive that can't be taken."""
    return Problem(
        "image-archive",
        f"{called} is no image that can be taken: {why.rstrip('.')[:200]}.",
        "Write one with `docker save NAME -o FILE`, or with podman, and try again.",
    )


def _read(members: tarfile.TarFile, member: tarfile.TarInfo) -> Any:  # noqa: ANN401 - a stranger's
    """What an archive's list says.

    Raises:
        ValueError: it is no file, or no JSON.
    """
    listed = members.extractfile(member) if member.isfile() else None
    if listed is None:  # a link may lead nowhere, or in a circle
        raise ValueError(f"{member.name} is no file")
    return json.loads(listed.read(_LIST_BYTES))


def _require_one(images: object, called: str) -> None:
    """Refuse an archive of several, of which nobody said which is meant."""
    if isinstance(images, list) and len(images) > 1:
        names = printable(", ".join(map(_called, images[:5])))
        why = f"it holds {len(images)} images ({names}), and one is taken at a time"
        raise refused(called, why)


def _called(image: object) -> str:
    tags = image.get("RepoTags") if isinstance(image, dict) else None
    return str(tags[0]) if isinstance(tags, list) and tags else "one without a name"
