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


@pytest.mark.parametrize("proxies", [0, 1])
def test_cookies_are_secure_behind_a_configured_proxy_only(
    settings: Settings, engine: MemoryEngine, proxies: int
) -> None:
    app = create_app(replace(settings, trusted_proxies=proxies), engine=engine)
    browser = Browser(app)
    base = "https://lab.school.example" if proxies else "http://localhost"
    page = browser.get("/sign-in", headers=BY_HTTPS, base_url=base)
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"name": "ada", "password": "wrong", "csrf_token": token}
    answer = browser.client.post("/sign-in", data=form, headers=BY_HTTPS, base_url=base)
    app.extensions["slipway"].database.close()
    assert answer.status_code == 403  # the form itself was taken, without a Referer
    cookies = page.headers.getlist("Set-Cookie")
    assert {each.split("=")[0] for each in cookies} == {"slipway_form", "slipway_browser"}
    assert all(("Secure" in each) is bool(proxies) for each in cookies), cookies
