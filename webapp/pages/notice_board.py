"""The board of notices: what was done, until a page shows it.

A notice stands beside what it is about: the part of the page that the address to return to names (``…#item-7``).
A template shows it there by ``ui.said``; what no part of the page has taken stands on top (templates/base.html).
"""

from dataclasses import asdict, dataclass
from typing import Any

from flask import flash, g, get_flashed_messages
from flask_login import current_user

from webapp.labels import audit
from webapp.models.audit import TrailEntry
from webapp.pages import addresses, htmx
from webapp.services.trail import undo


def undo_url(entry: TrailEntry | None) -> str | None:
    """Return the address that undoes an audit entry; None if nothing changed, or there is no way back for the user."""
    if entry is None or not undo.undoable(current_user, entry):
        return None
    return addresses.url_for("frame.undo", entry_id=entry.id)


@dataclass(frozen=True, slots=True)
class Notice:
    """Words for what was done. ``part``: the id of the element that they are about, or empty for the whole page."""

    text: str
    kind: str = "good"
    undo_url: str | None = None
    part: str = ""


def say(
    text: str,
    entry: TrailEntry | None = None,
    kind: str = "good",
    part: str = "",
    way_back: str | None = None,
) -> None:
    """Show a notice on the next page, about a part of it, with an Undo if there is an entry or another way back."""
    notice = Notice(text, kind, way_back or undo_url(entry), part)
    # Flask stores any value that the session can hold, but its types only allow text.
    flash(asdict(notice), kind)  # type: ignore[arg-type]


def say_undone(entry: TrailEntry, part: str) -> None:
    """Show on the next page that an entry is undone. A client's own people know whose it was."""
    client = undo.client_of(entry) if current_user.is_partner else None
    say(audit.undone(entry, client), part=part)


def say_here(text: str, entry: TrailEntry | None, kind: str, part: str) -> None:
    """Show a notice in this very answer."""
    g.notices = [Notice(text, kind, undo_url(entry), part)]


def page_and_part(address: str) -> tuple[str, str]:
    """Split where to go back to. To the page alone: its message takes the focus, to which a browser scrolls.

    If the address named a part, no browser would give the focus to anything by itself.
    """
    page, _mark, part = address.partition("#")
    return page, part


def pending() -> list[Notice]:
    """Return what this answer has not shown yet: notices of a change just made, or that wait for this page."""
    found: list[Notice] | None = g.get("notices")
    if found is None:
        # A fragment leaves alone what waits for a page.
        waiting: list[Any] = [] if htmx.wanted() else get_flashed_messages(with_categories=True)
        found = g.notices = [
            Notice(**said) if isinstance(said, dict) else Notice(said, kind)
            for kind, said in waiting
        ]
    return found


def parts() -> set[str]:
    """Return the parts that notices are about. Rows of a list ask this, and only one with a notice calls a macro."""
    return {notice.part for notice in pending()}


def take(part: str | None = None) -> list[Notice]:
    """Take the notices about one part, or all that are left. Each is shown once."""
    taken = [notice for notice in pending() if part in (None, notice.part)]
    g.notices = [notice for notice in pending() if notice not in taken]
    return taken
