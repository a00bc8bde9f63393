"""Images, as an instructor has them: one on its way, one that is given up, one that goes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.test_everyone import fits_its_width, serious_faults
from tests.browser.test_instructor import sign_in
from tests.integration.registries import Front, Made, layer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Person, WebCommand


def test_an_image_is_fetched_before_ones_eyes_given_up_fetched_again_and_removed(
    person: Person, web_command: WebCommand
) -> None:
    link = urlsplit(web_command("person", "instructor", "add", "irene").split()[0]).path
    page = person()
    sign_in(page, link)
    page.get_by_role("link", name="Images", exact=True).click()
    expect(page.get_by_role("heading", name="Images", exact=True)).to_be_visible()
    registry = Front(Made([layer({"bin/sh": os.urandom(4_000_000)})]))
    registry.day = "hold"
    with registry.serving() as place:
        name = f"{place}/team/web:1"
        page.get_by_label("Its name").fill(f"http://{name}")
        page.get_by_role("button", name="Fetch it").click()
        row = page.locator(f'tr[data-image="{name}"]')
        expect(row.get_by_text(re.compile(r"[45]\d %, 2 MB of 4 MB"))).to_be_visible()
        expect(row.get_by_role("progressbar")).to_be_visible()
        assert serious_faults(page) == []
        row.get_by_role("button", name="Stop").click()
        expect(row).to_have_count(0)

        registry.day = "missing"
        page.get_by_label("Its name").fill(f"http://{name}")
        page.get_by_role("button", name="Fetch it").click()
        expect(row.get_by_text("has no image")).to_be_visible()
        registry.day = "good"
        row.get_by_role("button", name="Fetch").click()  # as it was asked for: without TLS
        expect(row.get_by_text("no lesson needs it")).to_be_visible()
    row.get_by_role("link", name="Layers").click()
    expect(page.get_by_role("heading", name=f"Layers of {name}")).to_be_visible()
    page.go_back()
    for width in (760, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert fits_its_width(page)
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)


def test_an_archive_is_loaded_from_a_browser_and_one_that_is_none_says_why(
    person: Person, web_command: WebCommand, tmp_path: Path
) -> None:
    link = urlsplit(web_command("person", "instructor", "add", "ivan").split()[0]).path
    page = person(may_lose_connection=True)  # the refusal is an error in the console
    sign_in(page, link)
    page.goto("/images")
    (tmp_path / "words.tar").write_text("not at all")
    page.get_by_label("An archive").set_input_files(tmp_path / "words.tar")
    page.get_by_role("button", name="Load it").click()
    expect(page.get_by_text("words.tar is no image that can be taken")).to_be_visible()
    Made([layer({"bin/sh": os.urandom(1_000_000)})]).write_archive(tmp_path / "greeting.tar")
    page.get_by_label("An archive").set_input_files(tmp_path / "greeting.tar")
    page.get_by_role("button", name="Load it").click()
    row = page.locator('tr[data-image$="library/greeting:latest"]')
    expect(row.get_by_text("no lesson needs it")).to_be_visible()
