"""Tests of pages, at a portal below a path: they read and write addresses as if it had the host to itself.

A test runs at both with the mark ``everywhere``; ``make proof`` runs all tests of pages below a path.
"""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import Cookie, TestResponse

PATH = "/apps/portal"
everywhere = pytest.mark.parametrize(
    "portal_path", ["", PATH], indirect=True, ids=["alone", "below"]
)
# Attributes of elements, headers of answers and of requests, and a field: in each stands an address.
ADDRESSES = ("href", "src", "action", "formaction", "hx-get", "hx-post", "data-src")
TOLD = ("Location", "HX-Redirect", "HX-Push-Url", "HX-Replace-Url", "HX-Location")
SENT = ("Referer", "HX-Current-URL")
NEXT = "next"
# The beginning of an address within the portal, and not that of another site.
OURS = r"/(?=\w|\?|$)"


class AddressParser(HTMLParser):
    """Collects where a page leads to, its hidden ``next`` included."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.addresses += [values[name] or "" for name in ADDRESSES if name in values]
        if values.get("name") == NEXT:
            self.addresses.append(values.get("value") or "")


def addresses(page: str) -> list[str]:
    parser = AddressParser()
    parser.feed(page)
    return parser.addresses


def is_inside(address: str, path: str = PATH) -> bool:
    """Tell whether an address stays in the portal below the path, or openly leads to another site or program."""
    return address.startswith((f"{path}/", "#", "?", "https://", "mailto:", "otpauth:"))


class Below(FlaskClient):
    """A browser of a portal below a path, which a proxy passes on; redirects are followed with the path taken off.

    Each address that the portal tells must lie below the path, which is then left out of the answer.
    """

    @property
    def path(self) -> str:
        return str(self.application.config["PORTAL"].path)

    def open(self, *given: Any, **options: Any) -> TestResponse:
        if not isinstance(given[0], str):
            # Where a redirect leads to.
            return super().open(*given, **options)
        address = re.sub(rf"([?&]{NEXT}=){OURS}", rf"\1{self.path}/", given[0])
        if isinstance(options.get("data"), dict):
            options["data"] = self.with_next(options["data"])
        options["headers"] = self.with_path(dict(options.get("headers") or {}))
        return self.without_path(super().open(address, *given[1:], **options))

    def _request_from_builder_args(self, given: Any, options: Any) -> Any:
        request = super()._request_from_builder_args(given, options)
        path = request.environ["PATH_INFO"]
        # Another site leads to where the portal has told it to.
        request.environ["PATH_INFO"] = path if is_inside(path, self.path) else self.path + path
        return request

    def session_transaction(self, *given: Any, **options: Any) -> Any:
        if not given and not options:
            scheme = self.application.config["PREFERRED_URL_SCHEME"]
            options["base_url"] = f"{scheme}://localhost{self.path}/"
        return super().session_transaction(*given, **options)

    def get_cookie(self, key: str, domain: str = "localhost", path: str = "/") -> Cookie | None:
        return super().get_cookie(key, domain, self.path + path)

    def set_cookie(self, key: str, value: str = "", *, path: str = "/", **options: Any) -> None:
        super().set_cookie(key, value, path=self.path + path, **options)

    def with_next(self, fields: dict[str, Any]) -> dict[str, Any]:
        target = str(fields.get(NEXT, ""))
        return fields | {NEXT: self.path + target} if re.match(OURS, target) else fields

    def with_path(self, headers: dict[str, str]) -> dict[str, str]:
        begins = re.compile(rf"^(\w+://[^/]+)?{OURS}")
        return {
            name: begins.sub(rf"\1{self.path}/", value) if name in SENT else value
            for name, value in headers.items()
        }

    def without_path(self, answer: TestResponse) -> TestResponse:
        told = [answer.headers[name] for name in TOLD if name in answer.headers]
        if answer.mimetype == "text/html" and "Content-Encoding" not in answer.headers:
            text = answer.get_data(as_text=True)
            told += addresses(text)
            answer.set_data(text.replace(f"{self.path}/", "/"))
        outside = [one for one in told if one.startswith("/") and not is_inside(one, self.path)]
        assert not outside, f"outside of the portal: {outside}"
        answer.request.path = answer.request.path.removeprefix(self.path)
        for name in TOLD:
            if name in answer.headers:
                answer.headers[name] = answer.headers[name].replace(f"{self.path}/", "/")
        return answer
