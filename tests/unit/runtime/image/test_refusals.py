"""What skopeo says of a bad day, and what people read of it."""

from __future__ import annotations

import pytest

from runtime.image import refusals

# As skopeo 1.9 and 1.18 said them.
SAID = {
    "registry-away": 'pinging container registry r.example: Get \\"https://r.example/v2/\\": '
    "dial tcp 10.0.0.1:443: connect: connection refused",
    "registry-limit": "reading manifest latest in r.example/web: toomanyrequests: You have reached "
    "your pull rate limit.",
    "image-unknown-there": "reading manifest 429 in r.example/denied: manifest unknown",
    "registry-refused": "reading manifest 1 in r.example/web: requested access to the resource is "
    "denied",
    "registry-plain": 'Get \\"https://r.example/v2/\\": http: server gave HTTP response to HTTPS '
    "client",
    "registry-untrusted": 'Get \\"https://r.example/v2/\\": x509: certificate signed by unknown '
    "authority",
    "registry-cut": "writing blob: happened during read: unexpected EOF",
    "image-store-full": "writing blob: adding layer with blob: Error processing tar file(exit "
    "status 1): write /usr/x: no space left on device",
    "image-fetch-failed": "something that nobody has seen yet",
}


@pytest.mark.parametrize("code", SAID)
def test_each_bad_day_is_told_from_the_others(code: str) -> None:
    said = f'time="2026-01-01T00:00:00Z" level=fatal msg="{SAID[code]}"\n'
    problem = refusals.explain("r.example/denied:429", "r.example", said)
    assert problem.code == code
    assert "r.example/denied:429" in problem.sentence
    assert problem.hint


def test_who_answers_tls_with_anything_else_speaks_none() -> None:
    said = 'Get \\"https://r.example/v2/\\": tls: first record does not look like a TLS handshake'
    assert refusals.explain("r.example/web", "r.example", said).code == "registry-plain"


@pytest.mark.parametrize(
    "said",
    [
        'writing blob: storing blob to file \\"/x/fetches/1\\": gzip: invalid checksum',
        "writing blob: happened during read: corrupt input before offset 600",
        "its digest did not match",
    ],
)
def test_what_came_damaged_is_said_so_and_no_path_of_the_servers(said: str) -> None:
    problem = refusals.explain("r.example/web", "r.example", f'level=fatal msg="{said}"')
    assert problem.code == "registry-cut"
    assert problem.sentence.startswith("r.example has r.example/web in a damaged form.")


def test_what_a_registry_says_is_no_longer_than_a_line_and_cannot_draw() -> None:
    problem = refusals.explain("x:1", "", "\x1b[2J" + "evil " * 1000)
    assert len(problem.sentence) < 300
    assert problem.sentence.isprintable()


def test_who_signed_in_and_was_refused_reads_what_that_may_mean() -> None:
    said = SAID["registry-refused"]
    with_password = refusals.explain("r.example/web", "r.example", said, signs_in=True)
    assert with_password.code == "registry-refused"
    assert "password" in with_password.sentence
    assert "sign in" not in with_password.sentence
    other = refusals.explain("r.example/web", "r.example", SAID["registry-limit"], signs_in=True)
    assert other.code == "registry-limit"
