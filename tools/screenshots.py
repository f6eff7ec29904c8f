"""Take the README's pictures of the demo: To do, the dialog of a renewal owner, and a client, each in another language.

It serves a demo of its own, and looks at it with Chromium.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tools.browser import find
from tools.served_demo import served_demo

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
SIZE = {"width": 1280, "height": 940}


@dataclass(frozen=True)
class Picture:
    """A picture as a partner's admin sees it after signing in with one click. ``way``: from To do to what is shown."""

    name: str
    language: str
    person: str
    way: Callable[[Page], None]


def stay(page: Page) -> None:
    page.goto("/partner/to-do")


def open_client(client: str) -> Callable[[Page], None]:
    """Make the way to a client's page."""

    def way(page: Page) -> None:
        page.goto(f"/partner/dashboard?q={client}")
        page.get_by_role("rowheader", name=client).get_by_role("link").click()
        page.wait_for_url("**/renewals")

    return way


def open_dialog(client: str) -> Callable[[Page], None]:
    """Make the way to a client's dialog, where its partner is chosen as owner."""

    def way(page: Page) -> None:
        open_client(client)(page)
        page.locator("#edit-owner").click()
        page.locator("#dialog input[value=partner]").check()
        page.wait_for_load_state("networkidle")

    return way


ALL = (
    Picture("to-do-pl", "pl", "Anna Wiśniewska", stay),
    Picture("renewal-owner-en", "en", "Emma Clarke", open_dialog("Ivy Street Legal")),
    Picture("client-pt", "pt", "Beatriz Carvalho", open_client("Construtora Ipê")),
)


def take(browser: Browser, address: str, picture: Picture) -> None:
    page = browser.new_page(viewport=SIZE, locale=picture.language, base_url=address)
    page.goto(f"/sign-in?lang={picture.language}")
    page.locator(".person", has_text=picture.person).click()
    picture.way(page)
    page.screenshot(path=PICTURES / f"{picture.name}.png")
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
        for picture in ALL:
            take(browser, address, picture)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
