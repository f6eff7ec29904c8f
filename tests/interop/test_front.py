"""The recipes of docs/embedding.md for nginx and Apache, in front of a real `portal serve`, with TLS.

Each header that a recipe sets is left out in turn: `portal check --public` names what is missing.
"""

import json
import re
import ssl
import subprocess
from contextlib import contextmanager
from http.client import HTTPSConnection

import pytest

from tests.interop import fronts
from tests.interop.programs import listens, until
from tests.scale.conftest import running, sink  # noqa: F401 (a fixture)
from tests.support.recipes import snippet
from tools.served_demo import PORTAL, free_port

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = "/apps/portal"
RECIPES = {
    "nginx, the path passed on": ("nginx", fronts.nginx),
    "nginx, the path taken off": ("nginx", fronts.nginx),
    "Apache": ("apache", fronts.apache),
}
everywhere = pytest.mark.parametrize("title", RECIPES)


@pytest.fixture
def front(environment, place, tmp_path):
    """Start a recipe, without some lines or with others, before a portal: ``with front("Apache") as proxy: …``."""

    @contextmanager
    def started(title, without=None, changed=("", ""), **settings):
        language, start = RECIPES[title]
        port, inner = free_port(), free_port()
        recipe = snippet(title, language).replace(fronts.PORTAL, f"127.0.0.1:{inner}")
        recipe = recipe.replace(*changed)
        kept = [line for line in recipe.splitlines() if not (without and re.search(without, line))]
        assert without is None or len(kept) < len(recipe.splitlines())
        env = environment | {
            "PORTAL_BASE_URL": f"https://localhost:{port}{PATH}",
            "PORTAL_TRUSTED_HOSTS": "localhost",
            "PORTAL_PROXIES": "1",
            "SSL_CERT_FILE": str(fronts.CERTIFICATE),
        }
        env |= {name: value.format(port=port) for name, value in settings.items()}
        piece = "\n".join(kept)
        with (
            running("portal", "serve", "--port", str(inner), env=env, output=tmp_path / "web.log"),
            start(place / "front", port, piece, fronts.CERTIFICATE),
        ):
            until(lambda: listens(inner), "the portal")
            yield Front(port, env)

    return started


class Front:
    """A proxy with the portal behind it."""

    def __init__(self, port, env):
        self.port, self.env = port, env

    def check(self):
        """Run the command; return what it says is wrong, as {check: text}."""
        command = [PORTAL, "check", "--public", "--json"]
        ran = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        findings = json.loads(ran.stdout)
        wrong = {one["check"]: one["text"] for one in findings if not one["ok"]}
        assert ran.returncode == int(bool(wrong))
        return wrong

    def get(self, path, **headers):
        """Fetch as a browser does; return the answer with its text."""
        context = ssl.create_default_context(cafile=fronts.CERTIFICATE)
        connection = HTTPSConnection("localhost", self.port, timeout=30, context=context)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode(errors="replace")
        connection.close()
        return answer


@everywhere
def test_a_recipe_leads_to_the_portal(front, title):
    with front(title) as proxy:
        assert proxy.check() == {}
        first = proxy.get(f"{PATH}/")
        assert (first.status, first.headers["Location"]) == (303, f"{PATH}/sign-in")
        page = proxy.get(f"{PATH}/sign-in?lang=pl")
        files = re.findall(r'(?:href|src)="([^"]*/static/[^"]+)"', page.text)
        assert len(files) >= 4
        for file in files:
            assert file.startswith(f"{PATH}/static/")
            assert proxy.get(file).status == 200, file
        assert all(f"Path={PATH}/" in one for one in page.headers.get_all("Set-Cookie"))
        # Nothing of it lies beside the path, and no header moves it.
        assert proxy.get("/sign-in").status == 404
        assert proxy.get(f"{PATH}x/sign-in").status == 404
        forged = proxy.get(f"{PATH}/", **{"X-Forwarded-Prefix": "/evil", "X-Script-Name": "/evil"})
        assert forged.headers["Location"] == f"{PATH}/sign-in"


MISSING = [
    (r"X-Forwarded-For", {"client address": "X-Forwarded-For is missing", "made-up headers": ""}),
    (r"X-Forwarded-Proto", {"scheme": "X-Forwarded-Proto is missing", "made-up headers": ""}),
    (
        r"X-Forwarded-Host",
        {"host": "the proxy must pass Host on", "made-up headers": "X-Forwarded-Host is believed"},
    ),
]


@pytest.mark.parametrize(
    ("title", "line", "named"),
    [
        *((title, *case) for title in list(RECIPES)[:2] for case in MISSING),
        ("Apache", *MISSING[1]),
    ],
)
def test_a_header_that_is_missing_is_named(front, title, line, named):
    with front(title, without=line) as proxy:
        wrong = proxy.check()
    assert wrong.keys() == named.keys()
    assert {check: text in wrong[check] for check, text in named.items()} == dict.fromkeys(
        named, True
    )


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (
            {"PORTAL_PROXIES": "0"},
            {
                "scheme": "PORTAL_PROXIES is 0, and 1 added to X-Forwarded-Proto",
                "host": "PORTAL_PROXIES is 0, and 1 added to X-Forwarded-Host",
                "client address": "PORTAL_PROXIES is 0, and 1 added to X-Forwarded-For",
            },
        ),
        (
            {"PORTAL_PROXIES": "2"},
            {
                "scheme": "PORTAL_PROXIES is 2, and 1 added to X-Forwarded-Proto",
                "host": "PORTAL_PROXIES is 2, and 1 added to X-Forwarded-Host",
                "client address": "PORTAL_PROXIES is 2, and 1 added to X-Forwarded-For",
            },
        ),
        (
            {"PORTAL_TRUSTED_HOSTS": "portal.example"},
            {"trusted hosts": "PORTAL_TRUSTED_HOSTS lacks localhost"},
        ),
        (
            {"PORTAL_BASE_URL": "https://localhost:{port}/apps/other"},
            {"public address": "something else answers there (404)"},
        ),
        (
            {"PORTAL_BASE_URL": "http://localhost:{port}/apps/portal"},
            {"public address": "something else answers there (400)"},
        ),
        (
            {"SSL_CERT_FILE": "/dev/null"},
            {
                "public address": "the certificate of localhost is not valid: self-signed certificate"
            },
        ),
    ],
)
def test_a_setting_that_is_wrong_is_named(front, settings, named):
    with front("nginx, the path passed on", **settings) as proxy:
        wrong = proxy.check()
    assert wrong.keys() == named.keys()
    assert {check: text in wrong[check] for check, text in named.items()} == dict.fromkeys(
        named, True
    )


def test_a_path_of_which_too_little_is_taken_off_is_named(front):
    with front("nginx, the path taken off", changed=(f"{PATH}/ {{", "/apps/ {")) as proxy:
        wrong = proxy.check()
    assert wrong.keys() == {"path"}
    assert "/portal/reached arrives in place of /apps/portal/reached" in wrong["path"]


def test_a_portal_that_does_not_run_is_named(place, environment):
    port = free_port()
    piece = snippet("nginx, the path passed on", "nginx").replace(fronts.PORTAL, "127.0.0.1:1")
    env = environment | {
        "PORTAL_BASE_URL": f"https://localhost:{port}{PATH}",
        "SSL_CERT_FILE": str(fronts.CERTIFICATE),
    }
    with fronts.nginx(place / "front", port, piece, fronts.CERTIFICATE):
        wrong = Front(port, env).check()
    assert "(502): does the portal run" in wrong["public address"]
