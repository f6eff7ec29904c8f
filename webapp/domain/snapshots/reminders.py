"""The snapshot of a mail about one client's renewals."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Self

from webapp.domain.facts import ClientFacts, MailKind
from webapp.domain.ownership import Owner
from webapp.domain.recipients import Circle, ContactRole, Place, Reason, Recipient
from webapp.domain.reminders import Item, PlannedMail
from webapp.domain.snapshots.base import Gist, PartnerName, Party, Snapshot, is_test, number, text
from webapp.domain.snapshots.letterhead import (
    NO_LETTERHEAD,
    Letterhead,
    Letterheads,
    TextToForward,
    in_language,
)
from webapp.domain.steps import Limits, Steps, limits_of

# The terms of the only row of steps.
ALL_TERMS: Limits = (0, None)


@dataclass(frozen=True, slots=True)
class ClientName:
    """The client that a reminder is about, with its time zone."""

    id: int
    name: str
    time_zone: str

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(number(stored, "id"), text(stored, "name"), text(stored, "time_zone"))


@dataclass(frozen=True, slots=True)
class CircleMember:
    """One person of the circle, as all its people see them."""

    user_id: int
    name: str
    email: str
    language: str
    place: Place
    reasons: tuple[Reason, ...]

    @classmethod
    def of(cls, recipient: Recipient) -> Self:
        person = recipient.person
        return cls(
            person.id,
            person.name,
            person.email,
            person.language,
            recipient.place,
            recipient.reasons,
        )

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            number(stored, "user_id"),
            text(stored, "name"),
            text(stored, "email"),
            text(stored, "language"),
            Place(stored["place"]),
            tuple(Reason(code) for code in stored["reasons"]),
        )

    @property
    def party(self) -> Party:
        return Party(self.name, self.email)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionLine:
    """One subscription in a reminder, at one step.

    ``amount``: of one term. ``term_months``: None in mails from before they told the term. ``limits``: the row of the
    step, by its terms.
    """

    id: int
    product: str
    cycle: int
    step: int
    renewal_date: date
    deadline: date | None
    base_date: date
    amount: Decimal | None
    currency: str | None
    term_months: int | None = None
    renews_itself: bool = False
    limits: Limits = ALL_TERMS

    @classmethod
    def of(cls, item: Item, steps: Steps) -> Self:
        """Resolve an item. ``steps``: the partner's."""
        subscription = item.subscription
        return cls(
            id=subscription.id,
            product=subscription.product,
            cycle=subscription.cycle,
            step=item.step,
            renewal_date=subscription.renewal_date,
            deadline=subscription.deadline,
            base_date=subscription.base,
            amount=subscription.amount,
            currency=subscription.currency,
            term_months=subscription.term_months,
            renews_itself=subscription.renews_itself,
            limits=limits_of(steps, subscription.term_months),
        )

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        deadline, amount = stored["deadline"], stored["amount"]
        above, up_to = stored.get("limits", ALL_TERMS)
        return cls(
            id=number(stored, "id"),
            product=text(stored, "product"),
            cycle=number(stored, "cycle"),
            step=number(stored, "step"),
            renewal_date=date.fromisoformat(stored["renewal_date"]),
            deadline=date.fromisoformat(deadline) if deadline else None,
            base_date=date.fromisoformat(stored["base_date"]),
            amount=Decimal(amount) if amount is not None else None,
            currency=stored["currency"],
            term_months=stored.get("term_months"),
            renews_itself=stored.get("renews_itself") is True,
            limits=(above, up_to),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderSnapshot(Snapshot):
    """A reminder to the client's people or the partner's, or the task if nobody can be told.

    ``missing``: roles with nobody active. ``rejected``: people left out since a server rejected their
    address. ``contact``: the person to whom answers go. ``letterhead``: the partner's own words, in a mail to the
    client. ``to_forward``: what a mail for action has for the client.
    """

    owner: Owner
    client: ClientName
    partner: PartnerName
    circle: tuple[CircleMember, ...]
    missing: tuple[ContactRole, ...]
    rejected: tuple[Party, ...]
    contact: Party | None
    subscriptions: tuple[SubscriptionLine, ...]
    letterhead: Letterhead = NO_LETTERHEAD
    to_forward: TextToForward | None = None

    @property
    def renewal_on(self) -> date | None:
        return max((line.renewal_date for line in self.subscriptions), default=None)

    @classmethod
    def of(
        cls, client: ClientFacts, circle: Circle, mail: PlannedMail, letterheads: Letterheads
    ) -> Self:
        """Resolve a planned mail for its reader. ``letterheads``: the partner's, by language."""
        contact = next(iter(circle.contact.people), None)
        plain = cls(
            recipient=mail.recipient.person.name,
            owner=circle.owner,
            client=ClientName(client.id, client.name, client.time_zone),
            partner=PartnerName(client.partner.id, client.partner.name),
            circle=tuple(map(CircleMember.of, circle.recipients or (mail.recipient,))),
            missing=circle.missing,
            rejected=tuple(Party(person.name, person.email) for person in circle.rejected),
            contact=Party(contact.name, contact.email) if contact else None,
            subscriptions=tuple(
                SubscriptionLine.of(item, client.partner.steps) for item in mail.items
            ),
        )
        match mail.kind:
            case MailKind.REMINDER_CLIENT:
                return replace(
                    plain, letterhead=in_language(letterheads, mail.recipient.person.language)
                )
            case MailKind.REMINDER_PARTNER:
                introduction = in_language(letterheads, client.language).introduction
                return replace(plain, to_forward=TextToForward(client.language, introduction))
            case _:
                return plain

    @classmethod
    def upgraded(cls, stored: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"rejected": stored.get("refused")} | dict(stored)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        contact, to_forward = stored["contact"], stored.get("to_forward")
        return cls(
            recipient=text(stored, "recipient"),
            test=is_test(stored),
            owner=Owner(stored["owner"]),
            client=ClientName.read(stored["client"]),
            partner=PartnerName.read(stored["partner"]),
            circle=tuple(map(CircleMember.read, stored["circle"])),
            missing=tuple(ContactRole(code) for code in stored["missing"]),
            rejected=tuple(map(Party.read, stored["rejected"])),
            contact=Party.read(contact) if contact else None,
            subscriptions=tuple(map(SubscriptionLine.read, stored["subscriptions"])),
            letterhead=Letterhead.read(stored.get("letterhead", {})),
            to_forward=TextToForward.read(to_forward) if to_forward else None,
        )

    @classmethod
    def read_told(cls, stored: Mapping[str, Any], user_id: int) -> Gist:
        own = next((one for one in stored["circle"] if one["user_id"] == user_id), None)
        return Gist(
            reasons=tuple(map(Reason, own["reasons"])) if own else (),
            products=tuple(text(line, "product") for line in stored["subscriptions"]),
        )
