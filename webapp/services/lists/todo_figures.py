"""The figures of To do, and its twelve months: the partner's as a whole, whatever narrows the queue below them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    String,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    select,
    true,
    type_coerce,
    union_all,
)

from webapp.domain.months import add_months, month_of, quarter_of
from webapp.domain.ownership import Choice, Owner
from webapp.models import Partner, User
from webapp.models.tables import fetch
from webapp.services import runtime
from webapp.services.lists import finding
from webapp.services.lists.todo_finding import OURS
from webapp.services.sending.todo_items import base, day, subscription

MONTHS, QUARTER = 12, 3
# From the first month of a quarter to the twelfth from its last one on.
SPAN = QUARTER - 1 + MONTHS


@dataclass(frozen=True, slots=True)
class Money:
    """The sum of some renewals in one currency, each per term, as entered. ``count``: their number."""

    currency: str
    amount: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class ToDoFigures:
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

    figures: ToDoFigures
    months: tuple[MonthBar, ...]
    currencies: tuple[str, ...]


def undecided(first: str | None, last: str) -> Any:
    """Count what must be decided within two days, up to MOST_COUNTED + 1."""
    rows = select(subscription.id).where(
        OURS, subscription.renews_itself == false(), base <= day(last)
    )
    return finding.count(rows if first is None else rows.where(base >= day(first)))


def facts_of(number: int, *, many: bool) -> Select[Any]:
    """Select the renewals of one of the months, each with its number, 1, and its amount.

    Of many they are added up for each day, choice and currency, in the order of an index, so that a database sorts
    only these sums.
    """
    renewal, amount = subscription.renewal_date, subscription.amount
    keys = (renewal, subscription.open_choice, subscription.currency)
    one = (literal_column("1", Integer), amount)
    count, total = (func.count(), func.sum(amount)) if many else one
    facts = select(*keys, count.label("count"), total.label("amount"))
    first, end = day(f"month_{number}"), day(f"month_{number + 1}")
    rows = facts.where(OURS, renewal >= first, renewal < end)
    return rows.group_by(*keys) if many else rows


def sums_of(number: int, *, many: bool) -> Select[Any]:
    """Select the sums of one of the months by effective owner (domain.ownership.effective_owner) and currency.

    What has a currency has an amount, and nothing else has (services.clients.subscriptions).
    """
    facts = facts_of(number, many=many).subquery().c
    # As text, which costs less to read.
    owner = case(
        (facts.open_choice == Choice.INHERIT, bindparam("default", type_=String)),
        else_=type_coerce(facts.open_choice, String),
    )
    return select(
        literal_column(str(number), Integer).label("month"),
        owner.label("owner"),
        facts.currency,
        cast(func.sum(facts.count), Integer).label("count"),
        func.sum(facts.amount).label("amount"),
    ).group_by(owner, facts.currency)


@cache
def totals(*, many: bool) -> Select[Any]:
    """Select the sums of each month, owner and currency, beside the two counts.

    Made when it is first asked for: few portals have partners of both sizes, and each takes 300 kB.
    """
    counts = select(
        undecided(None, "yesterday").label("past"),
        undecided("today", "month_end").label("this_month"),
    ).subquery("counts")
    sums = union_all(*(sums_of(number, many=many) for number in range(SPAN))).subquery("sums")
    return select(counts, sums).select_from(counts.outerjoin(sums, true()))


def overview(partner: Partner, user: User, *, many: bool = False) -> Overview:
    """Load the figures and the twelve months, in one statement. ``many``: as for facts_of; the figures are the same."""
    today = runtime.today_of(user)
    first = quarter_of(today)[0]
    months = [add_months(first, number, 1) for number in range(SPAN + 1)]
    rows = fetch(
        totals(many=many),
        {
            "reader": partner.id,
            "default": partner.default_owner.value,
            "yesterday": today - date.resolution,
            "today": today,
            "month_end": month_of(today)[1],
            **{f"month_{number}": month for number, month in enumerate(months)},
            **finding.counted(),
        },
    )
    by_month = defaultdict[int | None, list[Any]](list)
    for row in rows:
        by_month[row.month].append(row)
    now = today.month - first.month
    bars = range(now, now + MONTHS)
    return Overview(
        figures=figures(rows[0], [row for number in range(QUARTER) for row in by_month[number]]),
        months=tuple(bar(months[number], by_month[number]) for number in bars),
        currencies=tuple(
            money.currency for money in sums(row for number in bars for row in by_month[number])
        ),
    )


def figures(counts: Any, quarter: Sequence[Any]) -> ToDoFigures:
    return ToDoFigures(
        past=counts.past,
        this_month=counts.this_month,
        quarter=sums(quarter),
        quarter_count=sum(row.count for row in quarter),
        quarter_without=sum(row.count for row in quarter if row.currency is None),
    )


def sums(rows: Iterable[Any]) -> tuple[Money, ...]:
    """Add up the amounts by currency, the one of most renewals first."""
    counts, amounts = Counter[str](), defaultdict[str, Decimal](Decimal)
    for row in rows:
        if row.currency:
            counts[row.currency] += row.count
            amounts[row.currency] += row.amount or 0
    return tuple(
        Money(currency, amounts[currency], count)
        for currency, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def bar(month: date, rows: Iterable[Any]) -> MonthBar:
    """Make one month of its rows' sums."""
    counts = dict.fromkeys(Owner, 0)
    amounts: dict[str, dict[Owner, Decimal]] = {}
    for row in rows:
        owner = Owner(row.owner)
        counts[owner] += row.count
        if row.currency:
            sums = amounts.setdefault(row.currency, dict.fromkeys(Owner, Decimal()))
            sums[owner] += row.amount or 0
    return MonthBar(month, counts, amounts)
