"""The three contacts of a client."""

import pytest
from sqlalchemy import select

from tests.support.cast import Cast
from webapp.domain.recipients import ContactRole
from webapp.domain.refusals import Refusal
from webapp.models import AuditEntry, Client, db
from webapp.services.accounts import membership, people
from webapp.services.clients import contacts
from webapp.services.errors import Conflict, Refused
from webapp.services.reminders import loading

PRIMARY, BILLING, DECISION_MAKER = ContactRole


@pytest.fixture
def acme(context, cast: Cast) -> Client:
    return db.session.get(Client, cast.client)


def holding(cast: Cast, **others: int | None) -> dict[ContactRole, int | None]:
    shown = {PRIMARY: cast.dana, BILLING: cast.dave, DECISION_MAKER: cast.dana}
    return shown | {ContactRole(role): user for role, user in others.items()}


def test_roles_move_empty_and_are_audited(dana, acme, cast: Cast):
    wanted = holding(cast, primary=cast.dave, billing=None)
    contacts.assign_contacts(dana, acme, wanted, contacts.shown(holding(cast)))
    assert contacts.holders(acme.id) == wanted
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.organisation_id, entry.client_id) == (cast.partner, cast.client)
    assert entry.changes == {"primary": [cast.dana, cast.dave], "billing": [cast.dave, None]}


def test_saving_twice_is_saving_once(dana, acme, cast: Cast):
    wanted = holding(cast, billing=None)
    for _ in range(2):
        contacts.assign_contacts(dana, acme, wanted, contacts.shown(holding(cast)))
    assert len(db.session.scalars(select(AuditEntry)).all()) == 1


def test_two_who_change_different_roles_both_succeed(dana, acme, cast: Cast):
    contacts.assign_contacts(dana, acme, holding(cast, billing=None), contacts.shown(holding(cast)))
    contacts.assign_contacts(
        dana, acme, holding(cast, primary=cast.dave), contacts.shown(holding(cast))
    )
    assert contacts.holders(acme.id) == holding(cast, billing=None, primary=cast.dave)


def test_two_who_change_the_same_role_don_t_overwrite_one_another(dana, acme, cast: Cast):
    contacts.assign_contacts(dana, acme, holding(cast, billing=None), contacts.shown(holding(cast)))
    with pytest.raises(Conflict):
        contacts.assign_contacts(
            dana, acme, holding(cast, billing=cast.dana), contacts.shown(holding(cast))
        )
    assert contacts.holders(acme.id)[BILLING] is None


def test_a_role_left_as_shown_stays_as_it_is_held():
    shown, wanted, held = (
        {PRIMARY: 1, BILLING: 2},
        {PRIMARY: 3, BILLING: 2},
        {PRIMARY: 4, BILLING: 5},
    )
    assert contacts.merged(contacts.shown(shown), wanted, held) == {PRIMARY: 3, BILLING: 5}
    assert contacts.merged(None, wanted, held) == wanted


@pytest.mark.parametrize("who", ["other_dana", "alice", "nobody", "deactivated"])
def test_only_active_people_of_the_company(dana, acme, cast: Cast, who):
    if who == "deactivated":
        eva = people.add_person(dana, acme, name="Eva", email="eva@acme.example")
        membership.deactivate(dana, eva)
        user_id = eva.id
    else:
        user_id = getattr(cast, who, 999_999)
    with pytest.raises(Refused) as error:
        contacts.assign_contacts(
            dana, acme, holding(cast, billing=user_id), contacts.shown(holding(cast))
        )
    assert (error.value.field, error.value.refusal) == ("billing", Refusal.STRANGER)


def test_the_list_says_who_holds_what(dana, acme, cast: Cast):
    held = contacts.held_in(loading.load_one(acme.id))
    assert held == contacts.holders(acme.id) == holding(cast)
    listed = contacts.with_roles(people.team(acme.id), held)
    assert [(one.user.name, one.roles) for one in listed] == [
        ("Dana", (PRIMARY, DECISION_MAKER)),
        ("Dave", (BILLING,)),
    ]
