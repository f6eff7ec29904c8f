"""People: who they are, what an address means, who may do what to whom."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from werkzeug.local import LocalProxy

from tests.services.refusals import refusal
from tests.support.cast import Cast, let_in
from webapp.domain.refusals import Refusal
from webapp.domain.snapshots import Letterhead
from webapp.domain.snapshots.base import as_json_value
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryState,
    Link,
    MailKind,
    Partner,
    Reminder,
    ReminderState,
    SignInMethod,
    db,
)
from webapp.models.user import MOST_EARLIER
from webapp.services.accounts import addresses, logins, membership, people, sessions
from webapp.services.errors import Conflict


def entries() -> list[tuple[str, int, int | None, dict]]:
    rows = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    return [(row.action, row.organisation_id, row.client_id, row.changes) for row in rows]


def test_a_person_of_a_client_is_on_the_partners_trail(alice, cast: Cast):
    acme = db.session.get(Client, cast.client)
    zofia = people.add_person(alice, acme, name=" Zofia  Żuk ", email="Zofia@ACME.example")
    assert (zofia.name, zofia.email, zofia.email_key) == (
        "Zofia Żuk",
        "Zofia@acme.example",
        "zofia@acme.example",
    )
    assert entries() == [
        ("user.added", cast.partner, cast.client, {"email": [None, "Zofia@acme.example"]})
    ]


@pytest.mark.parametrize(
    ("name", "email", "expected"),
    [
        ("Zofia", "DANA@acme.example", ("email", Refusal.ADDRESS_TAKEN)),
        ("Zofia", "zofia", ("email", Refusal.ADDRESS_NO_AT)),
        ("Zofia", "zofia\r\nBcc: x@acme.example", ("email", Refusal.ADDRESS_CHARACTERS)),
        ("  ", "zofia@acme.example", ("name", Refusal.EMPTY)),
        ("Zo\0fia", "zofia@acme.example", ("name", Refusal.CONTROL)),
    ],
)
def test_what_is_refused(alice, cast: Cast, name, email, expected):
    acme = db.session.get(Client, cast.client)
    assert refusal(people.add_person, alice, acme, name=name, email=email) == expected


def test_one_address_in_two_organisations(alice, cast: Cast):
    odnowa = db.session.get(Partner, cast.partner)
    assert people.add_person(alice, odnowa, name="Dana", email="dana@acme.example").id


def test_a_new_address_clears_the_refusal_and_is_invited_again(alice, dave):
    dave.rejected_reply, dave.invited_at = "550 no such user", datetime.now(UTC)
    old_link = membership.invite(alice, dave)
    people.edit_person(alice, dave, email="dave.new@acme.example")
    db.session.refresh(old_link)
    assert dave.rejected_reply is None
    assert old_link.used_at
    mails = db.session.scalars(select(Delivery).order_by(Delivery.id)).all()
    assert [(mail.email, mail.state) for mail in mails] == [
        ("dave@acme.example", DeliveryState.CANCELLED),
        ("dave.new@acme.example", DeliveryState.QUEUED),
    ]


def test_a_refused_address_that_is_right_is_tried_again(alice, dave, cast: Cast):
    people.edit_person(alice, dave, address_right=True)
    assert entries() == []
    dave.rejected_reply = "550 5.1.1 no such user"
    db.session.add(
        Reminder(
            subscription_id=cast.subscription,
            client_id=cast.client,
            base_date=date(2027, 3, 31),
            step=30,
            cycle=1,
            due_on=date(2027, 3, 1),
            state=ReminderState.BLOCKED,
            planned_at=datetime.now(UTC),
        )
    )
    people.edit_person(alice, dave, email="dave@acme.example", address_right=True)
    assert dave.rejected_reply is None
    changes = {"rejected_reply": ["550 5.1.1 no such user", None]}
    assert entries() == [("user.changed", cast.partner, cast.client, changes)]
    assert db.session.scalars(select(Reminder.state)).all() == [ReminderState.DUE]


def test_a_contact_without_access_moves_silently(alice, dave):
    people.edit_person(alice, dave, email="dave.new@acme.example")
    assert not db.session.scalars(select(Link)).all()


def test_a_partner_may_not_move_a_member(alice, dana, dave):
    let_in(dave)
    change = {"email": "alices.friend@acme.example"}
    assert refusal(people.edit_person, alice, dave, **change) == ("email", Refusal.ADDRESS_IN_USE)
    people.edit_person(alice, dave, name="David", email="dave@acme.example")
    people.edit_person(dana, dave, **change)
    assert dave.email == change["email"]


def test_only_an_admin_moves_the_invitation_of_a_clients_admin(alice, bob, dave):
    """Whoever has its mailbox becomes the client's admin."""
    dave.admin = True
    membership.invite(alice, dave)
    change = {"email": "bobs.alias@acme.example"}
    assert refusal(people.edit_person, bob, dave, **change) == ("email", Refusal.ADDRESS_OF_ADMIN)
    people.edit_person(alice, dave, **change)
    assert dave.email == change["email"]
    notice = select(Delivery).where(Delivery.kind == MailKind.ADMIN_NOTICE)
    (told,) = db.session.scalars(notice).all()
    assert (told.email, told.snapshot["email"]) == ("dana@acme.example", change["email"])


def test_a_members_mail_moves_without_the_login(dana, dave):
    login = let_in(dave)
    people.edit_person(dana, dave, email="dave.new@acme.example")
    assert (dave.email, login.email) == ("dave.new@acme.example", "dave@acme.example")
    assert logins.of(dave) is login
    assert not db.session.scalars(select(Link)).all()


def test_an_own_new_address_waits(dana):
    let_in(dana)
    # As a page hands it in.
    entry = people.edit_person(
        LocalProxy(lambda: dana), dana, name="Dana II", email="dana.new@acme.example"
    )
    assert (dana.name, dana.email) == ("Dana II", "dana@acme.example")
    assert entry.changes.keys() == {"name"}
    assert addresses.waiting(dana).email == "dana.new@acme.example"


def test_earlier_addresses_are_kept_the_newest_first(dana, dave):
    for name in ("David", "dave", "dave.new"):
        people.edit_person(dana, dave, email=f"{name}@acme.example")
    assert dave.earlier_emails == "dave@acme.example david@acme.example"
    for number in range(30):
        people.edit_person(dana, dave, email=f"dave{number}@acme.example")
    assert dave.earlier_emails.startswith("dave28@acme.example dave27@acme.example ")
    assert len(dave.earlier_emails.encode()) <= MOST_EARLIER


def test_a_stale_form_is_a_conflict_unless_it_says_the_same(dana, dave):
    shown = people.shown(dave, {"name"})
    people.edit_person(dana, dave, shown=shown, name="David")
    people.edit_person(dana, dave, shown=shown, name="David")
    with pytest.raises(Conflict):
        people.edit_person(dana, dave, shown=shown, name="Davy")
    assert dave.name == "David"


def test_signing_in_makes_no_form_stale(dana, dave):
    shown = people.shown(dave, {"name"})
    logins.signed_in(dave)
    db.session.expire_all()
    assert dave.signed_in_at
    people.edit_person(dana, dave, shown=shown, name="David")


def test_the_last_active_admin_stays_one(dana, dave):
    assert refusal(people.edit_person, dana, dana, admin=False) == ("admin", Refusal.LAST_ADMIN)
    assert refusal(membership.deactivate, dana, dana) == ("active", Refusal.LAST_ADMIN)
    people.edit_person(dana, dave, admin=True)
    membership.deactivate(dana, dana)
    assert refusal(people.edit_person, dave, dave, admin=False) == ("admin", Refusal.LAST_ADMIN)


def test_role_and_deactivation_end_sessions(dana, dave):
    let_in(dave)
    for change in (
        lambda: people.edit_person(dana, dave, admin=True),
        lambda: membership.deactivate(dana, dave),
    ):
        key = sessions.begin(dave, SignInMethod.PASSWORD)
        assert sessions.find(key)
        change()
        assert sessions.find(key) is None
    membership.activate(dana, dave)
    assert [action for action, *_ in entries()] == [
        "user.changed",
        "user.deactivated",
        "user.activated",
    ]


def test_an_invitation_speaks_its_readers_language_and_holds_no_key(alice, dave, cast: Cast):
    dave.organisation.language = "pt"
    link = membership.invite(alice, dave)
    mail = db.session.scalars(select(Delivery)).one()
    assert mail.language == "pt"
    assert mail.link_id == link.id
    assert mail.send_before == link.expires_at
    assert mail.snapshot == {
        "version": 2,
        "recipient": "Dave",
        "test": False,
        "organisation": "Acme",
        "inviter": "Alice",
        "expires": link.expires_at.isoformat(),
        "time_zone": "Europe/Warsaw",
        "new_email": None,
        "letterhead": as_json_value(Letterhead()),
    }
    assert entries()[-1][0] == "user.invited"
