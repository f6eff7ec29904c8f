"""The facts of clients and subscriptions for the rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from webapp.domain.ownership import (
    Choice,
    EffectiveOwner,
    Owner,
    Person,
    PointOfContact,
    effective_owner,
    point_of_contact,
)
from webapp.domain.recipients import (
    Circle,
    ContactRole,
    circle,
)
from webapp.domain.schedule import (
    Renewal,
    Window,
    base_date,
    overdue,
)
from webapp.domain.steps import Limits, Steps, applying, limits_of


class MailKind(StrEnum):
    """A kind of mail."""

    REMINDER_CLIENT = "reminder_client"
    REMINDER_PARTNER = "reminder_partner"
    NOBODY_TO_TELL = "nobody_to_tell"
    TAKEOVER_NOTE = "takeover_note"
    NOT_ARRIVED = "not_arrived"
    TO_DO = "to_do"
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"
    ADDRESS_CONFIRMATION = "address_confirmation"
    ADDRESS_NOTICE = "address_notice"
    ADMIN_NOTICE = "admin_notice"
    SECURITY_NOTICE = "security_notice"


# They tell a partner's people about clients, and are no client's own mails.
ABOUT_CLIENTS = (MailKind.TAKEOVER_NOTE, MailKind.NOT_ARRIVED, MailKind.TO_DO)


@dataclass(frozen=True, slots=True)
class PartnerFacts:
    """A partner's defaults and schedule. ``team``: everybody there, even deactivated people."""

    id: int
    name: str
    default_owner: Owner
    default_contact: Person | None
    admins: tuple[Person, ...]
    steps: Steps
    window: Window
    sending: bool
    team: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """One subscription.

    ``planned``: steps that have a reminder for the present base date. ``waiting``: the planned step with
    mails that are still to be handed over. ``reached``: the steps that people got already, as
    ``(step, address, kind of mail)``.
    """

    id: int
    product: str
    renewal_date: date
    deadline: date | None
    term_months: int
    deadline_by_rule: bool = False
    renews_itself: bool = False
    cycle: int = 1
    amount: Decimal | None = None
    currency: str | None = None
    steps_from: date | None = None
    planned: frozenset[int] = frozenset()
    waiting: int | None = None
    reached: frozenset[tuple[int, str, str]] = frozenset()

    @property
    def base(self) -> date:
        return base_date(self.renewal_date, self.deadline)

    @property
    def renewal(self) -> Renewal:
        renews_on = self.renewal_date if self.renews_itself else None
        return Renewal(self.base, self.term_months, self.planned, self.steps_from, renews_on)

    def has_step(self, steps: Steps, step: int) -> bool:
        """Tell whether a partner's steps have this one for its term and its end."""
        return step in applying(steps, self.term_months, self.renews_itself)

    def overdue(self, today: date) -> bool:
        return overdue(self.base, self.renews_itself, today)


class NotRenewed(StrEnum):
    """The reason why a client does not renew, as somebody at the partner said it."""

    PRICE = "price"
    OTHER_PRODUCT = "other_product"
    CLOSED = "closed"
    OTHER = "other"


class Silence(StrEnum):
    """The reason why no reminder is to come."""

    NO_SUBSCRIPTION = "no_subscription"
    DATE_PASSED = "date_passed"
    DEADLINE_PASSED = "deadline_passed"
    NO_STEPS = "no_steps"
    NO_STEP_LEFT = "no_step_left"


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """All facts behind one client's reminders.

    ``occupied``: ``(address, local day)`` pairs for which a mail about this client has already gone
    out. Nobody gets a second one on the same day. ``cancelled``: subscriptions to show; no rule looks at them.
    """

    id: int
    name: str
    language: str
    time_zone: str
    partner: PartnerFacts
    choice: Choice = Choice.INHERIT
    own_contact: Person | None = None
    contacts: Mapping[ContactRole, Person] = field(default_factory=dict, hash=False)
    subscriptions: tuple[SubscriptionFacts, ...] = ()
    occupied: frozenset[tuple[str, date]] = frozenset()
    cancelled: tuple[SubscriptionFacts, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def owner(self) -> EffectiveOwner:
        return effective_owner(self.choice, self.partner.default_owner)

    @property
    def contact(self) -> PointOfContact:
        return point_of_contact(self.own_contact, self.partner.default_contact, self.partner.admins)

    @property
    def circle(self) -> Circle:
        return circle(self.owner.owner, self.contacts, self.contact)

    def limits(self, subscription: SubscriptionFacts) -> Limits:
        """Name the row of the partner's steps by which a subscription has its reminders."""
        return limits_of(self.partner.steps, subscription.term_months)

    def next_renewal(self, today: date) -> SubscriptionFacts | None:
        """Choose the renewal to speak of first: one past its date and undecided, else the one to decide soonest."""
        return min(
            self.subscriptions,
            key=lambda one: (not one.overdue(today), one.base, one.id),
            default=None,
        )

    def silence(self, today: date) -> Silence:
        """Explain why no reminder is to come for this client; ``today`` is its local date."""
        if not self.subscriptions:
            return Silence.NO_SUBSCRIPTION
        steps = self.partner.steps
        overdue = [one for one in self.subscriptions if one.overdue(today)]
        ahead = [one for one in self.subscriptions if not one.overdue(today)]
        if any(applying(steps, one.term_months, one.renews_itself) for one in ahead):
            return Silence.NO_STEP_LEFT
        if not overdue:
            return Silence.NO_STEPS
        last = max(one.renewal_date for one in overdue)
        return Silence.DATE_PASSED if last < today else Silence.DEADLINE_PASSED
