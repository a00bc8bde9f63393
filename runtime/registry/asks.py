"""What a request to the registry means, and whether who asks may: nothing else is passed on.

Names below `mirror/` are the usual registry's; a learner's own begin with their lab's host name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from runtime.image.reference import DIGEST, PATH, STATE
from runtime.problems import Problem

PLACE = "registry:5000"
"""As labs call it: by /etc/hosts, on the gateway."""
MIRROR = "mirror"
_LONGEST = 2048
_UPLOAD = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PATH = re.compile(
    rf"/v2/(?P<name>{PATH})/"
    rf"(?:manifests/(?P<reference>{STATE})|blobs/(?P<blob>{DIGEST})"
    rf"|blobs/uploads/(?P<upload>{_UPLOAD})?|tags/(?P<tags>list))"
)
_READS = {"GET", "HEAD"}
_MAY = {
    "manifest": {*_READS, "PUT"},
    "blob": _READS,
    "tags": {"GET"},
    "uploads": {"POST"},
    "upload": {"GET", "PATCH", "PUT", "DELETE"},
}
# What a shelf needs to know; where a blob could be mounted from is no one's to say.
_WORDS = {"_state", "digest", "n", "last"}


@dataclass(frozen=True)
class Ask:
    """A request that may be passed on.

    Attributes:
        method: of HTTP.
        name: of the image, with what it begins with.
        kind: `manifest`, `blob`, `tags`, `uploads` (one begins) or `upload` (one goes on).
        reference: the manifest's tag or digest, or which upload goes on; empty for all else.
        target: what the registry behind is asked for.
    """

    method: str
    name: str
    kind: str
    reference: str
    target: str

    @property
    def is_mirrors(self) -> bool:
        """Whether the mirror is asked, and not a learner's own place."""
        return self.name.startswith(f"{MIRROR}/")

    @property
    def writes(self) -> bool:
        """Whether something is kept."""
        return self.method not in _READS


def read(method: str, target: str, own: str) -> Ask:
    """Read a request of a lab's.

    Args:
        method: of HTTP.
        target: as it stands in the request.
        own: what the lab's own names begin with.

    Raises:
        Problem: `registry-request`, `registry-foreign`.
    """
    parts = urlsplit(target) if len(target) <= _LONGEST else urlsplit("")
    found = _PATH.fullmatch(parts.path)
    if found is None or target.startswith("//"):
        raise _unknown(method)
    kind = _kind(found)
    name = found["name"]
    top, _, rest = name.partition("/")
    if not rest or top not in {own, MIRROR}:
        raise _foreign(name, own)
    if method not in _MAY[kind]:
        raise _unknown(method)
    if top == MIRROR and method not in _READS:
        raise _foreign(name, own)
    words = [each for each in parse_qsl(parts.query) if each[0] in _WORDS]
    query = f"?{urlencode(words)}" if words else ""
    return Ask(method, name, kind, _reference(found), f"{parts.path}{query}")


def _reference(found: re.Match[str]) -> str:
    return found["reference"] or found["upload"] or ""


def _kind(found: re.Match[str]) -> str:
    for group, kind in (("reference", "manifest"), ("blob", "blob"), ("tags", "tags")):
        if found[group]:
            return kind
    return "upload" if found["upload"] else "uploads"


def _unknown(method: str) -> Problem:
    shown = method if re.fullmatch("[A-Z]{1,10}", method) else "that"
    return Problem(
        "registry-request",
        f"This registry takes images and gives them; {shown} is nothing that it does there.",
        f"Use `docker push {PLACE}/…` and `docker pull`.",
    )


def _foreign(name: str, own: str) -> Problem:
    shown = name[-60:].rpartition("/")[2]
    return Problem(
        "registry-foreign",
        f"{name[:80]} is no name of yours at this registry.",
        f"Yours begin with {own}: `docker push {PLACE}/{own}/{shown}`.",
        own=own,
    )
