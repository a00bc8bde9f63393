"""What the registry's front lets through, and as whom."""

from __future__ import annotations

import pytest

from runtime.problems import Problem
from runtime.registry import asks

OWN = "lab-0a1b2c"
DIGEST = "sha256:" + "a" * 64
UPLOAD = "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "mirror/library/nginx/manifests/latest", "manifest"),
        ("HEAD", f"mirror/library/nginx/blobs/{DIGEST}", "blob"),
        ("PUT", f"{OWN}/hello/manifests/1", "manifest"),
        ("POST", f"{OWN}/hello/blobs/uploads/", "uploads"),
        ("PATCH", f"{OWN}/a/b/blobs/uploads/{UPLOAD}", "upload"),
        ("GET", f"{OWN}/hello/tags/list", "tags"),
    ],
)
def test_what_engines_ask_is_passed_on(method: str, path: str, kind: str) -> None:
    ask = asks.read(method, f"/v2/{path}", OWN)
    assert (ask.kind, ask.target, ask.method) == (kind, f"/v2/{path}", method)
    assert ask.is_mirrors is path.startswith("mirror")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v2/lab-ffffff/hello/manifests/latest"),
        ("PUT", "/v2/lab-ffffff/hello/manifests/latest"),
        ("PUT", f"/v2/{OWN}x/hello/manifests/latest"),
        ("PUT", f"/v2/{OWN}/manifests/latest"),
        ("PUT", "/v2/mirror/library/nginx/manifests/latest"),
        ("POST", "/v2/mirror/library/nginx/blobs/uploads/"),
        ("POST", "/v2/hello/blobs/uploads/"),
    ],
)
def test_what_is_anothers_is_refused_and_ones_own_name_is_told(method: str, target: str) -> None:
    with pytest.raises(Problem) as refused:
        asks.read(method, target, OWN)
    assert refused.value.code == "registry-foreign"
    assert f"{asks.PLACE}/{OWN}/" in refused.value.hint


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v2/_catalog"),
        ("GET", f"/v2/{OWN}/../lab-ffffff/hello/manifests/latest"),
        ("GET", f"/v2/{OWN}/%2e%2e/lab-ffffff/hello/manifests/latest"),
        ("GET", f"//v2/{OWN}/hello/manifests/latest"),
        ("GET", f"http://elsewhere/v2/{OWN}/hello/manifests/x/y"),
        ("DELETE", f"/v2/{OWN}/hello/manifests/{DIGEST}"),
        ("CONNECT", f"/v2/{OWN}/hello/manifests/latest"),
        ("GET", f"/v2/{OWN}/hello/manifests/{'a' * 3000}"),
        ("GET", "/metrics"),
    ],
)
def test_what_is_no_part_of_a_registry_is_refused(method: str, target: str) -> None:
    with pytest.raises(Problem) as refused:
        asks.read(method, target, OWN)
    assert refused.value.code == "registry-request"


def test_no_blob_is_mounted_from_elsewhere() -> None:
    target = f"/v2/{OWN}/hello/blobs/uploads/?mount={DIGEST}&from=lab-ffffff/secret"
    assert asks.read("POST", target, OWN).target == f"/v2/{OWN}/hello/blobs/uploads/"


def test_a_shelf_is_told_the_state_that_it_gave() -> None:
    target = f"/v2/{OWN}/hello/blobs/uploads/{UPLOAD}?_state=a-_%3D&digest={DIGEST}"
    asked = asks.read("PUT", target, OWN).target
    assert "_state=a-_%3D" in asked
    assert "digest=sha256%3A" in asked
