"""The texts of a page or an HTML mail, as somebody reads them one after another."""

import re
from html.parser import HTMLParser

# A mail's title is its subject, a line of its own.
SILENT = {"script", "style", "option", "textarea", "title"}


class Reader(HTMLParser):
    """Collects the texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.silent = 0
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in SILENT

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self.silent:
            # A line of the source ends where one of the screen may.
            self.texts.append(re.sub(r"[ \n]+", " ", data).strip())
