"""The portal under a path: inside another WSGI app, behind a proxy, in a frame (docs/embedding.md)."""

import re
from urllib.parse import urljoin

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from tests.support import below
from tests.support.below import addresses, is_inside
from tests.support.cast import build_schema, let_in_at, unit_of_work
from tests.support.forms import PRESENT_HASH, pages
from tests.support.recipes import snippet
from webapp.services.accounts import logins

PREFIX = below.PATH
SITE = "https://intranet.example"
BY_PROXY = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "intranet.example",
}
FORGED = {"X-Forwarded-Prefix": "/evil", "X-Script-Name": "/evil", "Script-Name": "/evil"}
mounted_settings = pytest.mark.settings(base_url=SITE + PREFIX)


def host_page(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the host's own page"]


def token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def stripped(app):
    """A proxy that takes the path off."""

    def serve(environ, start_response):
        path = environ["PATH_INFO"]
        if not path.startswith(f"{PREFIX}/"):
            return host_page(environ, start_response)
        return app(environ | {"PATH_INFO": path.removeprefix(PREFIX)}, start_response)

    return serve


# The ways in which a request may come to the portal.
WAYS = {
    "passed on": lambda app: app,
    "stripped": stripped,
    "mounted": lambda app: DispatcherMiddleware(host_page, {PREFIX: app}),
    # A proxy in front of the host app knows the portal by another path than people do.
    "mounted elsewhere": lambda app: stripped(
        lambda environ, start_response: DispatcherMiddleware(host_page, {"/inner": app})(
            environ | {"PATH_INFO": "/inner" + environ["PATH_INFO"]}, start_response
        )
    ),
}


@pytest.fixture(params=WAYS)
def site(app, request):
    """A browser on the intranet, which has the portal below a path."""
    app.config["WTF_CSRF_ENABLED"] = True
    return Client(WAYS[request.param](app))


@pytest.fixture
def enter(app, site):
    """Sign in as people do: by the form, with its token."""

    def sign_in(email, **fields):
        with unit_of_work(app):
            logins.set_password(let_in_at(email), PRESENT_HASH)
        page = site.get(f"{PREFIX}/sign-in", base_url=SITE).text
        form = {"email": email, "password": "the present password", "csrf_token": token(page)}
        return site.post(f"{PREFIX}/sign-in", data=form | fields, base_url=SITE)

    return sign_in


@mounted_settings
@pytest.mark.parametrize("email", ["alice@odnowa.example", "dana@acme.example"])
def test_every_address_on_every_page_stays_below_the_path(app, cast, values, site, enter, email):
    answer = enter(email)
    assert answer.location == f"{PREFIX}/"
    reader = cast.alice if email.startswith("alice") else cast.dana
    urls = [PREFIX + url for one, url in pages(app, cast, values) if one == reader]
    outside = {}
    for url in urls:
        answer = site.get(url, base_url=SITE)
        assert answer.status_code < 500, url
        found = [*addresses(answer.text), answer.location or f"{PREFIX}/"]
        # A list names what lies beside it from there.
        outside[url] = [one for one in found if not is_inside(urljoin(url, one))]
    assert len(urls) > 10
    assert {url: found for url, found in outside.items() if found} == {}


@mounted_settings
def test_static_files_are_served_below_the_path(site):
    page = site.get(f"{PREFIX}/sign-in", base_url=SITE).text
    files = [one for one in addresses(page) if "/static/" in one]
    assert len(files) >= 4
    for file in files:
        with site.get(file, base_url=SITE) as answer:
            assert answer.status_code == 200, file


@mounted_settings
@pytest.mark.parametrize(
    ("headers", "onward"),
    [
        ({}, f"{PREFIX}/"),
        ({"Referer": f"{SITE}{PREFIX}/settings/team"}, f"{PREFIX}/settings/team"),
        ({"Referer": f"{SITE}/host/page"}, f"{PREFIX}/"),
        ({"Referer": f"{SITE}{PREFIX}-other/page"}, f"{PREFIX}/"),
    ],
)
@pytest.mark.parametrize("htmx", [False, True])
def test_who_saves_signed_out_comes_back_into_the_portal(site, headers, onward, htmx):
    if htmx:
        headers = {"HX-Request": "true", "HX-Current-URL": headers.get("Referer", "")}
    answer = site.post(f"{PREFIX}/settings/partners/default", headers=headers, base_url=SITE)
    target = answer.headers["HX-Redirect"] if htmx else answer.location
    assert target == f"{PREFIX}/sign-in?next={onward}"


@mounted_settings
@pytest.mark.parametrize("target", ["/", "/host/page", f"{PREFIX}-other/", "//evil.example", ""])
def test_going_on_never_leaves_the_portal(cast, enter, target):
    assert enter("alice@odnowa.example", next=target).location == f"{PREFIX}/"


@mounted_settings
def test_cookies_belong_to_the_portal_alone(cast, site, enter):
    site.get(f"{PREFIX}/sign-in?lang=pl", base_url=SITE)
    enter("alice@odnowa.example")
    for name in ("__Secure-portal_session", "__Secure-portal_language"):
        cookie = site.get_cookie(name, "intranet.example", f"{PREFIX}/")
        assert cookie, name
        assert (cookie.secure, cookie.http_only, cookie.same_site) == (True, True, "Lax")


@pytest.mark.settings(base_url=SITE + PREFIX, proxies=1)
def test_no_header_says_below_which_path_the_portal_is(app, cast, browse):
    alice = browse(cast.alice)
    answer = alice.get("/", headers=BY_PROXY | FORGED)
    assert answer.location == f"{PREFIX}/partner/to-do"
    page = alice.get("/settings/profile", headers=BY_PROXY | FORGED)
    assert [one for one in addresses(page.text) if not is_inside(one)] == []
    forged = browse().get("/sign-in?lang=pl", headers=BY_PROXY | FORGED)
    usual = browse().get("/sign-in?lang=pl", headers=BY_PROXY)
    assert "evil" not in forged.text + str(forged.headers)
    assert list(forged.headers.keys()) == list(usual.headers.keys())


@pytest.mark.settings(proxies=1)
def test_without_a_path_no_header_gives_one(cast, browse):
    answer = browse(cast.alice).get("/", headers=BY_PROXY | FORGED)
    assert answer.location == "/partner/to-do"


@mounted_settings
@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{PREFIX}/healthz", 200),
        ("/healthz", 200),
        (f"{PREFIX}/readyz", 200),
        ("/readyz", 200),
        (PREFIX, 303),
        (f"{PREFIX}/", 303),
        ("/", 303),
        # Each of these begins like the path, and is something else.
        (f"{PREFIX}x", 404),
        (f"{PREFIX}x/healthz", 404),
        (f"{PREFIX}/help//renewal-owners", 404),
        (f"{PREFIX}{PREFIX}/healthz", 404),
        ("/other/healthz", 404),
    ],
)
def test_pages_lie_below_the_path_whole_or_taken_off(app, path, status):
    # The proxy's own checks come without the path, and those of a monitor with it.
    answer = Client(app).get(path, base_url=SITE)
    assert answer.status_code == status
    if answer.location:
        assert answer.location == f"{PREFIX}/sign-in"


@mounted_settings
def test_the_whole_host_is_told_nothing(app):
    for path in ("/sign-in", f"{PREFIX}/sign-in"):
        assert "Strict-Transport-Security" not in Client(app).get(path, base_url=SITE).headers


@pytest.mark.settings(proxies=1)
def test_attempts_are_counted_by_the_address_that_the_proxy_saw(cast, browse):
    def attempt(address: str) -> int:
        # The proxy appends the real address to whatever a client made up.
        headers = BY_PROXY | {"X-Forwarded-For": f"198.51.100.{len(codes)}, {address}"}
        form = {"email": f"{len(codes)}@acme.example", "password": "wrong"}
        return browse().post("/sign-in", data=form, headers=headers).status_code

    codes: list[int] = []
    for _attempt in range(11):
        codes.append(attempt("203.0.113.7"))
    assert codes == [422] * 10 + [429]
    assert attempt("203.0.113.8") == 422


def test_without_a_proxy_its_headers_mean_nothing(cast, browse):
    answer = browse(cast.alice).get("/", headers=BY_PROXY)
    assert answer.location == "/partner/to-do"


@pytest.mark.settings(base_url=SITE, frame_ancestors=("https://intranet.example",))
def test_a_named_page_may_show_the_portal_in_a_frame(browse):
    headers = browse().get("/sign-in").headers
    assert "frame-ancestors https://intranet.example" in headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in headers


def test_no_page_may_frame_the_portal_by_default(browse):
    policy = browse().get("/sign-in").headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'none'")


def test_the_documented_way_into_another_app_works(tmp_path, monkeypatch):
    monkeypatch.delenv("PORTAL_PROOF_PATH", raising=False)
    monkeypatch.setenv("PORTAL_INSTANCE_PATH", str(tmp_path))
    monkeypatch.setenv("PORTAL_BASE_URL", f"{SITE}{PREFIX}")
    build_schema(tmp_path, "sqlite:///portal.db")
    names = {"host_app": host_page}
    exec(snippet("A Flask host", "python"), names)
    site = Client(names["application"])
    assert site.get("/").text == "the host's own page"
    assert site.get(f"{PREFIX}/").location == f"{PREFIX}/sign-in"


@pytest.mark.settings(base_url=f"{SITE}/odnowie%C5%84", proxies=1)
def test_a_path_with_letters_is_written_for_headers(cast, browse):
    asked = {"HX-Request": "true"} | BY_PROXY
    answer = browse().post("/settings/partners/default", headers=asked)
    assert answer.headers["HX-Redirect"].startswith("/odnowie%C5%84/sign-in?next=")
    answer = browse(cast.alice).get("/partner/dashboard?q=x", headers=asked)
    assert answer.headers["HX-Push-Url"] == "/odnowie%C5%84/partner/dashboard?q=x"
