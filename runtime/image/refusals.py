"""What a registry's refusals mean: skopeo's words in, one sentence with what to do out."""

from __future__ import annotations

import re
from typing import NamedTuple

from runtime.problems import Problem

_LONGEST = 200
_NAMES = re.compile(r"reading manifest \S+ in \S+|(https?|docker)://\S+")
_MESSAGE = re.compile(r'msg="((?:[^"\\]|\\.)*)"')


class _Kind(NamedTuple):
    """One kind of bad day; `{name}` and `{registry}` are filled in."""

    code: str
    sign: re.Pattern[str]
    sentence: str
    hint: str


def _kind(code: str, sign: str, sentence: str, hint: str) -> _Kind:
    return _Kind(code, re.compile(sign, re.IGNORECASE), sentence, hint)


# The first that fits is taken: what says more stands above.
_KINDS = (
    _kind(
        "image-store-full",
        r"no space left|disk quota",
        "There is no room on the server's disk for {name}. Nothing of it was kept.",
        "Remove images that no lesson needs, or make room in the data folder; then try again.",
    ),
    _kind(
        "registry-limit",
        r"toomanyrequests|too many requests|\b429\b|rate limit",
        "{registry} has given this server as many images as it gives anybody in a while, and "
        "refused {name}.",
        "Try again later, name a mirror, sign in (`--user`), or load {name} from a file. What is "
        "here goes on working.",
    ),
    _kind(
        "registry-plain",
        r"HTTP response to HTTPS client|does not look like a TLS handshake",
        "{registry} doesn't speak TLS, so {name} was not fetched.",
        "Where you trust the network between, write http:// before its name.",
    ),
    _kind(
        "registry-untrusted",
        r"x509|certificate|tls: ",
        "{registry} shows a certificate that this server doesn't trust, so {name} was not fetched.",
        "Let this server trust its authority (`update-ca-certificates`), or ask whoever runs it.",
    ),
    _kind(
        "registry-refused",
        r"unauthorized|authentication required|denied|\b401\b|\b403\b|invalid username",
        "{registry} refused {name}: the name may be wrong, or it wants you to sign in.",
        "Look at the name; or give a user name and a password that may read it (`--user`).",
    ),
    _kind(
        "image-unknown-there",
        r"manifest unknown|name unknown|not ?found|\b404\b",
        "{registry} has no image {name}.",
        "Look at the name and the tag behind the colon.",
    ),
    _kind(
        "registry-away",
        r"connection refused|no such host|i/o timeout|no route to host|network is unreachable"
        r"|handshake timeout|server misbehaving|awaiting headers|temporary failure|\b50[234]\b",
        "{registry} does not answer, so {name} was not fetched.",
        "Look at this server's network. Offline, load it: `./slipway image load FILE`.",
    ),
    _kind(
        "registry-cut",
        r"\bEOF\b|reset by peer|broken pipe",
        "{registry} broke off in the middle of {name}. Nothing of it was kept.",
        "Try again.",
    ),
    _kind(
        "registry-cut",
        r"did not match|does not match|mismatch|invalid checksum|corrupt|(gzip|zstd|tar).*invalid",
        "{registry} has {name} in a damaged form. Nothing of it was kept.",
        "Try again; where it stays so, it has to be put there anew.",
    ),
)


_REFUSED_WHO_SIGNS_IN = _kind(
    "registry-refused",
    "",
    "{registry} refused {name} to this user name and password: they may be wrong, be too old, or "
    "not be allowed to read it.",
    "Give them again. Where they are right, look at the image's name.",
)


def explain(name: str, registry: str, said: str, *, signs_in: bool = False) -> Problem:
    """Say what a failed copy means.

    Args:
        name: the image's, as it was asked for.
        registry: who was asked; empty for the usual one.
        said: skopeo's standard error.
        signs_in: whether it was asked with a user name and a password.

    Returns:
        The Problem, with whose words in it are a registry's no longer than a line.
    """
    messages = _MESSAGE.findall(said) or said.splitlines()
    words = printable(messages[-1] if messages else "")
    who = registry or "The registry"
    told = _NAMES.sub("", words)  # a tag may be 429, an image be called denied
    for kind in _KINDS:
        if kind.sign.search(told):
            if signs_in and kind.code == _REFUSED_WHO_SIGNS_IN.code:
                return _said(_REFUSED_WHO_SIGNS_IN, name, who)
            return _said(kind, name, who)
    return Problem(
        "image-fetch-failed",
        f"{name} could not be fetched: {words or 'skopeo said nothing'}. Nothing of it was kept.",
        "Look at the name and the network, then try again.",
        image=name,
    )


def _said(kind: _Kind, name: str, registry: str) -> Problem:
    sentence, hint = (
        text.format(name=name, registry=registry) for text in (kind.sentence, kind.hint)
    )
    return Problem(kind.code, sentence, hint, image=name)


def silent(name: str, registry: str, seconds: float) -> Problem:
    """What is said of a registry that has begun and sends nothing more."""
    return Problem(
        "registry-silent",
        f"{registry or 'The registry'} sent nothing of {name} for {seconds:.0f} seconds, so it was "
        "given up. Nothing of it was kept.",
        "Try again, or name a mirror that is nearer.",
        image=name,
    )


def full(name: str, needs_bytes: int, room_bytes: int) -> Problem:
    """What is said before anything is fetched that would not fit."""
    return Problem(
        "image-store-full",
        f"{name} needs at least {needs_bytes / 1e6:.0f} MB, and {max(0, room_bytes) / 1e6:.0f} MB "
        "are left for images. What is here goes on working.",
        "Remove images that no lesson needs, or raise `images_max_bytes`.",
        image=name,
        needs_bytes=needs_bytes,
        room_bytes=room_bytes,
    )


def too_many_files(name: str) -> Problem:
    """What is said of one whose files, not their bytes, are more than the disk can have."""
    return Problem(
        "image-store-full",
        f"{name} has more files than the server's disk has room for. Nothing of it was kept.",
        "Remove images that no lesson needs, or choose one with fewer files.",
        image=name,
    )


def broke(name: str) -> Problem:
    """What is said where we have failed ourselves, and our log says how."""
    return Problem(
        "image-fetch-failed",
        f"{name} could not be fetched: something went wrong in this server itself. Nothing of it "
        "was kept.",
        "Its log says what (`image.fetch_broke`). Trying again may help.",
        image=name,
    )


def printable(text: str) -> str:
    """The end of what strangers say, on one line and with nothing that a terminal obeys."""
    plain = text.replace('\\"', '"')
    return "".join(each if each.isprintable() else "?" for each in plain)[-_LONGEST:].strip()
