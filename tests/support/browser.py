"""A real browser on a really served app (a pytest plugin with the fixture `browser`)."""

import json
import os
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Frame,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)
from waitress import wasyncore
from waitress.server import create_server

from tests.support.sites import fingerprint
from tools.browser import find

AXE = Path(__file__).parent.parent / "browser" / "vendor" / "axe.min.js"
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # No name leads away from this machine (tests/support/sites.py).
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
# The rules of axe-core that look at colours. A page in the dark differs from itself in nothing else.
OF_COLOURS = ("color-contrast", "link-in-text-block")
# As long as the library waits for everything else: on a busy machine five seconds may pass, and ten did.
expect.set_options(timeout=30_000)
# Kinds of requests that a page needs to be whole. A 422 for a form or a fragment may be what a test is about.
PARTS = {"stylesheet", "script", "image", "font"}
# Third-party cookies (block_cookies).
cookies = pytest.mark.parametrize("blocked", [False, True], ids=["allowed", "blocked"])


@pytest.fixture(scope="session")
def browser(certificate: tuple[Path, Path]) -> Iterator[Browser]:
    """Start one Chromium for all tests of this process. It trusts the authority of their sites alone."""
    executable = find()
    assert executable, "no Chromium: run make test, which installs one"
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    trusted = f"--ignore-certificate-errors-spki-list={fingerprint(certificate[1])}"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable, args=[*ARGUMENTS, *sandbox, trusted]
        )
        yield chromium
        chromium.close()


@contextmanager
def served(app: WSGIApplication, listener: socket.socket) -> Iterator[str]:
    """Serve the app with the production server at a listening socket; yields its address without a final slash."""
    sockets: dict[int, wasyncore.dispatcher] = {}

    def unbuffered(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # waitress leaves a file open, for the garbage collector, when the browser goes away amid it.
        environ.pop("wsgi.file_wrapper", None)
        return app(environ, start_response)

    # The server closes what it is given, and headers of proxies come through as they do with `portal serve`.
    server = create_server(
        unbuffered,
        map=sockets,
        sockets=[listener.dup()],
        threads=4,
        clear_untrusted_proxy_headers=False,
    )
    stopping = threading.Event()

    def run() -> None:
        while not stopping.is_set():
            wasyncore.loop(timeout=0.05, map=sockets, count=1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopping.set()
        # Else it would look up only once its time is over.
        server.pull_trigger()
        thread.join()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)


class Watch:
    """A collector of faults of a page that a person would not notice."""

    def __init__(self, page: Page) -> None:
        self.problems: list[str] = []
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        page.on("request", self.request)
        page.on("response", self.response)

    def console(self, message: ConsoleMessage) -> None:
        # The answer's status is looked at in `response`, and a test may take the server away, which
        # htmx logs, too. A broken content security policy is told here. A frame of another site takes no
        # focus by itself when it is loaded, which the browser remarks.
        expected = (
            *("Failed to load resource", "htmx: htmx:error: Failed to fetch"),
            "Blocked autofocusing",
        )
        if message.type in ("error", "warning") and not message.text.startswith(expected):
            self.problems.append(f"console: {message.text}")

    def request(self, request: Request) -> None:
        address = urlsplit(request.url)
        here = address.hostname in ("127.0.0.1", "localhost") or str(address.hostname).endswith(
            ".test"
        )
        if address.scheme in ("http", "https") and not here:
            self.problems.append(f"left this machine: {request.url}")

    def response(self, response: Response) -> None:
        broken = response.status >= 400 and response.request.resource_type in PARTS
        if broken or response.status >= 500:
            self.problems.append(f"{response.status}: {response.url}")


@contextmanager
def opened(
    browser: Browser,
    address: str,
    *,
    language: str = "en",
    width: int = 1280,
    javascript: bool = True,
    dark: bool = False,
    touch: bool = False,
) -> Iterator[Page]:
    """Open a page as a fresh visitor. At the end it must have had no script, policy or loading errors."""
    context = browser.new_context(
        base_url=address,
        locale=language,
        viewport={"width": width, "height": 800},
        java_script_enabled=javascript,
        color_scheme="dark" if dark else "light",
        has_touch=touch,
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        watch = Watch(page)
        yield page
        assert watch.problems == []
    finally:
        context.close()


def block_cookies(page: Page) -> None:
    """Let the page's browser keep no cookies of other sites but partitioned ones."""
    browser = page.context.new_cdp_session(page)
    browser.send("Network.enable")
    browser.send(
        "Network.setCookieControls",
        {
            "enableThirdPartyCookieRestriction": True,
            "disableThirdPartyCookieMetadata": True,
            "disableThirdPartyCookieHeuristics": True,
        },
    )


def violations(page: Page | Frame, rules: tuple[str, ...] = ()) -> list[str]:
    """List the violations that axe-core finds on the page as it stands, of all rules or of some: rule, places, advice.

    If no script may run, axe would never answer.
    """
    # What an answer will replace is pale meanwhile.
    expect(page.locator("[aria-busy=true]:not(form, .dialog)")).to_have_count(0)
    # Evaluated by the debugger, not by the page: the content security policy stays as it is.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    # Not in frames, which don't have axe: a mail is looked at by itself.
    options: dict[str, object] = {"resultTypes": ["violations"], "iframes": False}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    results = page.evaluate("(options) => axe.run(options)", options)
    return [
        f"{rule['id']} at {json.dumps([node['target'] for node in rule['nodes']])}: {rule['help']}"
        for rule in results["violations"]
    ]
