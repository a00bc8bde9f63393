"""Names of images at registries, as people type them."""

from __future__ import annotations

import pytest

from runtime.image import reference
from runtime.problems import Problem

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("typed", "name", "source"),
    [
        ("debian", "debian:latest", "docker://debian:latest"),
        ("php:5.6-cli", "php:5.6-cli", "docker://php:5.6-cli"),
        ("team/web:1", "team/web:1", "docker://team/web:1"),
        ("r.example/a/b_c/d-e:V1", "r.example/a/b_c/d-e:V1", "docker://r.example/a/b_c/d-e:V1"),
        ("localhost:5000/x", "localhost:5000/x:latest", "docker://localhost:5000/x:latest"),
        ("http://10.0.0.5:5000/x:2", "10.0.0.5:5000/x:2", "docker://10.0.0.5:5000/x:2"),
        ("http://intranet/x", "intranet/x:latest", "docker://intranet/x:latest"),
        (f"web@{DIGEST}", f"web@{DIGEST}", f"docker://web@{DIGEST}"),
        (f"web:3@{DIGEST}", "web:3", f"docker://web@{DIGEST}"),
        ("[::1]:5000/x", "[::1]:5000/x:latest", "docker://[::1]:5000/x:latest"),
    ],
)
def test_a_name_is_read_as_engines_read_it(typed: str, name: str, source: str) -> None:
    read = reference.read(typed)
    assert (read.name, read.source) == (name, source)
    assert read.is_plain is typed.startswith("http://")
    again = reference.read(read.typed)
    assert (again.name, again.is_plain) == (name, read.is_plain)


@pytest.mark.parametrize(
    "typed",
    ["", "Debian", "a b", "a:b:c", "/a", "a/", "-a", "../a", "a//b", "x@sha256:12",
     "x:" + "t" * 200, "a" * 300,
     "--help", "ftp://r.example/x", "a\nb", "r.example/UP", "UP/low", "x$(id)",
     "https://r.example:5000", "http://r.example"],
)  # fmt: skip
def test_what_is_no_name_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(Problem) as refused:
        reference.read(typed)
    assert refused.value.code == "image-reference"
    assert "debian:12" in refused.value.hint


def test_a_short_name_is_known_under_the_long_ones_that_engines_keep() -> None:
    php = reference.read("php:5.6-cli")
    usual = ".".join(("docker", "io"))
    assert php.is_called(f"{usual}/library/php:5.6-cli")
    assert php.is_called("localhost/php:5.6-cli")
    assert not php.is_called(f"{usual}/library/php:5.6")
    assert not php.is_called(f"{usual}/other/php:5.6-cli")
    assert not php.is_called("r.example/library/php:5.6-cli")
    own = reference.read("r.example/php:5.6-cli")
    assert own.is_called("r.example/php:5.6-cli")
    assert not own.is_called(f"{usual}/library/php:5.6-cli")


def test_who_writes_the_usual_registry_before_a_name_means_the_same() -> None:
    usual = ".".join(("docker", "io"))
    for typed in (f"{usual}/php:5", f"{usual}/library/php:5", f"index.{usual}/php:5"):
        php = reference.read(typed)
        assert php.is_usual
        assert php.registry == usual
        assert php.is_called(f"{usual}/library/php:5")
        assert not php.is_called("localhost/php:5")
        assert not php.is_called(f"{usual}/php:5")
    assert not reference.read("r.example/php:5").is_usual


def test_a_mirror_has_what_a_short_name_means_under_its_own_path() -> None:
    mirror = reference.read_mirror("http://10.0.0.5:5000/cache")
    assert mirror is not None
    there = reference.read("php:5").at(mirror)
    assert (there.source, there.is_plain) == ("docker://10.0.0.5:5000/cache/library/php:5", True)
    assert reference.read_mirror("") is None
    bare = reference.read_mirror("mirror.example")
    assert bare is not None
    assert reference.read("team/web").at(bare).source == "docker://mirror.example/team/web:latest"
