"""Words for the audit trail. Entries hold codes and values; the sentences are made for each page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.labels import codes
from webapp.labels.trail_values import NOTHING, amounts, word
from webapp.models.audit import BY_SIGN_IN, AuditAction, AuditKind, ShownEntry, TrailEntry

SENTENCES: dict[str, Any] = {
    AuditAction.CLIENT_ADDED: _l("Client added"),
    AuditAction.CLIENT_CHANGED: _l("Client details changed"),
    AuditAction.CLIENT_ARCHIVED: _l("Client archived"),
    AuditAction.CLIENT_BROUGHT_BACK: _l("Client brought back"),
    AuditAction.CLIENT_ERASED: _l("Client erased"),
    AuditAction.OWNER_CHANGED: _l("Renewal owner changed"),
    AuditAction.SUBSCRIPTION_ADDED: _l("Subscription added: %(subject)s"),
    AuditAction.SUBSCRIPTION_CHANGED: _l("Subscription changed: %(subject)s"),
    AuditAction.SUBSCRIPTION_RENEWED: _l("Subscription renewed: %(subject)s"),
    AuditAction.SUBSCRIPTION_ROLLED: _l("Subscription renewed by itself: %(subject)s"),
    AuditAction.SUBSCRIPTION_CANCELLED: _l("Subscription not renewed: %(subject)s"),
    AuditAction.SUBSCRIPTION_NOTED: _l("Note changed: %(subject)s"),
    AuditAction.SUBSCRIPTION_REMINDED: _l("Reminder day changed: %(subject)s"),
    AuditAction.SUBSCRIPTION_REMOVED: _l("Subscription removed: %(subject)s"),
    AuditAction.CONTACTS_ASSIGNED: _l("Contacts assigned"),
    AuditAction.USER_ADDED: _l("Person added: %(subject)s"),
    AuditAction.USER_CHANGED: _l("Person changed: %(subject)s"),
    AuditAction.USER_ADDED_BY_SIGN_IN: _l("Person added: %(subject)s"),
    AuditAction.USER_CHANGED_BY_SIGN_IN: _l("Person changed: %(subject)s"),
    AuditAction.USER_DEACTIVATED: _l("Person deactivated: %(subject)s"),
    AuditAction.USER_ACTIVATED: _l("Person activated: %(subject)s"),
    AuditAction.USER_ERASED: _l("Person erased: %(subject)s"),
    AuditAction.USER_INVITED: _l("Invited: %(subject)s"),
    AuditAction.FACTOR_REMOVED: _l("Two-step verification turned off: %(subject)s"),
    AuditAction.PARTNER_ADDED: _l("Partner account added"),
    AuditAction.DEFAULT_CHANGED: _l("Default renewal owner changed"),
    AuditAction.SCHEDULE_CHANGED: _l("Reminder schedule changed"),
    AuditAction.TERMS_CHANGED: _l("Rules for the end of terms changed"),
    AuditAction.SENDING_CHANGED: _l("Sending turned on"),
    AuditAction.MODE_CHANGED: _l("Handling of breakdowns changed"),
    AuditAction.FACTOR_REQUIRED: _l("Two-step verification of the team changed"),
    AuditAction.COMPANY_CHANGED: _l("Company data in mails changed"),
    AuditAction.TEXTS_CHANGED: _l("Mail texts changed: %(subject)s"),
    AuditAction.TEST_MAIL_SENT: _l("Test mail to: %(subject)s"),
    AuditAction.MAIL_SENT_AGAIN: _l("Mail sent again to: %(subject)s"),
    AuditAction.MAIL_ARRIVED: _l("Mail noted as arrived: %(subject)s"),
    AuditAction.MAIL_MISSED: _l("Mail noted as not arrived: %(subject)s"),
    AuditAction.MAIL_TAKEN_BACK: _l("Decision about a mail taken back: %(subject)s"),
}
KINDS: dict[AuditKind, Any] = {
    AuditKind.CLIENTS: _l("Clients"),
    AuditKind.RENEWALS: _l("Renewals"),
    AuditKind.OWNERS: _l("Renewal owners"),
    AuditKind.CONTACTS: _l("Contacts"),
    AuditKind.TEAM: _l("Team"),
    AuditKind.SETTINGS: _l("Settings"),
    AuditKind.MAILS: _l("Mails"),
}
# The button that undoes a change, where it does not put values back.
WAYS_BACK: dict[str, Any] = {
    AuditAction.CLIENT_ADDED: _l("Undo: archive the client"),
    AuditAction.SUBSCRIPTION_ADDED: _l("Undo: remove the subscription"),
    AuditAction.USER_ADDED: _l("Undo: deactivate this person"),
}
# The notice that it is undone.
UNDONE: dict[str, Any] = {
    AuditAction.CLIENT_ADDED: _l("Archived: %(name)s"),
    AuditAction.CLIENT_BROUGHT_BACK: _l("Archived: %(name)s"),
    AuditAction.CLIENT_ARCHIVED: _l("Brought back: %(name)s. Reminders are planned again."),
    AuditAction.SUBSCRIPTION_ADDED: _l("Removed: %(name)s"),
    AuditAction.SUBSCRIPTION_ROLLED: _l(
        "Undone: %(name)s. It doesn't renew by itself any more, and must be decided."
    ),
    AuditAction.USER_ADDED: _l("Deactivated: %(name)s"),
    AuditAction.USER_ACTIVATED: _l("Deactivated: %(name)s"),
    AuditAction.USER_DEACTIVATED: _l("Activated: %(name)s"),
}
# The buttons of decisions. What is undone is told by them: fields would not say what it was.
DECISIONS: dict[str, Any] = {
    AuditAction.SUBSCRIPTION_RENEWED: _l("Renewed"),
    AuditAction.SUBSCRIPTION_CANCELLED: _l("Not renewed"),
    AuditAction.MAIL_SENT_AGAIN: _l("Send again"),
    AuditAction.MAIL_ARRIVED: _l("It arrived"),
    AuditAction.MAIL_MISSED: _l("It did not arrive"),
}
# The fields that pages show. Internal ones (cycles, folded keys) are left out.
FIELDS: dict[str, Any] = {
    "owner": _l("Renewal owner"),
    "contact_id": _l("Point of contact"),
    "default_owner": _l("Default renewal owner"),
    "notified_user_id": _l("Notified partner user"),
    "name": _l("Name"),
    "domain": _l("Domain"),
    "city": _l("City"),
    "country": _l("Country"),
    "external_id": _l("External ID"),
    "phone": _l("Phone"),
    "note": _l("Note"),
    "language": _l("Language"),
    "time_zone": _l("Time zone"),
    "product": _l("Product"),
    "renewal_date": _l("Renewal date"),
    "deadline": _l("Decision deadline"),
    "deadline_by_rule": _l("Deadline by your rule"),
    "renews_itself": _l("At the end of the term"),
    "term_months": _l("Term"),
    "amount": _l("Amount"),
    "currency": _l("Currency"),
    "cancelled": _l("Status"),
    "reason": _l("Reason"),
    "remind_on": _l("Reminder on"),
    "remind_user_id": _l("Reminder for"),
    "email": _l("E-mail"),
    "job_title": _l("Job title"),
    "rejected_reply": _l("Rejection of the address"),
    "admin": _l("Role"),
    "todo_rhythm": _l("To-do mail"),
    "todo_weekday": _l("To-do mail: weekday"),
    "todo_hour": _l("To-do mail: hour"),
    "steps_text": _l("Days before"),
    "deadline_rule_text": _l("Rule for decision deadlines"),
    "window_opens": _l("Opens at"),
    "window_closes": _l("Closes at"),
    "window_days": _l("Weekdays"),
    "sending": _l("Sending"),
    "insistent": _l("Breakdowns"),
    "second_factor_required": _l("Two-step verification"),
    "reply_to": _l("Replies go to"),
    "legal": _l("Company data"),
    "privacy_url": _l("Privacy notice"),
    "introduction": _l("Introduction"),
    "signature": _l("Signature"),
    "state": _l("Result"),
    **{role.value: text for role, text in codes.CONTACT_ROLES.items()},
}
# People have names of another kind than things.
OF_PEOPLE = FIELDS | {"name": _l("Full name")}


@dataclass(frozen=True, slots=True)
class Change:
    """One changed field in words."""

    label: str
    before: str
    after: str


def sentence(entry: TrailEntry) -> str:
    """Say what happened."""
    if entry.changes.get("sending") == [True, False]:
        return _("Sending turned off")
    return str(SENTENCES[entry.action] % {"subject": entry.subject or NOTHING})


def author(entry: TrailEntry, name: str | None, portal: str) -> str:
    """Name the author of a change. Without a person it is the portal or a sign-in by itself, or else the operator."""
    if entry.action in BY_SIGN_IN:
        return _("The organisation's own sign-in")
    by_itself = entry.action == AuditAction.SUBSCRIPTION_ROLLED
    return name or (portal if by_itself else _("Operator"))


def undone(entry: TrailEntry, client: str | None) -> str:
    """Say what was put back, of which client, and what else that means. Of what was added, fields say nothing."""
    decision = str(DECISIONS.get(entry.action, ""))
    name = (entry.action in WAYS_BACK and entry.subject) or named(entry, decision)
    if client and not entry.action.startswith("client."):
        name = _("%(name)s, client: %(client)s", name=name, client=client)
    if entry.action in UNDONE:
        return str(UNDONE[entry.action] % {"name": name})
    return _("Undone: %(name)s", name=name)


def way_back(entry: TrailEntry) -> str:
    """Say what undoing a change does."""
    return str(WAYS_BACK[entry.action]) if entry.action in WAYS_BACK else _("Undo")


def named(entry: TrailEntry, decision: str | None = None) -> str:
    """Name what was changed: the client, subscription or person, and the fields; of one's own settings only these.

    ``decision``: the name of what was decided, in place of the fields.
    """
    labels = decision or ", ".join(label for _field, label in changed_fields(entry))
    if entry.subject and not labels:
        return entry.subject
    if not entry.subject or entry.action.startswith("partner."):
        return labels
    return _("%(name)s (%(fields)s)", name=entry.subject, fields=labels)


def changes(
    entry: ShownEntry, names: Mapping[int, str], language: str, vendor: str
) -> list[Change]:
    """Describe an entry's changes field by field. ``names``: the people in them, by id."""
    return [
        Change(
            label,
            *(
                amounts(entry, language)
                if field == "amount"
                else (word(field, value, names, language, vendor) for value in entry.changes[field])
            ),
        )
        for field, label in changed_fields(entry)
    ]


def changed_fields(entry: TrailEntry) -> list[tuple[str, str]]:
    """List the changed fields that pages show, with their labels."""
    fields = OF_PEOPLE if entry.action.startswith("user.") else FIELDS
    return [(field, str(label)) for field, label in fields.items() if field in entry.changes]
