"""The figures of To do, and its twelve months: the partner's as a whole, whatever narrows the queue below them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from webapp.domain.ownership import Owner


@dataclass(frozen=True, slots=True)
class Money:
    """The sum of some renewals in one currency, each per term, as entered. ``count``: their number."""

    currency: str
    amount: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The three figures. ``past`` and ``this_month``: numbers up to MOST_COUNTED + 1 for "more".

    ``quarter``: the sums of what renews in this calendar quarter, most renewals first. ``quarter_count``: the number
    of these renewals, ``quarter_without`` that of those without an amount.
    """

    past: int
    this_month: int
    quarter: tuple[Money, ...]
    quarter_count: int
    quarter_without: int


@dataclass(frozen=True, slots=True)
class MonthBar:
    """The renewals of one calendar month by effective owner: their numbers, and the sums by currency.

    ``month``: its first day. All owners are keys of each inner mapping.
    """

    month: date
    counts: Mapping[Owner, int]
    amounts: Mapping[str, Mapping[Owner, Decimal]]

    @property
    def count(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Overview:
    """The figures, and twelve months from this one on. ``currencies``: those that occur there, most renewals first."""

    figures: Figures
    months: tuple[MonthBar, ...]
    currencies: tuple[str, ...]
