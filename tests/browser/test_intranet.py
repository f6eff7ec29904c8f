"""`make demo-intranet`, walked through: the portal as a guest in an intranet."""

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from tests.support import run
from tests.support.browser import opened, violations
from tests.support.portal import demo_template
from webapp.i18n import LANGUAGES

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60
SIGN_IN = "Sign in with: Northbridge Digital"


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def three_ports() -> range:
    """Find three free ports in a row."""
    found = (range(first, first + 3) for first in range(21_000, 60_000, 7))
    return next(ports for ports in found if all(is_free(port) for port in ports))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo's intranet, started as make does, with data that are there. At the end Ctrl+C ends all of it."""
    instance = tmp_path_factory.mktemp("intranet")
    shutil.copyfile(demo_template(), instance / "demo.db")
    # Another process of this run would find the same ports free.
    with run.alone():
        ports = three_ports()
        command = [sys.executable, "-m", "tools.intranet", "--port", str(ports[0])]
        process = subprocess.Popen(
            [*command, "--instance", instance],
            cwd=ROOT,
            env=run.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout
        started = any("Ctrl+C" in line for line in process.stdout)
    with process:
        try:
            assert started
            yield f"http://127.0.0.1:{ports[0]}"
        finally:
            with run.alone():
                process.send_signal(signal.SIGINT)
                ended = process.wait(PATIENCE)
                freed = all(is_free(port) for port in ports)
    assert (ended, freed) == (0, True)


def enter(page: Page, name: str) -> None:
    """Sign in to the portal in the path, as a person at the provider."""
    page.goto("/apps/portal/sign-in")
    page.get_by_role("link", name=SIGN_IN).click()
    page.get_by_role("button", name=name).click()


def upcoming(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Upcoming renewals")


def test_from_the_front_page_into_the_path_and_the_frame(hub: str, browser: Browser) -> None:
    with opened(browser, hub) as page:
        page.goto("/")
        upcoming(page).get_by_role("link", name="Sign in").click()
        page.get_by_role("link", name=SIGN_IN).click()
        page.get_by_role("button", name="Emma Clarke").click()
        expect(page).to_have_url(f"{hub}/apps/portal/partner/to-do")
        page.goto("/apps/portal/partner/dashboard")
        expect(page.get_by_role("link", name="Add a client")).to_have_css(
            "background-color", "rgb(58, 74, 168)"
        )

        page.goto("/")
        expect(upcoming(page).get_by_role("listitem")).to_have_count(10)
        upcoming(page).get_by_role("listitem").first.get_by_role("link").click()
        expect(page.get_by_role("link", name="Renewals", exact=True)).to_be_visible()
        assert page.url.startswith(f"{hub}/apps/portal/partner/clients/")

        page.goto("/desk")
        frame = page.frame_locator("#portal")
        # The provider knows her already, so that the windows close by themselves.
        frame.get_by_role("link", name=SIGN_IN).click()
        expect(frame.get_by_role("heading", name="To do")).to_be_visible()
        assert page.url == f"{hub}/desk"
        follows(page, frame)

        page.goto("/apps/portal/settings/profile")
        page.locator("#account-menu summary").click()
        page.get_by_role("button", name="Sign out", exact=True).click()
        # Over the provider, which tells the portal that all of its sessions are over.
        expect(page.get_by_role("link", name=SIGN_IN)).to_be_visible()
        page.goto("/desk")
        expect(frame.get_by_role("link", name=SIGN_IN)).to_be_visible()


def follows(page: Page, frame: FrameLocator) -> None:
    """The frame is as high as what it shows, and changes with it."""
    shown = page.locator("#portal")
    before = shown.evaluate("frame => frame.style.height")
    frame.locator("#partner-menu summary").click()
    frame.locator("#partner-menu").get_by_role("link", name="Deliveries").click()
    expect(frame.get_by_role("heading", name="Deliveries", level=1)).to_be_visible()
    page.wait_for_function(
        "([frame, before]) => frame.style.height && frame.style.height !== before",
        arg=[shown.element_handle(), before],
    )


def test_a_group_lets_in_whom_nobody_added(hub: str, browser: Browser) -> None:
    with opened(browser, hub) as page:
        enter(page, "Grace Doyle")
        expect(page).to_have_url(f"{hub}/apps/portal/partner/to-do")
    with opened(browser, hub) as page:
        enter(page, "Finn Carter")
        expect(page.get_by_role("main")).to_contain_text("Nobody has added you")
        assert page.url.startswith(f"{hub}/apps/portal/sign-in/oidc/back")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_intranet_is_fit_to_be_shown(
    hub: str, browser: Browser, language: str, dark: bool
) -> None:
    with opened(browser, hub, language=language, width=360, dark=dark) as page:
        for path in ("/", "/desk"):
            page.goto(path, wait_until="networkidle")
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
