"""Plain text is stored as people wrote it, but for what nobody sees."""

import pytest

from webapp.domain.plain_text import InvisibleError, laid_out, paragraphs


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("", ""),
        (" \r\n\t\r\n ", ""),
        ("One line", "One line"),
        ("  Two\r\nlines  ", "Two\nlines"),
        ("A paragraph\n\n\n\nand another\n\n", "A paragraph\n\nand another"),
        ("Tel.:\t+48  42\u00a0000", "Tel.: +48 42 000"),
        ("{{ name }} %(name)s {name}", "{{ name }} %(name)s {name}"),
        ("Żółć & <b> 👩‍💼", "Żółć & <b> 👩‍💼"),
    ],
)
def test_lines_stay_and_spaces_are_single(written: str, stored: str) -> None:
    assert laid_out(written) == stored
    assert laid_out(stored) == stored


@pytest.mark.parametrize(
    "char",
    ["\x00", "\x1b", "\r", "\x0b", "\x0c", "\x85", "\xad", "\u200b", "\u2028", "\u202e", "\ufeff"],
)
def test_a_character_that_nobody_sees_is_named_by_its_line(char: str) -> None:
    with pytest.raises(InvisibleError) as error:
        laid_out(f"One\r\ntwo{char}and\nthree")
    assert error.value.line == 2


def test_empty_lines_part_paragraphs() -> None:
    assert paragraphs(("One", "two", "", "", "three")) == (("One", "two"), ("three",))
    assert paragraphs(("", "One", "")) == (("One",),)
    assert paragraphs(()) == ()
