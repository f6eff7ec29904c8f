"""Whatever changes something is asked for by our own pages alone, beside the token."""

import pytest

from webapp.models import User, db

OURS, FOREIGN = "http://localhost", "https://evil.example"


@pytest.fixture
def language(app, cast, browse):
    """Let Alice's browser switch her language with these headers: the answer, and the language then."""

    def switch(**headers):
        alice = browse(cast.alice)
        answer = alice.post("/language", data={"language": "pl"}, headers=headers)
        with app.app_context():
            stored = db.session.get_one(User, cast.alice).language
            db.session.remove()
        return answer, stored

    return switch


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "made-up"},
        {"Sec-Fetch-Site": "cross-site", "Origin": OURS},
        {"Origin": FOREIGN},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://evil.example/localhost"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "http://["},
        {"Origin": "localhost"},
    ],
    ids=str,
)
def test_another_site_changes_nothing(language, headers):
    answer, stored = language(**headers)
    assert answer.status_code == 403
    assert "This request came from another site" in answer.text
    assert stored is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": OURS},
        {"Sec-Fetch-Site": "none"},
        # A browser that hides where it comes from still says that it is here.
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": OURS},
    ],
    ids=str,
)
def test_our_own_pages_do(language, headers):
    answer, stored = language(**headers)
    assert (answer.status_code, stored) == (303, "pl")


@pytest.mark.parametrize("language_of_page", ["pl", "pt"])
def test_it_is_told_in_the_readers_language(browse, language_of_page):
    headers = {"Sec-Fetch-Site": "cross-site", "Accept-Language": language_of_page}
    text = browse().post("/sign-in", headers=headers).text
    assert {"pl": "z innej witryny", "pt": "de outro site"}[language_of_page] in text


def test_whoever_comes_from_another_site_may_look(browse):
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": FOREIGN}
    assert browse().get("/sign-in", headers=headers).status_code == 200


@pytest.mark.settings(base_url="https://intranet.example/renewals", proxies=1)
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://intranet.example", 303),
        ("https://outer.example", 303),
        ("https://127.0.0.1:8000", 403),
        (FOREIGN, 403),
    ],
)
def test_behind_a_proxy_it_is_where_people_reach_the_portal(cast, browse, origin, status):
    """The base URL, or what the trusted proxy says; not the name by which the proxy reaches the portal."""
    headers = {"Host": "127.0.0.1:8000", "X-Forwarded-Host": "outer.example", "Origin": origin}
    alice = browse(cast.alice)
    assert alice.post("/language", data={"language": "pl"}, headers=headers).status_code == status


@pytest.mark.settings(proxies=1)
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0a1b2c3d-from_the.proxy", True),
        ("short", False),
        ("x" * 65, False),
        ("a b c d e f", False),
    ],
)
def test_a_request_keeps_the_id_of_the_proxy_in_front(browse, given, kept):
    answer = browse().get("/nope", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is kept
    assert answer.headers["X-Request-ID"] in answer.text


def test_a_strangers_id_of_a_request_does_not_count(browse):
    answer = browse().get("/nope", headers={"X-Request-ID": "0a1b2c3d4e5f6a7b"})
    assert answer.headers["X-Request-ID"] != "0a1b2c3d4e5f6a7b"
