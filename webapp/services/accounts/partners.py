"""Partners: add one, and change its settings for renewal communication."""

import re
from dataclasses import asdict, dataclass
from datetime import time

from sqlalchemy import select

from webapp import i18n
from webapp.domain.ownership import Owner, needs_contact
from webapp.domain.refusals import Refusal
from webapp.domain.shown import token_of
from webapp.domain.steps import parse_steps, write_steps
from webapp.domain.terms import DeadlineRule
from webapp.mail.addresses import name_from
from webapp.models import AuditEntry, Partner, SecurityAction, User, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.services import audit, runtime
from webapp.services.accounts import first_run, names, people, security_log
from webapp.services.errors import Refused
from webapp.services.reminders import loading
from webapp.services.sending import following

WEEKDAYS = "0123456"
# The settings that are on or off: each column with the trail's action for a change.
SWITCHES = {"sending": AuditAction.SENDING_CHANGED, "insistent": AuditAction.MODE_CHANGED}


@dataclass(frozen=True, slots=True)
class Default:
    """The default owner of renewal communication, and the partner user who is notified."""

    default_owner: Owner
    notified_user_id: int | None


@dataclass(frozen=True, slots=True)
class Terms:
    """The end of terms: of new subscriptions, and the rule for decision deadlines, as Partner stores them."""

    renews_itself: bool
    deadline_rule_text: str | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Steps and sending window, as Partner stores them."""

    steps_text: str
    window_opens: time
    window_closes: time
    window_days: str


def default_of(partner: Partner) -> Default:
    return Default(partner.default_owner, partner.notified_user_id)


def terms_of(partner: Partner) -> Terms:
    return Terms(partner.renews_itself, partner.deadline_rule_text)


def schedule_of(partner: Partner) -> Schedule:
    return Schedule(
        partner.steps_text, partner.window_opens, partner.window_closes, partner.window_days
    )


def shown(values: Default | Terms | Schedule) -> str:
    """Make the token of a form that shows these values. Each part of the page goes stale on its own."""
    return token_of(asdict(values))


def shown_switch(partner: Partner, name: str) -> str:
    """Make the token of a form that shows one of SWITCHES."""
    return token_of({name: getattr(partner, name)})


def add_partner(
    actor: User | None,
    name: str,
    admin_email: str,
    language: str,
    *,
    time_zone: str = "UTC",
    admin_name: str | None = None,
) -> Partner:
    """Add a partner with its first admin, who is the notified user. The vendor owns; sending is off.

    Raises Refused for a name, address, language or zone that can't be used.
    """
    name = names.checked_name(name)
    if admin_name is not None:
        admin_name = names.checked_name(admin_name, "admin_name")
    if language not in i18n.LANGUAGES:
        raise Refused("language", Refusal.NO_OPTION)
    if time_zone not in i18n.time_zones():
        raise Refused("time_zone", Refusal.TIME_ZONE)
    partner = Partner(name=name, slug=free_slug(name), language=language, time_zone=time_zone)
    db.session.add(partner)
    db.session.flush()
    audit.record_change(actor, AuditAction.PARTNER_ADDED, partner)
    admin = people.add_person(
        actor,
        partner,
        name=name_from(admin_email) if admin_name is None else admin_name,
        email=admin_email,
        admin=True,
    )
    partner.notified_user_id = admin.id
    db.session.flush()
    return partner


def free_slug(name: str) -> str:
    """Turn a name into one plain word, with a number if another partner has that word."""
    plain = re.sub(r"[^a-z0-9]+", "-", i18n.fold(name)).strip("-")[:50] or "partner"
    taken = set(db.session.scalars(select(Partner.slug).where(Partner.slug.startswith(plain))))
    number = 1
    slug = plain
    while slug in taken:
        number += 1
        slug = f"{plain}-{number}"
    return slug


def save_default(
    actor: User | None, partner: Partner, wanted: Default, shown: str | None = None
) -> TrailEntry | None:
    """Set the default owner and the notified user; None if nothing changed.

    ``shown``: the form's token. Raises Refused for a user who can't be chosen, or when one is needed, and
    Conflict when something else was chosen meanwhile.
    """
    ids = {wanted.notified_user_id, partner.notified_user_id} - {None}
    members = {
        user.id: loading.person(user)
        for user in db.session.scalars(
            select(User).where(User.organisation_id == partner.id, User.id.in_(ids))
        )
    }
    chosen = members.get(wanted.notified_user_id or 0)
    kept = wanted.notified_user_id == partner.notified_user_id
    if wanted.notified_user_id and (chosen is None or not (chosen.active or kept)):
        raise Refused("notified_user_id", Refusal.NO_OPTION)
    if needs_contact(wanted.default_owner, None, chosen):
        raise Refused("notified_user_id", Refusal.NOTIFIED_NEEDED)
    before = partner.default_owner
    entry = save(actor, partner, AuditAction.DEFAULT_CHANGED, asdict(wanted), shown)
    if entry:
        changed = partner.default_owner is not before
        following.begin(actor, partner.id, owner_before=before if changed else None, wakes=True)
    return entry


def save_terms(
    actor: User | None, partner: Partner, wanted: Terms, shown: str | None = None
) -> TrailEntry | None:
    """Set the default of new subscriptions and the rule for deadlines; None if nothing changed.

    Raises Refused, Conflict.
    """
    try:
        if wanted.deadline_rule_text:
            DeadlineRule.parse(wanted.deadline_rule_text)
    except ValueError:
        raise Refused("deadline_count", Refusal.DEADLINE_RULE) from None
    entry = save(actor, partner, AuditAction.TERMS_CHANGED, asdict(wanted), shown)
    if entry and "deadline_rule_text" in entry.changes:
        following.begin(actor, partner.id)
    return entry


def save_schedule(
    actor: User | None, partner: Partner, wanted: Schedule, shown: str | None = None
) -> TrailEntry | None:
    """Set steps and sending window; None if nothing changed.

    Raises Refused, Conflict.
    """
    try:
        steps = write_steps(parse_steps(wanted.steps_text))
    except ValueError:
        raise Refused("steps_text", Refusal.STEPS) from None
    days = "".join(day for day in WEEKDAYS if day in wanted.window_days)
    if not days:
        raise Refused("window_days", Refusal.WEEKDAY_NEEDED)
    if wanted.window_opens >= wanted.window_closes:
        raise Refused("window_closes", Refusal.WINDOW)
    wanted = Schedule(steps, wanted.window_opens, wanted.window_closes, days)
    entry = save(actor, partner, AuditAction.SCHEDULE_CHANGED, asdict(wanted), shown)
    if entry and "steps_text" in entry.changes:
        following.begin(actor, partner.id)
    return entry


def save(
    actor: User | None,
    partner: Partner,
    action: AuditAction,
    wanted: audit.Values,
    shown: str | None,
) -> TrailEntry | None:
    """Store some columns, unless the form is stale (Conflict); None if nothing changed."""
    stored = {column: getattr(partner, column) for column in wanted}
    if stored == wanted:
        return None
    audit.refuse_stale(
        shown, stored, AuditEntry.organisation_id == partner.id, AuditEntry.action == action
    )
    return audit.record_change(actor, action, partner, audit.assign(partner, **wanted))


def switch(
    actor: User | None, partner: Partner, name: str, on: bool, shown: str | None = None
) -> TrailEntry | None:
    """Turn one of SWITCHES on or off for all clients; None if nothing changed.

    Raises Refused if sending would reach nobody, and Conflict.
    """
    if name == "sending" and on and not runtime.settings().delivers:
        raise Refused("sending", Refusal.NO_MAIL_SERVER)
    entry = save(actor, partner, SWITCHES[name], {name: on}, shown)
    if entry and name == "sending":
        first_run.finish(partner)
        security_log.record(
            SecurityAction.SENDING_SWITCHED,
            actor,
            organisation_id=partner.id,
            sending="1" if on else "0",
        )
    return entry
