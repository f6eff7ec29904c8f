"""Pages are compressed for whoever takes it, and never when another site asked."""

import gzip

import pytest

OURS = {"Sec-Fetch-Site": "same-origin", "Accept-Encoding": "gzip, deflate, br, zstd"}


@pytest.mark.parametrize("asked_by", ["none", "same-origin"])
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "fragment"])
def test_what_we_or_our_reader_asked_for_is_compressed(cast, browse, asked_by, headers):
    alice = browse(cast.alice)
    plain = alice.get("/partner/dashboard", headers=headers)
    answer = alice.get("/partner/dashboard", headers=headers | OURS | {"Sec-Fetch-Site": asked_by})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < len(plain.data) / 2
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert gzip.decompress(answer.data).count(b"<tr>") == plain.data.count(b"<tr>") > 0


@pytest.mark.parametrize(
    "headers",
    [
        OURS | {"Sec-Fetch-Site": "cross-site"},
        OURS | {"Sec-Fetch-Site": "same-site"},
        {"Accept-Encoding": "gzip"},
        OURS | {"Accept-Encoding": "br"},
        OURS | {"Accept-Encoding": "gzip;q=0"},
    ],
    ids=["another site", "a neighbour", "nobody knows who", "without gzip", "gzip refused"],
)
def test_other_answers_are_as_long_as_they_are(cast, browse, headers):
    answer = browse(cast.alice).get("/partner/dashboard", headers=headers)
    assert "Content-Encoding" not in answer.headers
    assert "</html>" in answer.text
    assert {"Accept-Encoding", "Sec-Fetch-Site"} <= set(answer.vary)


def test_what_is_short_or_no_page_is_left_alone(cast, browse):
    for address in ("/", "/healthz", "/readyz"):
        answer = browse(cast.alice).get(address, headers=OURS)
        assert "Content-Encoding" not in answer.headers, address
