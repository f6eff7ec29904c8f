"""Words for calendars: the names of their days, and the lines below each."""

from collections.abc import Iterator
from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext

from webapp import typography
from webapp.domain.agenda import AgendaDay, Occasion
from webapp.labels import codes, renewal_words


def title(day: AgendaDay) -> str:
    """Name a day: its occasion, the client and the product."""
    if day.occasion is Occasion.DEADLINE:
        words = _("Decision deadline: %(client)s, %(product)s")
    elif day.occasion is Occasion.MAIL:
        words = _("Reminder: %(client)s, %(product)s")
    elif day.subscription.renews_itself:
        words = _("Renews by itself: %(client)s, %(product)s")
    else:
        words = _("Renewal date: %(client)s, %(product)s")
    return words % {"client": day.client.name, "product": day.subscription.product}


def lines(day: AgendaDay, vendor: str, today: date, language: str) -> Iterator[str]:
    """Tell what one needs to know on a day: the dates, who owns the renewal, who is asked, and the next step.

    ``today``: at the client.
    """
    renewal, client = day.subscription, day.client

    def written(on: date) -> str:
        return typography.long_date(on, language)

    yield str(renewal_words.ENDS[renewal.renews_itself])
    yield _("Renewal date: %(date)s", date=written(renewal.renewal_date))
    if renewal.deadline:
        yield _("Decision deadline: %(date)s", date=written(renewal.deadline))
    yield _("Renewal owner: %(owner)s", owner=codes.owner_name(client.owner.owner, vendor))
    people = ", ".join(person.name for person in client.contact.people)
    yield _("Point of contact: %(names)s", names=people or _("Nobody"))
    if renewal.overdue(today):
        yield _("Next step: mark the subscription as renewed or not renewed")
    elif day.following:
        yield _(
            "Next step: %(mail)s, %(date)s (%(step)s)",
            mail=codes.MAIL_KINDS[day.following.kind],
            date=written(day.following.on),
            step=renewal_words.days_before(day.following.step),
        )
    else:
        yield _("Next step: no reminder is to come")


def most(number: int, day: str) -> str:
    """Say that a calendar is full: it holds so many renewals, the last one decided on a day."""
    return ngettext(
        "This calendar holds the next %(num)d renewal, up to %(date)s.",
        "This calendar holds the next %(num)d renewals, up to %(date)s.",
        number,
        date=day,
    )
