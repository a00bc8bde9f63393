"""Behind a proxy that speaks https: believed only where it was configured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.unit.webapp.conftest import Browser
from webapp import create_app

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import MemoryEngine
    from webapp.settings import Settings

BY_HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "lab.school.example"}


@pytest.mark.parametrize(
    ("proxies", "address", "is_believed"),
    [
        (0, "127.0.0.1", False),
        (1, "127.0.0.1", True),
        (1, "::ffff:127.0.0.1", True),
        (1, "10.1.2.3", True),
        (1, "10.1.2.4", False),
        (1, "192.0.2.7", False),
    ],
)
def test_cookies_are_secure_behind_a_configured_proxy_only(
    settings: Settings, engine: MemoryEngine, *, proxies: int, address: str, is_believed: bool
) -> None:
    set_so = replace(settings, trusted_proxies=proxies, proxy_addresses="127.0.0.1, 10.1.2.3")
    app = create_app(set_so, engine=engine)
    browser = Browser(app)
    browser.client.environ_base["REMOTE_ADDR"] = address
    base = "https://lab.school.example" if is_believed else "http://localhost"
    page = browser.get("/sign-in", headers=BY_HTTPS, base_url=base)
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"name": "ada", "password": "wrong", "csrf_token": token}
    answer = browser.client.post("/sign-in", data=form, headers=BY_HTTPS, base_url=base)
    app.extensions["slipway"].database.close()
    assert answer.status_code == 403  # the form itself was taken, without a Referer
    cookies = page.headers.getlist("Set-Cookie")
    assert {each.split("=")[0] for each in cookies} == {"slipway_form", "slipway_browser"}
    assert all(("Secure" in each) is is_believed for each in cookies), cookies
    policy = page.headers["Content-Security-Policy"]
    assert ("upgrade-insecure-requests" in policy) is is_believed  # it holds for frames, too
