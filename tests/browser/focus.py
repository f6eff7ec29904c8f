"""The focus at each size of a window and of text: seen, in view, not covered; and nothing to be scrolled sideways."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from tests.support.proof import TIMES
from webapp.i18n import CODES

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
# The size of text in a browser that nobody has changed.
USUAL = 16


@dataclass(frozen=True)
class Screen:
    """A window in pixels, and the size of text that its reader has chosen in the browser."""

    width: int
    height: int = 800
    text: int = USUAL

    def __str__(self) -> str:
        return f"{self.width} × {self.height}, text {self.text}"


SCREENS = [Screen(1280), Screen(1280, text=24), Screen(360), Screen(320, 256)]
# The language whose words are longest.
LANGUAGES = ("pl",)
if TIMES > 1:
    SCREENS += [Screen(width, text=text) for width in (860, 360) for text in (USUAL, 24, 32)]
    SCREENS += [Screen(1280, text=32)]
    LANGUAGES = CODES


@contextmanager
def shown_on(page: Page, screen: Screen) -> Iterator[None]:
    """Show the page in such a window, with such text."""
    session = page.context.new_cdp_session(page)

    def choose(text: int) -> None:
        session.send("Page.setFontSizes", {"fontSizes": {"standard": text, "fixed": text}})

    page.set_viewport_size({"width": screen.width, "height": screen.height})
    choose(screen.text)
    yield
    choose(USUAL)
    session.detach()


def faults(page: Page) -> list[str]:
    """List what is wrong with the focus on the page as it stands, on each screen."""
    found = []
    for screen in SCREENS:
        with shown_on(page, screen):
            found += [f"{screen}: {fault}" for fault in page.evaluate(SCRIPT, False)]
    return found


def present_faults(page: Page) -> list[str]:
    """List what is wrong with the present place of the focus."""
    found: list[str] = page.evaluate(SCRIPT, True)
    return found
