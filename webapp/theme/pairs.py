"""The pairs of colours that pages put together: which token stands on which ground, and the contrast that it needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from webapp.theme.colours import Colour, contrast

# WCAG 2.2, 1.4.3 (AA) for text, and 1.4.11 for the edge by which a field is seen.
OF_TEXT, OF_EDGES = 4.5, 3.0
PLAIN = ("--surface", "--raised", "--quiet")
MESSAGES = ("--good-soft", "--warn-soft", "--bad-soft")
# As the stylesheets have them; tests/browser/test_themes.py compares it with what browsers draw.
GROUNDS = {
    "--ink": (*PLAIN, "--accent-soft", *MESSAGES),
    "--muted": (*PLAIN, "--accent-soft"),
    "--accent": (*PLAIN, "--accent-soft", *MESSAGES),
    "--accent-strong": (*PLAIN, "--accent-soft", *MESSAGES),
    "--accent-ink": ("--accent", "--accent-strong"),
    "--good": ("--good-soft",),
    "--warn": ("--warn-soft",),
    "--bad": (*PLAIN, "--bad-soft"),
}
EDGES = {"--edge": ("--surface", "--raised")}
Colours = Mapping[str, Colour]


@dataclass(frozen=True, slots=True)
class Pair:
    """One token on the ground of another, and the least contrast that they may have."""

    token: str
    ground: str
    least: float

    def __str__(self) -> str:
        return f"{self.token} on {self.ground}"


PAIRS = tuple(
    Pair(token, ground, least)
    for table, least in ((GROUNDS, OF_TEXT), (EDGES, OF_EDGES))
    for token, grounds in table.items()
    for ground in grounds
)


def faults(colours: Colours, scheme: str) -> Iterator[str]:
    """Name the pairs whose contrast is too low in a scheme whose colours these are, those of a token together."""
    seen_through = {
        name for pair in PAIRS for name in (pair.token, pair.ground) if colours[name].alpha < 1
    }
    for name in sorted(seen_through):
        yield f"{name} is transparent in {scheme}, so that no contrast holds"
    clear = [pair for pair in PAIRS if not {pair.token, pair.ground} & seen_through]
    for (token, least), group in groupby(clear, lambda pair: (pair.token, pair.least)):
        low = [pair for pair in group if ratio_of(pair, colours) < least]
        if low:
            told = ", ".join(
                f"{floored(ratio_of(pair, colours))}:1 on {pair.ground} ({colours[pair.ground]})"
                for pair in low
            )
            yield f"{token} ({colours[token]}) in {scheme} has {told}; {least:g}:1 is needed"


def ratio_of(pair: Pair, colours: Colours) -> float:
    return contrast(colours[pair.token], colours[pair.ground])


def closest(colours: Colours) -> tuple[float, Pair]:
    """Find the pair of a text that has the least contrast."""
    of_text = [pair for pair in PAIRS if pair.least == OF_TEXT]
    found = min(of_text, key=lambda pair: ratio_of(pair, colours))
    return ratio_of(found, colours), found


def floored(ratio: float) -> str:
    """Write a contrast with one digit, never as more than it is: 4.49 is not 4.5."""
    return f"{int(ratio * 10) / 10}"
