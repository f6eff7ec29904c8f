"""The pairs of colours: the portal's own hold in both schemes, and one that is too close is named."""

import pytest

from webapp.theme import pairs, stylesheet
from webapp.theme.colours import SCHEMES


def found(declarations, scheme):
    values, problems = stylesheet.read_theme(f":root {{ {declarations} }}")
    assert problems == []
    return list(pairs.faults(stylesheet.colours(values, scheme), scheme))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_portals_own_colours_hold(scheme):
    assert found("", scheme) == []
    ratio, pair = pairs.closest(stylesheet.colours({}, scheme))
    assert (pair.token, ratio > 4.5) == ("--muted", True)


def test_one_accent_for_both_schemes_is_too_dark_in_the_dark():
    assert found("--accent: #5a2ca0", "light") == []
    accent, strong, ink = found("--accent: #5a2ca0", "dark")
    assert accent.startswith("--accent (#5a2ca0) in dark has 1.9:1 on --surface (#11191e), ")
    assert accent.endswith("; 4.5:1 is needed")
    assert strong.startswith("--accent-strong (#6f49ac) in dark has 2.7:1 on --surface")
    assert ink.startswith("--accent-ink (#06201e) in dark has 1.8:1 on --accent (#5a2ca0)")


@pytest.mark.parametrize(
    ("declarations", "names"),
    [
        ("--ink: #777777", ["--ink", "--edge"]),
        ("--muted: #888888", ["--muted"]),
        ("--accent-ink: #999999", ["--accent-ink"]),
        ("--good: #2a9d5c", ["--good"]),
        ("--warn: orange", ["--warn"]),
        ("--bad: tomato", ["--bad"]),
        ("--good-soft: #1a6b42", ["--ink", "--accent", "--accent-strong", "--good"]),
        ("--edge: #aaaaaa", ["--edge"]),
        ("--edge: #8b8b8b", []),
    ],
)
def test_each_use_is_looked_at(declarations, names):
    assert [fault.split()[0] for fault in found(declarations, "light")] == names


def test_what_shines_through_has_no_contrast():
    assert found("--accent-ink: rgb(255 255 255 / 90%)", "light") == [
        "--accent-ink is transparent in light, so that no contrast holds"
    ]


@pytest.mark.parametrize(("ratio", "text"), [(4.49, "4.4"), (4.5, "4.5"), (21.0, "21.0")])
def test_a_ratio_is_not_rounded_up(ratio, text):
    assert pairs.floored(ratio) == text
