"""Colours as browsers read them, and their contrast as WCAG computes it."""

import pytest
import tinycss2
from hypothesis import given
from hypothesis import strategies as st

from webapp.theme.colours import SCHEMES, Colour, contrast, read

BLACK, WHITE = Colour(0, 0, 0), Colour(1, 1, 1)
PARTS = st.floats(0, 1)
COLOURS = st.builds(Colour, PARTS, PARTS, PARTS)


def told(value, scheme="light"):
    colour = read(tinycss2.parse_component_value_list(value), scheme)
    return None if colour is None else str(colour)


@pytest.mark.parametrize(
    ("value", "hexadecimal"),
    [
        ("#5a2ca0", "#5a2ca0"),
        (" /* ours */ #5A2CA0 ", "#5a2ca0"),
        ("#abc", "#aabbcc"),
        ("teal", "#008080"),
        ("rgb(90, 44, 160)", "#5a2ca0"),
        ("rgb(90 44 160 / 50%)", "#5a2ca080"),
        ("rgba(35%, 17%, 63%, 1)", "#592ba1"),
        ("rgb(300 -5 0)", "#ff0000"),
        ("hsl(264 57% 40%)", "#5a2ca0"),
        ("hwb(264 17% 37%)", "#5a2ba1"),
        ("transparent", "#00000000"),
        ("light-dark(#111111, #222222)", "#111111"),
        ("light-dark(light-dark(#111111, red), #222222)", "#111111"),
        # The examples of CSS Color 5, 3.2, and both ways to write a share.
        ("color-mix(in srgb, white, black)", "#808080"),
        ("color-mix(in srgb, white 25%, black)", "#404040"),
        ("color-mix(in srgb, white, 25% black)", "#bfbfbf"),
        ("color-mix(in srgb, white 30%, black 10%)", "#bfbfbf66"),
        ("color-mix(in srgb, white 300%, black)", None),
        ("color-mix(in srgb, white 0%, black 0%)", None),
        ("color-mix(in srgb, rgb(255 0 0 / 50%), blue)", "#5500aabf"),
        ("color-mix(in srgb, transparent, transparent)", "#00000000"),
        ("color-mix(in oklab, white, black)", None),
        ("color-mix(in srgb, white)", None),
        ("color-mix(in srgb, 5% white 5%, black)", None),
        # What depends on its place, on the system, or can't be told in sRGB.
        ("currentcolor", None),
        ("CanvasText", None),
        ("oklch(60% 0.1 200)", None),
        ("color(display-p3 1 0 0)", None),
        ("color()", None),
        ("rgb()", None),
        ("light-dark(#111111)", None),
        ("light-dark(#111111, sunny)", None),
        ("#11111", None),
        ("red blue", None),
        ("12px", None),
        ("", None),
    ],
)
def test_a_value_is_the_colour_that_browsers_see(value, hexadecimal):
    assert told(value) == hexadecimal


def test_each_scheme_has_its_own_side():
    value = "color-mix(in srgb, light-dark(white, black) 50%, light-dark(#000000, #ff0000))"
    assert [told(value, scheme) for scheme in SCHEMES] == ["#808080", "#800000"]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21),
        ("#ffffff", "#ffffff", 1),
        # Known from WCAG's techniques and tools: the lightest grey on white that passes, the first that fails.
        ("#767676", "#ffffff", 4.54),
        ("#777777", "#ffffff", 4.48),
        ("#0000ff", "#ffffff", 8.59),
        ("#ff0000", "#ffffff", 4.0),
        ("#5a2ca0", "#11191e", 1.95),
    ],
)
def test_known_contrasts(one, other, ratio):
    found = contrast(*(read(tinycss2.parse_component_value_list(c), "light") for c in (one, other)))
    assert found == pytest.approx(ratio, abs=0.005)


@given(COLOURS, COLOURS)
def test_contrast_looks_the_same_from_both_sides_and_has_its_bounds(one, other):
    assert contrast(one, other) == contrast(other, one)
    assert 1 <= contrast(one, other) <= contrast(BLACK, WHITE) == pytest.approx(21)


@given(COLOURS, PARTS)
def test_a_darker_text_stands_out_more_on_white(colour, share):
    darker = Colour(colour.red * share, colour.green * share, colour.blue * share)
    assert contrast(darker, WHITE) >= contrast(colour, WHITE)


@given(st.text(alphabet="rgbhslwcolmix-() ,/%0123456789#nedrau.'\"\\{}", max_size=60))
def test_no_text_breaks_the_reader(value):
    for scheme in SCHEMES:
        assert told(value, scheme) is None or told(value, scheme).startswith("#")
