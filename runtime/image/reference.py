"""The name by which a registry knows an image, as people type it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from runtime.problems import Problem

_LONGEST = 255
# What a name without a registry means to every engine, and what they keep such an image under.
USUAL = ".".join(("docker", "io"))
# Its name of old, which every engine still takes for it.
_OF_OLD = f"index.{USUAL}"
PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
DIGEST = "sha256:[0-9a-f]{64}"
PATH = f"{PART}(?:/{PART})*"
STATE = f"{TAG}|{DIGEST}"
"""A tag, or the digest of one state."""
_HOST = r"(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?"
_WHOLE = re.compile(
    rf"(?P<scheme>https?://)?(?:(?P<registry>{_HOST})/)?(?P<path>{PATH})"
    rf"(?::(?P<tag>{TAG}))?(?:@(?P<digest>{DIGEST}))?"
)


@dataclass(frozen=True)
class Reference:
    """An image at a registry.

    Attributes:
        registry: host and perhaps port; empty for the one that names without a host mean.
        path: such as `library/debian`.
        tag: what the image is called there; `latest` where nobody said; empty beside a digest.
        digest: of exactly one state of it, `sha256:…`; empty for whatever the tag means now.
        is_plain: spoken to without TLS.
    """

    registry: str
    path: str
    tag: str
    digest: str = ""
    is_plain: bool = False

    @property
    def name(self) -> str:
        """As people type it; with this name the image is kept."""
        return f"{self._repository}{self._end}"

    @property
    def typed(self) -> str:
        """As it has to be typed to be asked for in the same way."""
        return f"http://{self.name}" if self.is_plain else self.name

    @property
    def source(self) -> str:
        """As skopeo wants it; it refuses a tag beside a digest."""
        return f"docker://{self._repository}{f'@{self.digest}' if self.digest else self._end}"

    @property
    def _repository(self) -> str:
        return f"{self.registry}/{self.path}" if self.registry else self.path

    @property
    def _long_path(self) -> str:
        """Where registries keep what has a name of one word."""
        return self.path if "/" in self.path else f"library/{self.path}"

    @property
    def _end(self) -> str:
        return f":{self.tag}" if self.tag else f"@{self.digest}"

    @property
    def is_usual(self) -> bool:
        """Whether it is at the registry that names without one mean."""
        return self.registry in {"", USUAL}

    def pinned(self, digest: str) -> Reference:
        """The same image in exactly one state."""
        return replace(self, digest=digest)

    def at(self, mirror: Reference) -> Reference:
        """Where a mirror has what this name means."""
        prefix = f"{mirror.path}/" if mirror.path else ""
        return replace(
            self, registry=mirror.registry, path=prefix + self._long_path, is_plain=mirror.is_plain
        )

    def is_called(self, name: str) -> bool:
        """Whether an image that is kept under this full name is the one that is meant."""
        long = f"{USUAL}/{self._long_path}{self._end}"
        if self.registry:
            return name == (long if self.is_usual else self.name)
        return name in {long, f"localhost/{self.name}"}


def read(text: str) -> Reference:
    """Read an image's name.

    Args:
        text: such as `debian:12`, `registry.example/team/web@sha256:…`, or
            `http://192.168.1.2:5000/web` for a registry without TLS.

    Raises:
        Problem: `image-reference`.
    """
    found = _WHOLE.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise _wrong(text)
    registry, path = found["registry"] or "", found["path"]
    if found["scheme"] and not registry:  # the address of a registry, and no image there
        raise _wrong(text)
    # As every engine reads it: a first word without a dot or a port is no host.
    if registry and not found["scheme"] and registry != "localhost" and not set(registry) & {*".:"}:
        registry, path = "", f"{registry}/{path}"
        if registry != registry.lower() or not re.fullmatch(PATH, path):
            raise _wrong(text)
    return Reference(
        registry=USUAL if registry == _OF_OLD else registry,
        path=path,
        tag=found["tag"] or ("" if found["digest"] else "latest"),
        digest=found["digest"] or "",
        is_plain=found["scheme"] == "http://",
    )


def read_mirror(text: str) -> Reference | None:
    """Read where a mirror is: a host, perhaps with `http://` before and a path behind it.

    Raises:
        Problem: `image-reference`.
    """
    if not text:
        return None
    bare = re.fullmatch(rf"(https?://)?({_HOST})/?", text)
    if bare is not None:
        return Reference(bare[2], "", "", is_plain=bare[1] == "http://")
    return replace(read(text.rstrip("/")), tag="")


def _wrong(text: str) -> Problem:
    shown = "".join(each if each.isprintable() else "?" for each in text[:80])
    return Problem(
        "image-reference",
        f"“{shown}” can't be an image's name at a registry.",
        "Write it as `debian:12`, or with its registry before it: `registry.example/team/web:1`.",
    )
