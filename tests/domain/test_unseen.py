"""Nobody sees them: refused everywhere but where a script or an emoji needs them."""

import sys
import unicodedata

import pytest

from webapp.domain.unseen import has_controls, unseen

NEEDED = {
    "Persian: the parts of a name": "علی\u200cرضا",
    "Persian, with vowels": "عَلِی\u200cرِضا",
    "Hindi": "क\u094d\u200cष श\u094d\u200dयाम",
    "Bengali: a joiner before the virama": "র\u200d\u09cdযাচেল",
    "Sinhala": "ශ\u0dca\u200dරී",
    "Japanese: one form of a character": "葛\U000e0100飾",
    "Mongolian": "ᠮ\u180bᠣ",
    "a coloured symbol": "Acme™\ufe0f",
    "an emoji of several": "👩🏽\u200d💻 Studio",
    "a heart on fire": "❤\ufe0f\u200d🔥",
}
REFUSED = {
    "zero width space": "Ana\u200b",
    "Hangul fillers": "\u3164",
    "another of them": "\u115f\u1160\uffa0",
    "right-to-left mark": "Ana\u200f",
    "right-to-left override": "\u202egnp.exe",
    "isolate": "\u2066Ana\u2069",
    "a letter of a tag": "Ana\U000e0041",
    "soft hyphen": "An\u00ada",
    "byte order mark": "\ufeffAna",
    "word joiner": "An\u2060a",
    "an ignorable that is not assigned": "Ana\ufff0",
    "blank of braille": "\u2800",
    "joiner between Latin letters": "A\u200dna",
    "non-joiner between Latin letters": "A\u200cna",
    "non-joiner before an Arabic name": "\u200cعلی",
    "non-joiner behind an Arabic name": "علی\u200c",
    "two non-joiners": "علی\u200c\u200cرضا",
    "joiner alone": "\u200d",
    "joiner beside a virama without a letter": "a\u200d\u094d",
    "selector behind a letter": "Ana\ufe0f",
    "selector of ideographs behind a letter": "A\U000e0100",
    "selector alone": "\ufe0f",
    "grapheme joiner": "a\u034f",
    "a control": "a\x00",
    "a line end": "a\u2028b",
    "half of a character": "a\ud800",
}


@pytest.mark.parametrize("text", NEEDED.values(), ids=NEEDED)
def test_what_writing_needs(text: str) -> None:
    assert not unseen(text)


@pytest.mark.parametrize(
    "text", ["Zoë", "Łukasz", "O’Neil", "Nguyễn", "Ana\u00a0Żak", "ابن سينا", ""]
)
def test_names_without(text: str) -> None:
    assert not unseen(text)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_nobody_sees(text: str) -> None:
    assert unseen(text)
    assert unseen(f"Ana {text}")


def test_every_format_character_of_unicode_is_refused_in_a_latin_name() -> None:
    formats = [chr(n) for n in range(sys.maxunicode) if unicodedata.category(chr(n)) == "Cf"]
    assert [char for char in formats if not unseen(f"A{char}na")] == []


@pytest.mark.parametrize(("text", "has"), [("a\u200bb", False), ("a\nb", True), ("\ue000", False)])
def test_controls_are_told_apart(text: str, has: bool) -> None:
    assert has_controls(text) is has
