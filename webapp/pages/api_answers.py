"""The answers of the programming interface: rows as JSON, in the language of the token's user."""

import json
from collections.abc import Mapping
from datetime import UTC, date
from hashlib import sha256
from typing import Any

from flask import Response, g, request
from flask_babel import get_locale

from webapp.domain.ownership import Owner, PointOfContact
from webapp.labels import audit, codes
from webapp.pages import headers
from webapp.pages.bearers import client_page
from webapp.services import runtime
from webapp.services.lists.open_renewals import OpenRenewal, RenewalPlace
from webapp.services.trail import events
from webapp.services.trail.settled import Newest


def tagged(values: Mapping[str, Any], **besides: Any) -> Response:
    """Answer with JSON and its tag, or with 304 to who has it. ``besides``: members that the tag does not tell."""
    text = json.dumps(values, ensure_ascii=False)
    response = Response(
        json.dumps({**values, **besides}, ensure_ascii=False) + "\n", mimetype="application/json"
    )
    response.set_etag(sha256(text.encode()).hexdigest()[:32], weak=True)
    g.cache_control = headers.ASKED_EACH_TIME
    response.make_conditional(request)
    return response


def renewal(row: OpenRenewal) -> dict[str, Any]:
    reader = "client" if row.owner.owner is Owner.VENDOR else "partner"
    return {
        "id": row.id,
        "client": {
            "id": row.client_id,
            "name": row.client,
            "external_id": row.external_id,
            "page": client_page(row.client_id),
        },
        "product": row.product,
        "decision_on": row.decision_on.isoformat(),
        "overdue": row.overdue,
        "deadline": row.deadline and row.deadline.isoformat(),
        "renewal_date": row.renewal_date.isoformat(),
        "renews_itself": row.renews_itself,
        "term_months": row.term_months,
        # As it was entered, for one term. A number of JSON would be rounded by some.
        "amount": None if row.amount is None else f"{row.amount:.2f}",
        "currency": row.currency,
        "owner": {
            "side": row.owner.owner.value,
            "source": "client" if row.owner.own else "default",
        },
        "contact": contact(row.contact),
        "next_step": row.reminder_on and {"on": row.reminder_on.isoformat(), "mail_to": reader},
    }


def contact(chosen: PointOfContact) -> dict[str, Any]:
    return {
        "source": chosen.source.value,
        "people": [{"name": person.name, "email": person.email} for person in chosen.people],
    }


def renewal_place(place: RenewalPlace | None) -> str | None:
    return f"{place.day.toordinal()}.{place.client_id}" if place else None


def read_renewal_place(text: str | None) -> RenewalPlace | None:
    """Read a place as ``renewal_place`` wrote it. A day that is none becomes the next one that is."""
    if text is None:
        return None
    day, _point, client_id = text.partition(".")
    ordinal = min(max(int(day), date.min.toordinal()), date.max.toordinal())
    return RenewalPlace(date.fromordinal(ordinal), int(client_id))


def event(row: Any, names: Mapping[int, str]) -> dict[str, Any]:
    """Write one event: an entry of the trail, or a new state of a mail."""
    about = {"id": row.client_id, "name": row.client, "page": client_page(row.client_id)}
    common = {
        "at": row.at.astimezone(UTC).isoformat(),
        "by": {"id": row.actor_id, "name": row.actor} if row.actor_id else None,
        "client": about if row.client_id else None,
    }
    return (changed(row, names) if events.is_entry(row) else became(row)) | common


def changed(row: Any, names: Mapping[int, str]) -> dict[str, Any]:
    words = audit.changes(row, names, str(get_locale()), runtime.settings().vendor_name)
    return {
        "id": f"history-{row.id}",
        "type": "history",
        "kind": row.action,
        "sentence": audit.sentence(row),
        "changes": [
            {"label": change.label, "before": change.before, "after": change.after}
            for change in words
        ],
    }


def became(row: Any) -> dict[str, Any]:
    return {
        "id": f"mail-{row.id}",
        "type": "mail",
        "kind": row.kind.value,
        "sentence": str(codes.MAIL_STAGES[row.state]),
        "mail": {
            "id": row.delivery_id,
            "name": str(codes.MAIL_KINDS[row.kind]),
            "state": row.state.value,
            "recipient": {"name": row.recipient, "email": row.email},
            "reply": row.reply and codes.reply(row.reply),
        },
    }


def event_place(place: Newest) -> str:
    return f"{place.entry}.{place.event}"


def read_event_place(text: str | None) -> Newest:
    """Read a place as ``event_place`` wrote it; without one, the beginning."""
    entry, _point, outcome = (text or "0.0").partition(".")
    return Newest(int(entry), int(outcome))
