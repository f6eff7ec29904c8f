"""The theme of docs/embedding.md, cut out of it, can be used; the one that it calls refused is refused."""

import pytest

from tests.support.recipes import recipe, snippet
from webapp.theme import reading


def test_the_theme_of_the_document_can_be_used(tmp_path):
    (tmp_path / "theme.css").write_text(snippet("A theme", "css"))
    (tmp_path / "logo.svg").write_text(snippet("A theme", "svg"))
    theme = reading.read(tmp_path)
    assert theme.tokens == ("--accent", "--accent-ink", "--font", "--radius")
    assert set(theme.closest) == {"light", "dark"}
    assert set(theme.files) == {"theme.css", "logo.svg"}


def test_what_the_document_calls_refused_is_refused(tmp_path):
    accent = "--accent: #5a2ca0;"
    assert f"`{accent}` for\n  both schemes is refused: it has 1.9:1" in recipe("A theme").text
    (tmp_path / "theme.css").write_text(f":root {{ {accent} }}")
    with pytest.raises(
        reading.UnfitTheme, match=r"--accent \(#5a2ca0\) in dark has 1\.9:1 on --surface"
    ):
        reading.read(tmp_path)
