"""The files that pages load: compressed beforehand, kept for ever, and never the wrong one."""

import gzip
import re

import brotli
import pytest

from tests.support.below import everywhere

ENCODINGS = [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("identity", None), ("", None)]


@pytest.fixture
def stylesheet(browse):
    [address] = re.findall(r'rel="stylesheet" href="([^"]+)"', browse().get("/sign-in").text)
    return address


@everywhere
@pytest.mark.parametrize(("accepted", "encoding"), ENCODINGS)
def test_a_file_is_as_small_as_its_reader_allows(browse, stylesheet, accepted, encoding):
    with browse().get(stylesheet, headers={"Accept-Encoding": accepted}) as answer:
        assert answer.headers.get("Content-Encoding") == encoding
        assert answer.headers["Vary"] == "Accept-Encoding"
        unpack = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding]
        assert b":root{" in unpack(answer.data)
        assert int(answer.headers["Content-Length"]) == len(answer.data)


def test_a_file_is_kept_for_ever_and_believed_to_be_what_it_says(browse, stylesheet):
    assert re.fullmatch(r"/static/portal\.[0-9a-f]{12}\.css", stylesheet)
    with browse().get(stylesheet) as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.mimetype == "text/css"
        assert "Set-Cookie" not in answer.headers


def test_who_has_a_file_is_told_so(browse, stylesheet):
    with browse().get(stylesheet) as answer:
        tag = answer.headers["ETag"]
    answer = browse().get(stylesheet, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")


def test_the_head_of_a_file_is_that_of_the_file(browse, stylesheet):
    with browse().get(stylesheet) as whole:
        head = browse().head(stylesheet)
        assert (head.data, head.headers["Content-Length"]) == (b"", whole.headers["Content-Length"])


@pytest.mark.parametrize(
    "change",
    [
        lambda address: f"{address}.gz",
        lambda address: re.sub(r"\.[0-9a-f]{12}\.", ".", address),
        lambda address: re.sub(r"\.[0-9a-f]{12}\.", ".000000000000.", address),
    ],
    ids=["compressed", "without its hash", "of another time"],
)
def test_nothing_else_stands_there(browse, stylesheet, change):
    answer = browse().get(change(stylesheet))
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", ["/static/", "/static", "/.git/config", "/static/portal.js"])
def test_there_are_no_listings_and_no_sources(browse, address):
    assert browse().get(address).status_code == 404
