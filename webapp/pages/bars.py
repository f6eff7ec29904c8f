"""The picture of the next twelve months on To do: a bar for each, of the two owners' shares.

The page draws the bars as SVG. Their sizes are attributes, since the content policy lets no style stand in a page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from webapp.domain.ownership import Owner

# In pixels: the picture, and the room above a bar for its figure.
HEIGHT, HEAD = 160, 18
# However little it is, it is seen.
LEAST = 3
GAP = 2
# From below.
ORDER = (Owner.PARTNER, Owner.VENDOR)

Shares = Mapping[Owner, Decimal | int]


@dataclass(frozen=True, slots=True)
class Share:
    """One owner's share of a bar: its value in words, and where it is drawn."""

    owner: Owner
    text: str
    top: int
    height: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One month. ``figure``: the short one above it. ``top``: where the bar ends. ``empty``: nothing is there."""

    month: date
    shares: tuple[Share, ...]
    text: str
    figure: str
    top: int

    @property
    def empty(self) -> bool:
        return not any(share.height for share in self.shares)


def draw(
    months: Sequence[tuple[date, Shares]],
    words: Callable[[Decimal | int], str],
    figure: Callable[[Decimal | int], str],
) -> list[Bar]:
    """Draw the months, the highest as high as the picture. ``words`` and ``figure`` write a value, long and short."""
    most = max((total(shares) for _month, shares in months), default=0)
    return [bar(month, shares, most, words, figure) for month, shares in months]


def bar(
    month: date,
    shares: Shares,
    most: Decimal | int,
    words: Callable[[Decimal | int], str],
    figure: Callable[[Decimal | int], str],
) -> Bar:
    """Draw one month: the owners' shares, one upon the other."""
    drawn, ground = [], HEIGHT
    for owner in ORDER:
        value = shares.get(owner, 0)
        height = max(LEAST, round((HEIGHT - HEAD - GAP) * value / most)) if value else 0
        drawn.append(Share(owner, words(value), ground - height, height))
        ground -= height + (GAP if height else 0)
    value = total(shares)
    top = min((share.top for share in drawn if share.height), default=HEIGHT)
    return Bar(month, tuple(drawn), words(value), figure(value), top)


def total(shares: Shares) -> Decimal | int:
    return sum(shares.values())
