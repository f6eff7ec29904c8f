"""Take the README's pictures: the dashboard of the demo, in each language.

It loads a demo of its own into a temporary folder, serves it on a free port, and looks at it with Chromium.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser import find
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
PORTAL = Path(sys.executable).with_name("portal")
# One partner of the demo for each language, by its admin.
PEOPLE = {"en": "Emma Clarke", "pl": "Anna Wiśniewska", "pt": "Beatriz Carvalho"}
SIZE = {"width": 1280, "height": 800}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def served_demo() -> Iterator[str]:
    """Load and serve a demo; gives its address."""
    address = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PORTAL_DEMO": "1",
            "PORTAL_INSTANCE_PATH": folder,
            "PORTAL_BASE_URL": address,
        }
        subprocess.run([PORTAL, "demo", "load"], env=environment, check=True)
        port = address.rpartition(":")[2]
        server = subprocess.Popen([PORTAL, "serve", "--port", port], env=environment)
        try:
            wait_for(f"{address}/readyz")
            yield address
        finally:
            server.terminate()
            server.wait()


def wait_for(address: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(address).close()
            return
        except urllib.error.URLError:
            time.sleep(0.2)
    raise TimeoutError(address)


def picture(browser: Browser, address: str, language: str, name: str) -> None:
    """The dashboard as this person sees it after signing in by one click."""
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
