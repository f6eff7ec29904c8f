"""A theme's files: found by each page, kept for ever, and harmless when they are opened by themselves."""

import gzip
import re
from pathlib import Path

import brotli
import pytest
from werkzeug.test import Client

THEMES = Path(__file__).parent.parent / "data" / "themes"
pytestmark = pytest.mark.settings(theme_path=str(THEMES / "orange"))


@pytest.fixture
def addresses(browse):
    text = browse().get("/sign-in").text
    stylesheets = re.findall(r'rel="stylesheet" href="([^"]+)"', text)
    [logo] = re.findall(r'<img class="logo" src="([^"]+)" alt="">', text)
    return [*stylesheets, logo]


def test_a_page_has_the_theme_after_its_own_stylesheet(addresses):
    portal, theme, logo = addresses
    assert portal.startswith("/static/portal.")
    assert re.fullmatch(r"/static/theme\.[0-9a-f]{12}\.css", theme)
    assert re.fullmatch(r"/static/logo\.[0-9a-f]{12}\.svg", logo)


def test_both_are_kept_for_ever_and_believed_to_be_what_they_say(browse, addresses):
    for address, mimetype in zip(addresses[1:], ["text/css", "image/svg+xml"], strict=True):
        with browse().get(address) as answer:
            assert answer.mimetype == mimetype
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "Set-Cookie" not in answer.headers


def test_the_logo_runs_and_loads_nothing_where_it_is_a_page(browse, addresses):
    with browse().get(addresses[2]) as answer:
        policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox", "frame-ancestors 'none'"} <= set(policy)
    assert not [one for one in policy if one.startswith("script-src")]


@pytest.mark.parametrize(
    ("accepted", "encodings"),
    [("gzip, deflate, br, zstd", {"br"}), ("gzip", {"gzip"}), ("identity", {None}), ("", {None})],
)
def test_a_file_is_as_small_as_its_reader_allows(browse, addresses, accepted, encodings):
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}
    with browse().get(addresses[2], headers={"Accept-Encoding": accepted}) as answer:
        assert {answer.headers.get("Content-Encoding")} == encodings
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        content = unpack[answer.headers.get("Content-Encoding")](answer.data)
        assert content == (THEMES / "orange" / "logo.svg").read_bytes()


def test_who_has_a_file_is_told_so_and_nobody_changes_it(browse, addresses):
    with browse().get(addresses[1]) as answer:
        tag = answer.headers["ETag"]
    again = browse().get(addresses[1], headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert browse().post(addresses[1]).status_code == 405
    head = browse().head(addresses[1])
    assert (head.status_code, head.data) == (200, b"")


def test_nothing_else_of_the_folder_is_there(browse, addresses):
    for address in ("/static/theme.css", "/static/logo.svg", f"{addresses[1]}.gz"):
        assert browse().get(address).status_code == 404


def test_a_page_without_a_frame_has_the_colours_too(browse, app):
    app.config["TRUSTED_HOSTS"] = ["portal.test"]
    answer = browse().get("/sign-in", base_url="http://elsewhere.test")
    assert answer.status_code == 400
    assert "/static/theme." in answer.text


@pytest.mark.settings(theme_path="")
def test_without_a_theme_a_page_asks_for_none(browse):
    text = browse().get("/sign-in").text
    assert "/static/theme." not in text
    assert 'class="logo"' not in text
    assert 'class="icon icon-brand"' in text


@pytest.mark.settings(base_url="http://portal.test/apps/portal", theme_path=str(THEMES / "orange"))
def test_below_a_path_they_are_there_too(app):
    client = Client(app)
    text = client.get("/apps/portal/sign-in", base_url="http://portal.test").text
    for name in ("theme", "logo"):
        [address] = re.findall(rf'"([^"]+/static/{name}\.[^"]+)"', text)
        assert address.startswith("/apps/portal/static/")
        with client.get(address, base_url="http://portal.test") as answer:
            assert answer.status_code == 200
