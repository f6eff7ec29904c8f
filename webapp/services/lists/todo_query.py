"""The request to To do, as an address has it, and what it asks of the renewals."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from webapp.domain.months import month_of, quarter_of
from webapp.domain.ownership import Choice, Owner, effective_owner
from webapp.domain.todo import BY_MAILS, BY_REACH, FAR, Figure, Section, Wrong
from webapp.models import Partner, User
from webapp.services.lists import paging
from webapp.services.lists.client_columns import Team
from webapp.services.lists.clients import owned, reached
from webapp.services.lists.finding import Given, Narrowing
from webapp.services.lists.paging import calendar_month, choice, each, setting, words

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
    product: str = words("product", LONGEST_PRODUCT, search=False)
    month: date | None = calendar_month("month")
    only: str | None = choice("only", each((ANY_FAULT, *Wrong)))
    figure: Figure | None = choice("figure", each(Figure))
    section: Section | None = choice("section", each(Section))
    bars: str = setting("bars", 3)
    sort: str = "decision"


def horizon(query: ToDoQuery, today: date) -> date:
    """Choose the last day to look ahead to, so that a list holds all that its figure or its bar counts."""
    ends = [today + FAR]
    if query.month:
        ends.append(month_of(query.month)[1])
    if query.figure is Figure.QUARTER:
        ends.append(quarter_of(today)[1])
    return max(ends)


def asked(
    partner: Partner, team: Team, user: User, query: ToDoQuery, today: date
) -> Iterator[Narrowing]:
    """Turn a query into conditions of the list: of each group one must hold."""
    if query.mine:
        yield [whose(team, user)]
    if query.owner:
        yield [("owner", {"choices": choices(partner, query.owner)})]
    if query.product:
        yield [("product", {"name": query.product})]
    if query.month:
        yield [within("renews", month_of(query.month))]
    if query.figure:
        yield [FIGURES[query.figure](today)]
    if query.only:
        wanted = [*Wrong] if query.only == ANY_FAULT else [Wrong(query.only)]
        yield [*faults(partner, team, wanted)]


def whose(team: Team, user: User) -> tuple[str, Given]:
    """Make the condition for what somebody is responsible for (domain.ownership.point_of_contact), or asked for.

    Whoever is the default contact has all clients but those of others; so has each admin, if it can't be reached.
    """
    default = team.default if team.default and team.default.reachable else None
    for_all = user.admin or not any(admin.reachable for admin in team.admins)
    if default.id == user.id if default else for_all:
        others = [one.id for one in team.people.values() if one.reachable and one.id != user.id]
        return "not_others", {"people": others, "user": user.id}
    return "mine", {"people": [user.id], "user": user.id}


def choices(partner: Partner, owner: Owner) -> list[Choice]:
    """List the choices with an effective owner."""
    return [one for one in Choice if effective_owner(one, partner.default_owner).owner is owner]


def within(name: str, span: tuple[date, date]) -> tuple[str, Given]:
    return name, dict(zip(("first", "last"), span, strict=True))


# The conditions of the figures, by today.
FIGURES: Mapping[Figure, Callable[[date], tuple[str, Given]]] = {
    Figure.PAST: lambda today: within("decided", (date.min, today - date.resolution)),
    Figure.THIS_MONTH: lambda today: within("decided", (today, month_of(today)[1])),
    Figure.QUARTER: lambda today: within("renews", quarter_of(today)),
}


def faults(partner: Partner, team: Team, wanted: Collection[Wrong]) -> Iterator[tuple[str, Given]]:
    """Make a condition for each way to find these faults: by the clients' people, and by mails."""
    if reaches := {BY_REACH[one] for one in wanted if one in BY_REACH}:
        yield reached(partner, team, reaches, owned(partner, None))
    if states := sorted(state for one in wanted for state in BY_MAILS.get(one, ())):
        yield "mails", {"states": states}
