"""Notices of changes: saved, with an Undo, or overtaken by somebody else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flask import current_app, redirect, render_template
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.access import Action
from webapp.labels import audit
from webapp.labels.audit import Change
from webapp.labels.codes import portal_name
from webapp.models import AuditEntry
from webapp.models.audit import ShownEntry, TrailEntry
from webapp.pages import htmx, notice_board
from webapp.pages.frame import language, time_zone
from webapp.services.audit import line_of
from webapp.services.trail import history


def outcome(entry: TrailEntry | None, text: str | None = None) -> str:
    """Return the words for a change, by default the name of what was saved; or for nothing to change."""
    if entry is None:
        return _("Nothing to save: it is like this already")
    return text or _("Saved: %(name)s", name=audit.named(entry))


def mailed(text: str, kind: str = "good") -> tuple[str, str]:
    """Return the words and the kind of a notice that a mail is on its way or, without a mail server, that it is not."""
    if current_app.config["PORTAL"].delivers:
        return text, kind
    return _("Kept in this installation, sent to nobody: no mail server is set up."), "warn"


def report(
    text: str,
    entry: TrailEntry | None,
    address: str,
    fragment: Callable[[], AnyResponse],
    kind: str = "good",
) -> AnyResponse:
    """Answer with a notice and an Undo: htmx gets a fragment with them, others the page at an address.

    The notice is about the part that the address names. If the fragment does not show it, it goes on top of the page.
    """
    page, part = notice_board.page_and_part(address)
    if not htmx.wanted():
        notice_board.say(text, entry, kind, part)
        return redirect(page, 303)
    notice_board.say_here(text, entry, kind, part)
    answer = fragment()
    if notice_board.pending():
        answer.set_data(answer.get_data(as_text=True) + render_template("said_on_top.html"))
    return answer


def changes(entry: ShownEntry, names: Mapping[int, str]) -> list[Change]:
    """Describe the changes of an entry in the page's language, without notes that are not for the reader."""
    found = audit.changes(entry, names, language(), current_app.config["PORTAL"].vendor_name)
    if reads_notes(entry):
        return found
    return [change for change in found if change.label != audit.FIELDS["note"]]


def reads_notes(entry: TrailEntry) -> bool:
    """Tell whether the notes of an entry are for the reader: a team's are its admins', a client's are its partner's."""
    if current_user.is_client:
        return False
    return entry.client_id is not None or current_user.may(Action.MANAGE_TEAM)


def author(entry: AuditEntry) -> str:
    """Name the author of a change."""
    name = entry.actor.name if entry.actor else None
    return audit.author(entry, name, portal_name(current_app.config["PORTAL"].name))


@dataclass(frozen=True, slots=True)
class Quicker:
    """The words for a change that came first, for templates/conflict.html.

    ``sentence`` and ``name`` are None if the trail has no entry. ``own``: it was the reader's own change, in
    another tab.
    """

    sentence: str | None = None
    name: str | None = None
    own: bool = False
    at: datetime | None = None
    zone: str = "UTC"
    changes: list[Change] = field(default_factory=list)


def quicker(entry: AuditEntry | None) -> Quicker:
    """Describe the change that came first."""
    if entry is None:
        return Quicker()
    return Quicker(
        audit.sentence(entry),
        author(entry),
        entry.actor_id == current_user.id,
        entry.at,
        time_zone() or "UTC",
        changes(line_of(entry), history.names([entry])),
    )
