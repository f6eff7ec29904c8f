"""To do: the open renewals of a partner in their sections, what narrows them, and one of them alone."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from webapp.domain.ownership import EffectiveOwner, Owner, PointOfContact
from webapp.domain.todo import Figure, Section, Wrong
from webapp.models import Partner, User
from webapp.services.lists import paging
from webapp.services.lists.paging import calendar_month, choice, each, setting, words
from webapp.services.lists.todo_figures import Overview

# The first rows of each section, and the rows of a section alone.
FIRST, PAGE = 30, 50
LONGEST_PRODUCT = 200
ANY_FAULT = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDoQuery(paging.Query):
    """The renewals to show, first to be decided first.

    ``mine``: the user is responsible, or asked to be reminded. ``owner``: the effective one. ``month``: the month
    in which it renews, by its first day. ``only``: a fault, or ANY_FAULT. ``section``: that one alone, by pages.
    ``bars``: the currency whose sums the picture shows; "": numbers.
    """

    mine: bool = choice("mine", {"1": True}, default=False)
    owner: Owner | None = choice("owner", each(Owner))
    product: str = words("product", LONGEST_PRODUCT)
    month: date | None = calendar_month("month")
    only: str | None = choice("only", each((ANY_FAULT, *Wrong)))
    figure: Figure | None = choice("figure", each(Figure))
    section: Section | None = choice("section", each(Section))
    bars: str = setting("bars", 3)
    sort: str = "decision"


@dataclass(frozen=True, slots=True)
class ToDoItem:
    """One renewal. ``base_date``: its decision deadline, or else its date. ``today``: the reader's date.

    ``amount`` is that of one term. ``next_mail``: the day of the next mail about it, today at the earliest; None
    if none will come or the partner does not send. ``wrong``: only what is wrong. ``remind_on``: the day that
    ``reminded`` asked for. ``section``: None if nothing is to be done about it now.
    """

    id: int
    client_id: int
    client: str
    product: str
    section: Section | None
    base_date: date
    deadline: date | None
    renewal_date: date
    renews_itself: bool
    today: date
    amount: Decimal | None
    currency: str | None
    term_months: int
    owner: EffectiveOwner
    contact: PointOfContact
    next_mail: date | None
    wrong: tuple[Wrong, ...]
    note: str | None
    remind_on: date | None
    reminded: str | None

    @property
    def past(self) -> bool:
        """Tell whether it is past its date and must be decided."""
        return not self.renews_itself and self.base_date < self.today


@dataclass(frozen=True, slots=True)
class ToDoGroup:
    """A section's first rows, or a page of it if it was asked for alone.

    ``total``: the number of all its rows, up to MOST_COUNTED + 1 for "more". ``before`` and ``after``: the ids at
    which the neighbouring pages begin, as in paging.Page.
    """

    section: Section
    rows: tuple[ToDoItem, ...]
    total: int
    before: int | None = None
    after: int | None = None

    @property
    def more(self) -> bool:
        return self.total > len(self.rows)


@dataclass(frozen=True, slots=True)
class ToDo:
    """What waits, in the sections that have rows.

    ``products``: the names to filter by. ``next_on``: the day of what comes next, if nothing is to be decided.
    """

    groups: tuple[ToDoGroup, ...]
    overview: Overview
    products: tuple[str, ...]
    today: date
    next_on: date | None


def load(partner: Partner, user: User, query: ToDoQuery) -> ToDo:
    """Load what waits, in at most six statements."""
    raise NotImplementedError(partner, user, query)


def item(partner: Partner, user: User, subscription_id: int) -> ToDoItem | None:
    """Load one open renewal of a partner as the list shows it; None if it is not open, or another partner's."""
    raise NotImplementedError(partner, user, subscription_id)
