"""Colours as stylesheets write them, told beforehand for each colour scheme, and the contrast of two."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinycss2 import color4

SCHEMES = ("light", "dark")
# All that CSS has for sRGB, which is what WCAG computes with.
FUNCTIONS = {"rgb", "rgba", "hsl", "hsla", "hwb"}
# tinycss2 has no types.
Tokens = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour in sRGB: each number from 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0

    def __str__(self) -> str:
        shown = (self.red, self.green, self.blue, *([self.alpha] if self.alpha < 1 else []))
        return "#" + "".join(f"{round(255 * one):02x}" for one in shown)


def significant(tokens: Tokens) -> list[Any]:
    """Leave out spaces and comments."""
    return [token for token in tokens if token.type not in ("whitespace", "comment")]


def between_commas(tokens: Tokens) -> list[list[Any]]:
    """Take a list apart at its commas, without spaces and comments."""
    parts: list[list[Any]] = [[]]
    for token in significant(tokens):
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def words(tokens: Tokens) -> list[str]:
    """Return the words of a value in small letters; in place of anything else stands an empty one."""
    return [getattr(token, "lower_value", "") for token in significant(tokens)]


def read(tokens: Tokens, scheme: str) -> Colour | None:
    """Read a value as it is in one colour scheme; None if it is no colour that can be told beforehand.

    A value with ``light-dark()`` (CSS Color 5, 9) is a colour only if both of its sides are.
    """
    parts = significant(tokens)
    if len(parts) != 1:
        return None
    [part] = parts
    if part.type != "function":
        return plain(part)
    arguments = between_commas(part.arguments)
    if part.lower_name == "light-dark":
        sides = [read(argument, scheme) for argument in arguments]
        return sides[SCHEMES.index(scheme)] if len(sides) == 2 and all(sides) else None
    if part.lower_name == "color-mix":
        return mixed(arguments, scheme)
    return plain(part) if part.lower_name in FUNCTIONS else None


def plain(part: Any) -> Colour | None:
    """Read a word, #rrggbb or a function; None for what depends on its place or on the reader's system."""
    found = color4.parse_color(part)
    if not isinstance(found, color4.Color):
        return None
    srgb = found.to("srgb")
    red, green, blue = (min(max(one, 0.0), 1.0) for one in srgb.coordinates)
    return Colour(red, green, blue, srgb.alpha)


def mixed(arguments: list[list[Any]], scheme: str) -> Colour | None:
    """Mix two colours as ``color-mix(in srgb, …)`` does: CSS Color 5, 3.1 and 3.2."""
    if len(arguments) != 3 or words(arguments[0]) != ["in", "srgb"]:
        return None
    colours, shares = [], []
    for argument in arguments[1:]:
        percentages = [token.value / 100 for token in argument if token.type == "percentage"]
        colours.append(read([one for one in argument if one.type != "percentage"], scheme))
        shares.append(percentages[0] if percentages else None)
        if len(percentages) > 1 or not 0 <= (shares[-1] or 0) <= 1:
            return None
    weights = full(shares)
    first, second = colours
    if first is None or second is None or not sum(weights):
        return None
    return blend(first, second, weights)


def full(shares: list[float | None]) -> tuple[float, float]:
    """Give the one that says no share what the other leaves, or half to each."""
    first, second = shares
    if first is None:
        first = 0.5 if second is None else 1 - second
    return first, 1 - first if second is None else second


def blend(first: Colour, second: Colour, weights: tuple[float, float]) -> Colour:
    """Mix by weights. A more transparent one counts less; weights that don't make a whole leave it transparent."""
    total = sum(weights)
    parts = [
        (colour, weight / total) for colour, weight in zip((first, second), weights, strict=True)
    ]
    alpha = sum(colour.alpha * weight for colour, weight in parts)
    red, green, blue = (
        sum(getattr(colour, name) * colour.alpha * weight for colour, weight in parts)
        / (alpha or 1)
        for name in ("red", "green", "blue")
    )
    return Colour(red, green, blue, alpha * min(total, 1.0))


def luminance(colour: Colour) -> float:
    """Compute the relative luminance, from 0 (black) to 1 (white): WCAG 2.2, definition of the same name."""
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4
        for one in (colour.red, colour.green, colour.blue)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Compute the contrast of two opaque colours, from 1 to 21: WCAG 2.2, definition of contrast ratio."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
