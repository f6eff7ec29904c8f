"""The frame of every page: error pages, languages, headers."""

import pytest

from tests.support.below import everywhere
from tests.support.forms import pages


@everywhere
def test_a_missing_page_is_a_localised_404_with_a_way_back(app, browse):
    answer = browse().get("/nope", headers={"Accept-Language": "pl-PL"})
    assert answer.status_code == 404
    assert 'lang="pl"' in answer.text
    assert answer.headers["X-Request-ID"] in answer.text


@pytest.mark.parametrize(
    ("header", "page_language"),
    [("pt", "pt-BR"), ("pt-AO", "pt-BR"), ("pl-PL", "pl"), ("en-GB", "en"), ("de, fr", "en")],
)
def test_the_browser_tells_the_language(browse, header, page_language):
    answer = browse().get("/nope", headers={"Accept-Language": header})
    assert answer.headers["Content-Language"] == page_language


@everywhere
def test_the_switcher_sets_the_users_language(browse, cast):
    alice = browse(cast.alice)
    assert alice.post("/language", data={"language": "pt", "next": "/nope"}).location == "/nope"
    assert 'lang="pt-BR"' in alice.get("/nope").text


@pytest.mark.parametrize(
    ("language", "name"),
    [("en", "Renewal Portal"), ("pl", "Portal odnowień"), ("pt", "Portal de renovações")],
)
def test_the_product_is_named_in_each_language(browse, language, name):
    assert f"· {name}</title>" in browse().get(f"/sign-in?lang={language}").text


@pytest.mark.settings(name="Acme & Sons")
@pytest.mark.parametrize("language", ["en", "pl"])
def test_or_as_the_operator_calls_it(browse, language):
    page = browse().get(f"/sign-in?lang={language}").text
    assert "· Acme &amp; Sons</title>" in page
    assert "Portal" not in page


@pytest.mark.parametrize("address", ["/nope", "/sign-in", "/", "/healthz"])
def test_headers_hold_the_page_to_itself(browse, address):
    headers = browse().get(address).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"].endswith("; charset=utf-8")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    # It would sign people out of the intranet around the portal.
    assert "Clear-Site-Data" not in headers


def test_files_are_for_our_own_pages(app, browse):
    with browse().get(f"/static/{app.extensions['statics']['portal.css']}") as styles:
        assert styles.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert styles.headers["X-Content-Type-Options"] == "nosniff"
        assert styles.headers["Content-Security-Policy"] == "frame-ancestors 'none'"


@everywhere
@pytest.mark.parametrize(
    ("headers", "status", "header"),
    [
        ({"Referer": "http://localhost/partner/clients/1/edit?x=1"}, 303, "Location"),
        (
            {"HX-Request": "true", "HX-Current-URL": "http://localhost/partner/clients/1/edit?x=1"},
            401,
            "HX-Redirect",
        ),
    ],
)
def test_who_saves_signed_out_comes_back_to_the_page(browse, headers, status, header):
    eve = browse()
    answer = eve.post("/settings/partners/default", headers=headers)
    assert answer.status_code == status
    assert answer.headers[header] == "/sign-in?next=/partner/clients/1/edit?x%3D1"
    assert "You are signed out, and nothing was saved." in eve.get("/sign-in").text


@pytest.mark.parametrize("address", ["", "http://[", "http://here//elsewhere.example", "nonsense"])
def test_a_broken_address_to_come_back_to_is_the_first_page(browse, address):
    headers = {"HX-Request": "true", "HX-Current-URL": address}
    answer = browse().post("/settings/partners/default", headers=headers)
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/"


def test_the_switcher_on_a_refused_form_leads_back_to_the_page_that_it_stands_on(browse, cast):
    answer = browse(cast.alice).post(
        "/settings/partners/schedule",
        data={"decided_1": "x"},
        headers={"Referer": "http://localhost/settings/partners"},
    )
    assert answer.status_code == 422
    assert 'name="next" value="/settings/partners"' in answer.text
    assert 'value="/settings/partners/schedule"' not in answer.text


def test_the_switcher_forgets_a_language_that_the_address_asks_for(browse):
    page = browse().get("/help/renewal-owners?lang=pl").text
    assert 'name="next" value="/help/renewal-owners"' in page


@pytest.mark.settings(base_url="https://portal.example")
def test_the_language_of_who_is_signed_out_is_kept_for_this_host(browse):
    eve = browse()
    answer = eve.post("/language", data={"language": "pl"}, base_url="https://portal.example")
    (cookie,) = (one for one in answer.headers.getlist("Set-Cookie") if "language" in one)
    name, *attributes = cookie.split("; ")
    assert name == "__Host-portal_language=pl"
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    page = eve.get("/nope", base_url="https://portal.example")
    assert page.headers["Content-Language"] == "pl"


def test_every_page_of_who_is_signed_in_leads_out(app, browse, cast, values):
    """By a form of the bar on top, on each page but the one that is shown beside an intranet's own menus."""
    readers = {cast.alice, cast.dana}
    pages_seen = 0
    for reader, url in pages(app, cast, values):
        if url == "/upcoming":
            continue
        answer = browse(reader).get(url)
        if reader in readers and answer.status_code == 200 and "<body" in answer.text:
            assert 'action="/sign-out"' in answer.text, url
            pages_seen += 1
    assert pages_seen > 20
