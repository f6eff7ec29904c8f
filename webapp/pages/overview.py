"""The figures of To do and its twelve months, each a link that narrows the queue, as the page shows them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp import typography
from webapp.domain.months import add_months
from webapp.domain.ownership import Owner
from webapp.domain.todo import DAY, Figure
from webapp.labels.codes import owner_name
from webapp.pages import bars, listing
from webapp.pages.bars import Bar
from webapp.pages.frame import language
from webapp.services.lists.finding import MOST_COUNTED
from webapp.services.lists.todo_figures import MonthBar, Overview
from webapp.services.lists.todo_query import ToDoQuery

ENDPOINT = "todo.index"


@dataclass(frozen=True, slots=True)
class Measure:
    """One of the things that the picture can show, and its link."""

    code: str
    text: str
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class MonthLink:
    """A bar of the picture and its link, if the month has renewals, in whatever currency."""

    bar: Bar
    url: str | None
    chosen: bool


def overview_context(query: ToDoQuery, overview: Overview) -> dict[str, Any]:
    """Gather the values of templates/todo/_figures.html. A currency that no month has is none."""
    money = query.bars if query.bars in overview.currencies else None
    drawn = draw(overview.months, money)
    return {
        "query": query,
        "figures": overview.figures,
        "figure_urls": {figure: toggled(query, "figure", figure) for figure in Figure},
        "number": at_most,
        "month_end": last_day(overview.months[0].month),
        "quarter_note": quarter_note(overview),
        "owners": {owner: owner_words(owner) for owner in bars.ORDER},
        "measures": list(measures(query, overview, money)),
        "months": [
            month_link(query, bar, one.count > 0)
            for bar, one in zip(drawn, overview.months, strict=True)
        ],
        "height": bars.HEIGHT,
        "money": money,
    }


def month_link(query: ToDoQuery, bar: Bar, renews: bool) -> MonthLink:
    """Make the link of a month, unless there is nothing to show. From the one that is chosen it leads back."""
    chosen = bar.month == query.month
    return MonthLink(bar, toggled(query, "month", bar.month) if renews or chosen else None, chosen)


def draw(months: tuple[MonthBar, ...], currency: str | None) -> list[Bar]:
    """Draw the numbers of renewals, or their sums in a currency."""
    code = language()
    if currency is None:
        return bars.draw([(one.month, one.counts) for one in months], str, str)

    def words(amount: Decimal | int) -> str:
        return typography.money(Decimal(amount), currency, code)

    def figure(amount: Decimal | int) -> str:
        return typography.compact(Decimal(amount), code)

    nothing: dict[Owner, Decimal] = {}
    shares = [(one.month, one.amounts.get(currency, nothing)) for one in months]
    return bars.draw(shares, words, figure)


def measures(query: ToDoQuery, overview: Overview, money: str | None) -> Iterator[Measure]:
    """Yield what the picture can show: the numbers of renewals, or the sums in each currency."""
    yield Measure("count", _("Number"), there(query, bars=""), money is None)
    for currency in overview.currencies:
        yield Measure(currency, currency, there(query, bars=currency), money == currency)


def toggled(query: ToDoQuery, field: str, value: Figure | date) -> str:
    """Make the address that narrows by a figure or a month alone, or if it does so already, no more.

    They count all renewals of the partner, so a filter beside them would show fewer than they say.
    """
    if getattr(query, field) == value:
        return there(query, **{field: None, "section": None})
    return there(ToDoQuery(bars=query.bars), **{field: value})


def quarter_note(overview: Overview) -> str:
    """Tell which quarter it is, and what its sums are made of."""
    first = overview.months[0].month
    start = first.replace(month=first.month - (first.month - 1) % 3)
    code, without = language(), overview.figures.quarter_without
    ends = (typography.short_month(start, code), typography.short_month(last_day(start, 3), code))
    parts = [f"{'–'.join(ends)} {first.year}", _("per term, as entered")]
    if without:
        parts.append(ngettext("%(num)d without an amount", "%(num)d without an amount", without))
    return " · ".join(parts)


def last_day(first: date, months: int = 1) -> date:
    """Return the last day of so many months, the first of which begins on a day."""
    return add_months(first, months, 1) - DAY


def at_most(total: int) -> str:
    """Write a number of rows that are counted up to a limit."""
    return listing.number_of(total) + "+" * (total > MOST_COUNTED)


def there(query: ToDoQuery, **changes: Any) -> str:
    """Make the address of To do with something changed in its query."""
    return listing.address(ENDPOINT, listing.changed(query, **changes))


def owner_words(owner: Owner) -> str:
    return owner_name(owner, current_app.config["PORTAL"].vendor_name)
