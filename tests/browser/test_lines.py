"""The gate for texts: it finds each fault that it is for, and lets alone what is not ours."""

import pytest

from tests.browser.lines import badly_set
from tests.support.browser import opened

NBSP = "\N{NO-BREAK SPACE}"
TEXTS = [
    ("<p>Zapisano w domu</p>", ["Zapisano w domu"]),
    (f"<p>Zapisano w{NBSP}domu</p>", []),
    ("<p>Zapisano i <b>wysłano</b></p>", ["Zapisano i X"]),
    ("<p>za 12 dni</p>", ["za 12 dni"]),
    (f"<p>1{NBSP}gru{NBSP}2026 <small>za{NBSP}3{NBSP}dni</small></p>", []),
    ('<p>"Tak"</p><p>Tak - nie</p><p>Tak...</p>', ['"Tak"', "Tak - nie", "Tak..."]),
    ("<p>Wersja , 5</p>", ["Wersja , 5"]),
    ("<details><summary>Menu</summary>Adres w sieci</details>", ["Adres w sieci"]),
    ("<p hidden>Adres w sieci</p><pre>w sieci</pre><p lang='en'>w sieci</p>", []),
    ("<input placeholder='Adres w sieci'>", ["Adres w sieci"]),
    ("<p>Klient: Hotel w Lesie</p>", []),
]


@pytest.mark.parametrize(("body", "found"), TEXTS)
def test_each_fault_is_found(browser, body, found):
    with opened(browser, "http://127.0.0.1") as page:
        page.set_content(f"<!doctype html><title>t</title><body>{body}")
        assert list(badly_set(page, "pl", ["Hotel w Lesie"])) == found
