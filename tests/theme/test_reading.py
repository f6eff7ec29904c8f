"""A theme is a folder with two files, both optional; it is used whole or refused with all its faults."""

from pathlib import Path

import pytest

from webapp.theme import reading

THEMES = Path(__file__).parent.parent / "data" / "themes"
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>'


def refused(folder):
    with pytest.raises(reading.UnfitTheme) as caught:
        reading.read(folder)
    return caught.value.faults


@pytest.mark.parametrize("theme", sorted(THEMES.iterdir()), ids=lambda path: path.name)
def test_the_themes_of_the_browser_tests_are_fit(theme):
    read = reading.read(theme)
    assert set(read.files) == {"theme.css", "logo.svg"}
    assert "--accent" in read.tokens
    assert all(ratio > 4.5 for ratio, _ in read.closest.values())


def test_either_file_is_enough(tmp_path):
    (tmp_path / "theme.css").write_text("\ufeff:root { --radius: 2px }", encoding="utf-8")
    assert reading.read(tmp_path).files == {"theme.css": b":root{--radius:2px}"}
    (tmp_path / "theme.css").unlink()
    (tmp_path / "logo.svg").write_text(LOGO)
    assert reading.read(tmp_path).files == {"logo.svg": LOGO.encode()}


def test_only_what_was_read_is_served(tmp_path):
    (tmp_path / "theme.css").write_text("/* </style> */ :root { --radius : 2px /* x */; }")
    assert reading.read(tmp_path).files["theme.css"] == b":root{--radius:2px}"


def test_the_faults_of_both_files_are_named(tmp_path):
    (tmp_path / "theme.css").write_text(":root { --brand: red }")
    (tmp_path / "logo.svg").write_text("<html/>")
    assert [fault.split(":")[0] for fault in refused(tmp_path)] == [
        "logo.svg, line 1",
        "theme.css, line 1",
    ]


@pytest.mark.parametrize(
    "source",
    [
        f"{'(' * 2000}{')' * 2000} {{}}",
        f":root {{ --accent: {'f(' * 2000}",
        f":root {{ --accent: {'[' * 99_000}",
    ],
    ids=["selector", "functions", "brackets"],
)
def test_what_is_nested_too_deep_is_refused(tmp_path, source):
    (tmp_path / "theme.css").write_text(source)
    (tmp_path / "logo.svg").write_text("<html/>")
    assert refused(tmp_path)[1:] == ["theme.css: brackets are nested too deep"]


def test_what_is_not_there_is_refused(tmp_path):
    assert refused(tmp_path / "none") == [f"there is no folder {tmp_path / 'none'}"]
    assert refused(tmp_path) == [f"there is neither theme.css nor logo.svg in {tmp_path}"]


def test_what_can_not_be_read_is_refused(tmp_path):
    (tmp_path / "theme.css").write_bytes("/* ß */".encode("latin-1"))
    (tmp_path / "logo.svg").write_text(" " * 200_001)
    assert refused(tmp_path) == [
        "theme.css: is no text in UTF-8",
        "logo.svg: is longer than 200,000 bytes",
    ]
    (tmp_path / "theme.css").unlink()
    (tmp_path / "theme.css").mkdir()
    assert refused(tmp_path)[0] == "theme.css: Is a directory"
