"""Take the README's pictures: the dashboard of the demo, in each language.

It serves a demo of its own, and looks at it with Chromium.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tools.browser import find
from tools.served_demo import served_demo

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
# One partner of the demo for each language, by its admin.
PEOPLE = {"en": "Emma Clarke", "pl": "Anna Wiśniewska", "pt": "Beatriz Carvalho"}
SIZE = {"width": 1280, "height": 800}


def picture(browser: Browser, address: str, language: str, name: str) -> None:
    """Take a picture of the dashboard as this person sees it after signing in with one click."""
    page = browser.new_page(viewport=SIZE, locale=language, base_url=address)
    page.goto(f"/sign-in?lang={language}")
    page.locator(".person", has_text=name).click()
    page.goto("/partner/dashboard")
    page.screenshot(path=PICTURES / f"dashboard-{language}.png")
    page.close()


def main() -> int:
    executable = find()
    if not executable:
        print("no Chromium: run tools/browser.py first", file=sys.stderr)
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with served_demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=sandbox)
        for language, name in PEOPLE.items():
            picture(browser, address, language, name)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
