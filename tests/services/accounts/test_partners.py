"""Partners: the first admin, the defaults of all clients, the schedule, the sending switch; and undo."""

from dataclasses import replace
from datetime import date, time

import pytest
from sqlalchemy import select

from webapp.domain.ownership import Owner
from webapp.domain.refusals import Refusal
from webapp.domain.steps import DEFAULT_STEPS, StepRow
from webapp.domain.terms import DeadlineRule
from webapp.models import AuditEntry, Partner, Subscription, User, db
from webapp.services.accounts import membership, partners
from webapp.services.accounts.partners import Default, Terms
from webapp.services.errors import Conflict, Refused
from webapp.services.trail import undo


@pytest.fixture
def partner(context, cast):
    return db.session.get(Partner, cast.partner)


def test_a_new_partner_lets_the_vendor_own_and_sends_nothing(context):
    added = partners.add_partner(None, "Księgowość & Spółka", "ana@odnowa.example", "pl")
    ana = db.session.get(User, added.notified_user_id)
    assert added.slug == "ksiegowosc-spolka"
    assert (added.default_owner, added.sending, added.steps) == (
        Owner.VENDOR,
        False,
        DEFAULT_STEPS,
    )
    assert partners.terms_of(added) == Terms(renews_itself=False, deadline_rule_text=None)
    assert (ana.email, ana.admin, ana.organisation_id) == ("ana@odnowa.example", True, added.id)


def test_two_partners_of_one_name_have_slugs_of_their_own(context):
    slugs = [
        partners.add_partner(None, name, "ana@odnowa.example", "pl").slug
        for name in ("Nowa", "NOWA", "Nowa-2", "!")
    ]
    assert slugs == ["nowa", "nowa-2", "nowa-2-2", "partner"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"admin_email": "no address"}, "email"),
        ({"language": "de"}, "language"),
        ({"time_zone": "Europe/Nowhere"}, "time_zone"),
    ],
)
def test_what_cannot_be_a_partner_is_refused(context, values, field):
    facts = {"name": "Nowa", "admin_email": "ana@nowa.example", "language": "pl"} | values
    with pytest.raises(Refused) as refusal:
        partners.add_partner(None, **facts)
    assert refusal.value.field == field


def test_the_default_is_saved_and_undone(alice, partner, cast):
    entry = partners.save_default(alice, partner, Default(Owner.PARTNER, cast.bob))
    assert partners.default_of(partner) == Default(Owner.PARTNER, cast.bob)
    assert undo.undoable(alice, entry)
    assert not undo.undoable(db.session.get(User, cast.bob), entry)
    undo.undo(alice, entry)
    assert partners.default_of(partner) == Default(Owner.VENDOR, cast.alice)
    assert not undo.undoable(alice, db.session.get(AuditEntry, entry.id))


def test_an_undo_that_would_need_somebody_who_is_gone_is_a_conflict(alice, partner, cast):
    bob = db.session.get(User, cast.bob)
    partners.save_default(alice, partner, Default(Owner.PARTNER, cast.bob))
    entry = partners.save_default(alice, partner, Default(Owner.PARTNER, cast.alice))
    membership.deactivate(alice, bob)
    with pytest.raises(Conflict):
        undo.undo(alice, entry)


@pytest.mark.parametrize(
    ("who", "owner", "why"),
    [
        (None, Owner.PARTNER, Refusal.NOTIFIED_NEEDED),
        ("charlie", Owner.VENDOR, Refusal.NO_OPTION),
        ("dana", Owner.VENDOR, Refusal.NO_OPTION),
    ],
)
def test_the_notified_user_is_one_of_the_partners(alice, partner, cast, who, owner, why):
    with pytest.raises(Refused) as refusal:
        partners.save_default(alice, partner, Default(owner, who and getattr(cast, who)))
    assert (refusal.value.field, refusal.value.refusal) == ("notified_user_id", why)


def test_somebody_deactivated_stays_but_is_not_chosen_anew(alice, partner, cast):
    bob = db.session.get(User, cast.bob)
    membership.deactivate(alice, bob)
    with pytest.raises(Refused):
        partners.save_default(alice, partner, Default(Owner.VENDOR, cast.bob))
    partner.notified_user_id = cast.bob
    assert partners.save_default(alice, partner, Default(Owner.VENDOR, cast.bob)) is None
    with pytest.raises(Refused):
        partners.save_default(alice, partner, Default(Owner.PARTNER, cast.bob))


def test_the_same_values_from_a_stale_form_are_success(alice, partner, cast):
    shown = partners.shown(partners.default_of(partner))
    wanted = Default(Owner.PARTNER, cast.alice)
    assert partners.save_default(alice, partner, wanted, shown)
    assert partners.save_default(alice, partner, wanted, shown) is None


def test_other_values_from_a_stale_form_are_a_conflict(alice, partner, cast):
    shown = partners.shown(partners.default_of(partner))
    partners.save_default(alice, partner, Default(Owner.PARTNER, cast.alice), shown)
    with pytest.raises(Conflict):
        partners.save_default(alice, partner, Default(Owner.VENDOR, cast.bob), shown)
    assert partner.notified_user_id == cast.alice


def test_new_steps_move_what_needs_attention(alice, partner, cast):
    schedule = replace(partners.schedule_of(partner), steps_text="1:3/;:7, 45 7/30")
    entry = partners.save_schedule(alice, partner, schedule)
    assert partner.steps == (StepRow(1, (3,), ()), StepRow(None, (45, 7), (30,)))
    subscription = db.session.get(Subscription, cast.subscription)
    assert subscription.attention_on == date(2027, 2, 14)
    undo.undo(alice, entry)
    assert subscription.attention_on == date(2026, 12, 31)


def test_what_holds_at_the_end_of_terms_is_saved_and_undone(alice, partner, cast):
    before = partners.terms_of(partner)
    subscription = db.session.get(Subscription, cast.subscription)
    subscription.deadline_by_rule = True
    wanted = Terms(renews_itself=True, deadline_rule_text="P45D")
    entry = partners.save_terms(alice, partner, wanted)
    assert (partner.renews_itself, partner.deadline_rule) == (True, DeadlineRule(days=45))
    db.session.refresh(subscription)
    assert subscription.deadline == date(2027, 2, 14)
    assert partners.save_terms(alice, partner, wanted) is None
    undo.undo(alice, entry)
    assert partners.terms_of(partner) == before
    db.session.refresh(subscription)
    # It is for new ones, and this one must still be decided.
    assert (subscription.deadline, subscription.renews_itself) == (None, False)


@pytest.mark.parametrize("rule", ["P0D", "P366D", "P25M", "45", "P1Y"])
def test_a_rule_that_cannot_be_is_refused(alice, partner, rule):
    with pytest.raises(Refused) as refusal:
        partners.save_terms(alice, partner, Terms(False, rule))
    assert refusal.value.field == "deadline_count"
    assert refusal.value.refusal is Refusal.DEADLINE_RULE


def test_a_changed_window_is_undone_with_its_times(alice, partner):
    before = partners.schedule_of(partner)
    wanted = replace(before, window_opens=time(8, 30), window_days="056")
    entry = partners.save_schedule(alice, partner, wanted)
    assert partners.schedule_of(partner) == wanted
    undo.undo(alice, entry)
    assert partners.schedule_of(partner) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"steps_text": ":soon/"}, "steps_text"),
        ({"steps_text": ":-3/"}, "steps_text"),
        ({"steps_text": ":/9999"}, "steps_text"),
        ({"steps_text": " , "}, "steps_text"),
        ({"steps_text": "121:/;:/"}, "steps_text"),
        ({"steps_text": f":{','.join(map(str, range(1, 23)))}/"}, "steps_text"),
        ({"window_days": ""}, "window_days"),
        ({"window_closes": time(9)}, "window_closes"),
    ],
)
def test_a_schedule_that_cannot_work_is_refused(alice, partner, change, field):
    with pytest.raises(Refused) as refusal:
        partners.save_schedule(alice, partner, replace(partners.schedule_of(partner), **change))
    assert refusal.value.field == field


def test_sending_is_switched_and_undone(alice, partner):
    entry = partners.switch(alice, partner, "sending", True)
    assert partner.sending
    assert partners.switch(alice, partner, "sending", True) is None
    undo.undo(alice, entry)
    assert not partner.sending


def test_an_entry_without_a_way_back_is_a_conflict(alice, context):
    partners.add_partner(alice, "Nowa", "ana@nowa.example", "pl")
    entry = db.session.scalars(select(AuditEntry)).first()
    assert not undo.undoable(alice, entry)
    with pytest.raises(Conflict):
        undo.undo(alice, entry)


@pytest.mark.settings(mail_url="inbox:")
def test_sending_to_nobody_is_not_turned_on(alice, partner):
    with pytest.raises(Refused) as refusal:
        partners.switch(alice, partner, "sending", True)
    assert refusal.value.refusal is Refusal.NO_MAIL_SERVER
    partner.sending = True
    # It was turned on while there was a mail server.
    assert partners.switch(alice, partner, "sending", False)
    assert not partner.sending
