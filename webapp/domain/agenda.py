"""The agenda of a client: the days of its renewals, as a calendar shows them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from webapp.domain.facts import ClientFacts, MailKind, SubscriptionFacts
from webapp.domain.reminders import coming


class Occasion(StrEnum):
    """An occasion for an entry in a calendar."""

    DEADLINE = "deadline"
    RENEWAL = "renewal"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class NextMail:
    """The next mail about a renewal, as far as can be foreseen. ``on``: the day at the client."""

    on: date
    step: int
    kind: MailKind


@dataclass(frozen=True, slots=True)
class AgendaDay:
    """One day of a renewal. ``following``: the next mail about it, whatever the occasion of this day is."""

    occasion: Occasion
    on: date
    client: ClientFacts
    subscription: SubscriptionFacts
    following: NextMail | None

    @property
    def key(self) -> str:
        """A name that no other day has, and this one keeps though it moves: ``renewal-7-2``, of the second renewal.

        A renewal that is over takes its names along. A mail has that of its step, so the next one is another.
        """
        parts = [
            self.occasion.value,
            str(self.subscription.id),
            str(self.subscription.cycle),
        ]
        if self.occasion is Occasion.MAIL and self.following:
            parts.append(str(self.following.step))
        return "-".join(parts)


def agenda(client: ClientFacts, now: datetime, since: date, until: date) -> Iterator[AgendaDay]:
    """List the days of a client's renewals from one local day to another: deadlines, dates, and the next mails."""
    mails = next_mails(client, now, until)
    for subscription in client.subscriptions:
        following = mails.get(subscription.id)
        days = {
            Occasion.DEADLINE: subscription.deadline,
            Occasion.RENEWAL: subscription.renewal_date,
            Occasion.MAIL: following.on if following else None,
        }
        for occasion, on in days.items():
            if on is not None and since <= on <= until:
                yield AgendaDay(occasion, on, client, subscription, following)


def next_mails(client: ClientFacts, now: datetime, last: date) -> dict[int, NextMail]:
    """Foresee the next mail about each subscription, by its id, up to a local day; none while sending is off."""
    found: dict[int, NextMail] = {}
    if not client.partner.sending:
        return found
    for plan in coming(client, now, last):
        for mail in sorted(plan.mails, key=lambda mail: mail.day):
            for item in mail.items:
                told = NextMail(mail.day, item.step, mail.kind)
                found.setdefault(item.subscription.id, told)
        if len(found) == len(client.subscriptions):
            break
    return found
