"""In a frame of another page: cookies that get there, a bare layout, and words for browsers that keep none."""

import re
from pathlib import Path

import pytest

from tests.support.cast import let_in_at, unit_of_work
from tests.support.forms import PRESENT_HASH
from webapp.pages import headers
from webapp.services.accounts import logins

PACKAGE = Path(headers.__file__).parent.parent
STATIC = PACKAGE.parent / "static"
PORTAL, INTRANET = "https://portal.example", "https://intranet.example"
IN_FRAME = {"Sec-Fetch-Dest": "iframe"}
framed = pytest.mark.settings(base_url=PORTAL, frame_ancestors=(INTRANET,))


@pytest.fixture
def cookies_set(app, cast, browse):
    """The attributes of each cookie that a browser gets which switches the language and signs in."""
    with unit_of_work(app):
        logins.set_password(let_in_at("alice@odnowa.example"), PRESENT_HASH)
    eve = browse()
    form = {"email": "alice@odnowa.example", "password": "the present password"}
    answers = [
        eve.post("/language", data={"language": "pl"}, base_url=PORTAL),
        eve.get("/sign-in?lang=en", base_url=PORTAL),
        eve.post("/sign-in", data=form, base_url=PORTAL),
        eve.post("/sign-out", base_url=PORTAL),
    ]
    assert [answer.status_code for answer in answers] == [303, 200, 303, 303]
    lines = [line for answer in answers for line in answer.headers.getlist("Set-Cookie")]
    parts = [line.split("; ") for line in lines]
    return [(name.partition("=")[0], frozenset(others)) for name, *others in parts]


ALL = {"__Host-portal_session", "__Host-portal_language", "__Host-portal_device"}


@framed
def test_every_cookie_gets_into_a_frame(cookies_set):
    assert {name for name, _attributes in cookies_set} == ALL
    wanted = {"Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"}
    assert [name for name, attributes in cookies_set if not wanted <= attributes] == []


@pytest.mark.settings(base_url=PORTAL)
def test_no_cookie_does_unless_a_page_is_named(cookies_set):
    assert {name for name, _attributes in cookies_set} == ALL
    wanted = {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"}
    assert [name for name, attributes in cookies_set if not wanted <= attributes] == []
    assert [name for name, attributes in cookies_set if "Partitioned" in attributes] == []


@pytest.mark.settings(base_url="http://127.0.0.1:8000", frame_ancestors=("http://localhost:8001",))
def test_on_this_very_machine_they_are_the_same_without_https(browse):
    lines = browse().get("/sign-in?lang=pl").headers.getlist("Set-Cookie")
    assert sorted(line.partition("=")[0] for line in lines) == ["portal_language", "portal_session"]
    wanted = {"Secure", "SameSite=None", "Partitioned"}
    assert [line for line in lines if not wanted <= set(line.split("; "))] == []


def test_all_cookies_are_set_in_one_place():
    setting = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\.set_cookie\(", path.read_text(encoding="utf-8"))
    }
    assert setting == {"signin/cookies.py"}


def test_no_script_listens_to_another_origin():
    """The only listener waits for a window of ours, and looks first at who speaks."""
    scripts = "".join(path.read_text("utf-8") for path in sorted(STATIC.glob("*.js")))
    heard = re.findall(
        r'^ *(?:window\.)?addEventListener\("message".*\n *(.*)', scripts, re.MULTILINE
    )
    assert len(heard) == 1
    assert heard[0].startswith("if (origin !== location.origin ||")
    assert "onmessage" not in scripts


@framed
@pytest.mark.parametrize("reader", ["alice", "dana", None])
def test_a_page_in_a_frame_has_menus_and_no_brand(cast, browse, reader):
    someone = browse(getattr(cast, reader) if reader else None)
    page = someone.get("/help/renewal-owners", headers=IN_FRAME)
    assert 'class="brand"' not in page.text
    for part in ('id="language-menu"', 'class="skip-link"', 'id="status"', 'role="status"'):
        assert part in page.text
    assert ('id="account-menu"' in page.text) is bool(reader)
    assert f'data-told="{INTRANET}"' in page.text
    assert "Sec-Fetch-Dest" in page.headers["Vary"]
    outside = someone.get("/help/renewal-owners", headers={"Sec-Fetch-Dest": "document"})
    assert 'class="brand"' in outside.text
    assert INTRANET not in outside.text


def test_a_page_is_bare_only_where_it_may_be_shown(browse):
    assert 'class="brand"' in browse().get("/sign-in", headers=IN_FRAME).text


@framed
def test_an_error_in_a_frame_is_as_bare(browse):
    answer = browse().get("/nope", headers=IN_FRAME)
    assert answer.status_code == 404
    assert 'class="brand"' not in answer.text


@framed
def test_the_key_of_a_link_is_told_to_nobody(browse):
    answer = browse().get("/link/secret", headers=IN_FRAME)
    assert answer.status_code == 410
    assert 'data-told=""' in answer.text


@pytest.mark.settings(
    base_url=PORTAL,
    frame_ancestors=(INTRANET, "https://*.example", "https://other.example:8443"),
)
def test_pages_around_are_told_by_their_names(browse):
    page = browse().get("/sign-in", headers=IN_FRAME).text
    assert f'data-told="{INTRANET} https://other.example:8443"' in page


@framed
@pytest.mark.parametrize(
    ("language", "title", "link"),
    [
        ("en", "Your browser keeps no cookies here", "Open in a new tab"),
        ("pl", "Przeglądarka nie zapisuje tu plików cookie", "Otwórz w nowej karcie"),
        ("pt", "Seu navegador não aceita cookies aqui", "Abrir em uma nova aba"),
    ],
)
def test_a_form_from_a_frame_without_cookies_says_why_it_fails(app, browse, language, title, link):
    app.config["WTF_CSRF_ENABLED"] = True
    headers = IN_FRAME | {
        "Accept-Language": language,
        "Referer": f"{PORTAL}/sign-in?next=/partner/dashboard",
    }
    answer = browse().post("/sign-in", data={"csrf_token": "x"}, headers=headers, base_url=PORTAL)
    assert answer.status_code == 400
    assert title in answer.text
    assert re.search(
        rf'href="/sign-in\?next=/partner/dashboard" target="_blank" rel="noopener">{link}<',
        answer.text,
    )


@framed
@pytest.mark.parametrize(
    ("origin", "title"),
    [
        ("null", "Your browser keeps no cookies here"),
        ("https://evil.example", "This request came from another site"),
    ],
)
def test_so_does_one_from_a_frame_that_is_walled_off(browse, origin, title):
    """By a sandbox without ``allow-same-origin``, in which a page has no origin. Nothing is done either way."""
    headers = IN_FRAME | {"Sec-Fetch-Site": "cross-site", "Origin": origin}
    answer = browse().post("/language", data={"language": "pl"}, headers=headers, base_url=PORTAL)
    assert answer.status_code == 403
    assert title in answer.text
    assert not [one for one in answer.headers.getlist("Set-Cookie") if "language=" in one]


@framed
@pytest.mark.parametrize("where", [{}, IN_FRAME])
def test_a_form_that_has_expired_is_something_else(app, browse, where):
    """With a cookie, or outside a frame."""
    app.config["WTF_CSRF_ENABLED"] = True
    eve = browse()
    if where:
        eve.get("/sign-in", base_url=PORTAL)
    answer = eve.post("/sign-in", data={"csrf_token": "x"}, headers=where, base_url=PORTAL)
    assert answer.status_code == 400
    assert "This form has expired" in answer.text


@framed
def test_in_place_of_lax_other_sites_are_refused(app, cast, browse):
    app.config["WTF_CSRF_ENABLED"] = True
    alice = browse(cast.alice)
    for site in ("cross-site", "same-site"):
        answer = alice.post(
            "/language", data={"language": "pl"}, headers=IN_FRAME | {"Sec-Fetch-Site": site}
        )
        assert answer.status_code == 403
        assert "This request came from another site" in answer.text
