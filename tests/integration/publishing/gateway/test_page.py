"""The gateway's page in a real browser: people paste an event and read its verdict and score, in two languages."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from tests.integration.publishing.gateway.browser import Page, page_of_a_browser
from tests.integration.publishing.gateway.harness import Door, event

SIZES = {"desktop": (1280, 900), "phone": (360, 740)}
ANSWERED = "!document.querySelector('section').hidden"
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def looked_at(page: Page, name: str) -> None:
    """Keep a picture where GREENLANE_PICTURES says, to be opened by whoever changes the page."""
    folder = os.environ.get("GREENLANE_PICTURES")
    if folder:
        page.picture(Path(folder) / f"{name}.png")


def checked(page: Page, text: str) -> str:
    """Paste a text, press the button and read the verdict."""
    page.run(
        f"document.querySelector('#event').value = {json.dumps(text)}; document.querySelector('section').hidden = true"
    )
    page.run("document.querySelector('form button').click()")
    page.until(ANSWERED)
    return str(page.run("document.querySelector('#verdict').textContent"))


def tried(url: str, folder: Path) -> None:
    good, bad = json.dumps(event("demo-vn", 1), indent=2), json.dumps(event("demo-vn", 1, subject="a b", time="now"))
    improbable = event("demo-vn", 1)
    improbable["data"]["items"] = [{"quantity": 1, "mass_g": 300, "length_mm": 20, "width_mm": 15, "height_mm": 5}]
    doubted = json.dumps(improbable)
    with page_of_a_browser(folder) as page:
        for size, (width, height) in SIZES.items():
            page.open(f"{url}/", width, height)
            looked_at(page, f"{size}-first")
            assert page.run(FITS)
            assert checked(page, good) == "This event would be accepted."
            assert "of 100 (packaging)" in page.run("document.querySelector('#score').textContent")
            assert page.run(FITS)
            looked_at(page, f"{size}-good")
            assert checked(page, doubted) == "This event would be accepted, but some values look wrong."
            assert "centimetres" in page.run("document.querySelector('tbody').textContent")
            assert page.run(FITS)
            looked_at(page, f"{size}-doubted")
            assert checked(page, bad) == "This event would be refused."
            rows = page.run("[...document.querySelectorAll('tbody tr td:first-child')].map((cell) => cell.textContent)")
            assert sorted(rows) == ["subject", "time"]
            assert page.run(FITS)
            looked_at(page, f"{size}-bad")
            page.run("document.querySelector('[data-language=vi]').click()")
            assert page.run("document.querySelector('#verdict').textContent") == "Sự kiện này sẽ bị từ chối."
            assert page.run("document.documentElement.lang") == "vi"
            looked_at(page, f"{size}-vi")
            assert checked(page, "<img src=x onerror=alert(1)>") == "Sự kiện này sẽ bị từ chối."
            assert page.run("document.querySelectorAll('img').length") == 0
        page.open(f"{url}/", *SIZES["phone"], language="vi-VN")
        assert page.run("document.querySelector('h1').textContent") == "Kiểm tra một sự kiện"
        refused = [text for text in page.complaints if "status of 4" not in text]
        assert not refused, "no script, style or picture was kept out by the policy"
        assert all(one.startswith((f"{url}/", "about:")) for one in page.asked), "nothing comes from elsewhere"


@pytest.mark.usefixtures("market")
async def test_people_check_an_event_and_read_what_to_do(door: Door, tmp_path: Path) -> None:
    await asyncio.to_thread(tried, door.url, tmp_path)
