"""The last check of mails about to go out, by the rules and facts of now."""

from collections.abc import Sequence
from datetime import datetime

from webapp.domain.facts import ClientFacts, MailKind
from webapp.domain.reminders import DayPlan
from webapp.domain.snapshots import Letterheads, ReminderSnapshot
from webapp.mail import kinds
from webapp.models import Delivery, db
from webapp.services.reminders import loading
from webapp.services.sending import archived, letterheads, outbox, takeover_notes, todo

# Mails to a partner's own people, and what takes those back that are no longer true.
TO_TEAM = {
    MailKind.TAKEOVER_NOTE: takeover_notes.take_back_outdated,
    MailKind.TO_DO: todo.take_back_outdated,
}


def still_right(queued: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """Choose the mails that the rules would write in the same way now.

    Of the others, the client's mails, the takeover notes, or the To-do mails are issued anew. A mail that is
    resent after an unclear end stays as it is, since it may have arrived. None goes out about an archived client.
    """
    queued = archived.take_back(queued, now)
    loose = [delivery for delivery in queued if not delivery.resends]
    outdated = [
        delivery
        for kind, take_back in TO_TEAM.items()
        for delivery in take_back([one for one in loose if is_real(one, kind)], now)
    ]
    checked = [delivery for delivery in loose if delivery.client_id is not None]
    fixed = [
        delivery for delivery in queued if delivery not in outdated and delivery not in checked
    ]
    loaded = loading.load(
        sorted({delivery.client_id for delivery in checked if delivery.client_id})
    )
    heads = letterheads.load({client.partner.id for client in loaded.values()})
    plans = {id: outbox.plan_now(client, now) for id, client in loaded.items()}
    right: list[Delivery] = []
    wrong: list[Delivery] = []
    for delivery in checked:
        assert delivery.client_id is not None
        client = loaded[delivery.client_id]
        same = is_right(delivery, client, plans[client.id], heads[client.partner.id], now)
        (right if same else wrong).append(delivery)
    stale = {delivery.client_id for delivery in wrong if delivery.client_id}
    # Other mails of such a client may be superseded, too. They wait for the next claim.
    right = [delivery for delivery in right if delivery.client_id not in stale]
    for delivery in checked:
        if delivery.client_id in stale:
            db.session.expunge(delivery)
    if stale:
        outbox.issue(sorted(stale), now)
    return fixed + right


def is_real(delivery: Delivery, kind: MailKind) -> bool:
    """Tell whether a mail is of this kind, and no test of one: what is made up is always right."""
    if delivery.kind is not kind:
        return False
    snapshot = kinds.read_or_none(delivery.kind, delivery.snapshot)
    return snapshot is None or not snapshot.test


def is_right(
    delivery: Delivery, client: ClientFacts, plan: DayPlan, heads: Letterheads, now: datetime
) -> bool:
    for mail in plan.mails:
        if (mail.recipient.person.id, mail.kind) == (delivery.recipient_id, delivery.kind):
            snapshot = ReminderSnapshot.of(client, plan.circle, mail, heads)
            same = outbox.same(delivery, mail.recipient.person, snapshot)
            return same and mail.day == delivery.day and mail.send_at <= now
    return False
