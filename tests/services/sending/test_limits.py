"""Mails that people cause: counted by mailbox, organisation and kind, wherever they are queued."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.support.cast import Cast, let_in, make_user
from webapp.domain.mail_limits import HOUR, LIMITS, Errand
from webapp.domain.refusals import Refusal
from webapp.domain.retention import DataKind
from webapp.models import CountedMail, Delivery, Link, MailKind, Partner, User, db
from webapp.services.accounts import addresses, links, membership, people
from webapp.services.erasing import retention
from webapp.services.errors import TooMany
from webapp.services.sending import sample_mails


def user(user_id: int) -> User:
    return db.session.get_one(User, user_id)


def queued() -> int:
    return db.session.scalar(select(func.count()).select_from(Delivery)) or 0


def until_refused(cause) -> tuple[int, TooMany]:
    """Cause mails until one is refused; return how often it went well, and the refusal."""
    for times in range(200):
        try:
            with db.session.begin_nested():
                cause(times)
        except TooMany as refused:
            return times, refused
    raise AssertionError("nothing was refused")


def test_a_mailbox_gets_few_invitations_by_whatever_address(context, cast: Cast):
    alice, acme = user(cast.alice), user(cast.dana).organisation

    def invite(number):
        email = f"Target+{number}@victim.example"
        person = people.add_person(alice, acme, name="Target", email=email)
        membership.invite(alice, person)

    times, refused = until_refused(invite)
    assert (times, queued()) == (LIMITS[Errand.INVITATION].mailbox, times)
    assert refused.refusal is Refusal.MAILBOX_LIMIT
    assert 3590 < refused.seconds <= 3600
    # Nothing is half-written, and the next mailbox is free.
    assert db.session.scalar(select(func.count()).select_from(Link)) == times
    membership.invite(alice, user(cast.dave))


def test_several_organisations_fill_a_mailbox_together(context, cast: Cast):
    twins = [
        make_user(user(actor).organisation, f"Twin {actor}", email="twin@victim.example")
        for actor in (cast.alice, cast.charlie)
    ]
    db.session.add_all(twins)
    db.session.flush()
    actors = user(cast.alice), user(cast.charlie)
    times, _refused = until_refused(
        lambda number: membership.invite(actors[number % 2], twins[number % 2])
    )
    assert times == LIMITS[Errand.INVITATION].mailbox


def test_an_organisation_sends_only_so_many_invitations(context, cast: Cast):
    alice, odnowa = user(cast.alice), db.session.get_one(Partner, cast.partner)

    def invite(number):
        email = f"person{number}@odnowa.example"
        membership.invite(alice, people.add_person(alice, odnowa, name="P", email=email))

    times, refused = until_refused(invite)
    assert times == LIMITS[Errand.INVITATION].organisation
    assert refused.refusal is Refusal.ORGANISATION_LIMIT
    # Another kind of mail, and another organisation, go on.
    sample_mails.send(alice, odnowa, MailKind.INVITATION, "en")
    charlie, renova = user(cast.charlie), db.session.get_one(Partner, cast.other_partner)
    person = people.add_person(charlie, renova, name="P", email="person@renova.example")
    membership.invite(charlie, person)


def test_test_mails_count_together_whatever_their_kind(context, cast: Cast):
    alice, odnowa = user(cast.alice), db.session.get_one(Partner, cast.partner)
    kinds = list(MailKind)
    times, refused = until_refused(
        lambda number: sample_mails.send(alice, odnowa, kinds[number % len(kinds)], "en")
    )
    assert times == LIMITS[Errand.TEST].mailbox
    assert refused.refusal is Refusal.MAILBOX_LIMIT
    membership.invite(alice, user(cast.dave))


def test_who_changes_the_address_again_and_again_floods_nobody(context, cast: Cast):
    dave = user(cast.dave)
    let_in(dave)
    times, _refused = until_refused(lambda number: addresses.ask(dave, f"{number}@victim.example"))
    assert times == LIMITS[Errand.ADDRESS_NOTICE].mailbox
    times, _refused = until_refused(lambda number: addresses.ask(dave, f"d+{number}@other.example"))
    assert times == 0


def test_a_new_address_can_be_stopped_however_many_resets_there_were(context, cast: Cast):
    dave = user(cast.dave)
    login = let_in(dave)
    addresses.ask(dave, "thief@elsewhere.example")
    stop = db.session.scalars(
        select(Link).where(Link.purpose == links.LinkPurpose.ADDRESS_STOP)
    ).one()
    until_refused(lambda _: links.send(dave, links.LinkPurpose.PASSWORD_RESET, login=login))
    addresses.stop(stop)
    assert dave.email == "dave@acme.example"


def test_an_hour_later_there_is_room_and_nothing_is_kept(context, cast: Cast):
    alice, dave = user(cast.alice), user(cast.dave)
    until_refused(lambda _: membership.invite(alice, dave))
    retention.forget(DataKind.COUNTED_MAIL)
    assert db.session.scalar(select(func.count()).select_from(CountedMail)) > 0
    for row in db.session.scalars(select(CountedMail)):
        row.at -= HOUR + timedelta(seconds=1)
    db.session.flush()
    membership.invite(alice, dave)
    retention.forget(DataKind.COUNTED_MAIL)
    assert db.session.scalar(select(func.count()).select_from(CountedMail)) == 1


@pytest.mark.parametrize("people_there", [1, 30])
def test_many_mails_at_once_are_counted_by_two_statements(
    context, cast: Cast, statements, people_there
):
    acme = user(cast.dana).organisation
    for number in range(people_there):
        db.session.add(make_user(acme, f"P{number}", email=f"p{number}@acme.example"))
    user(cast.dana).admin = False
    db.session.flush()
    dave = user(cast.dave)
    with statements() as log:
        membership.invite(user(cast.alice), dave)
    counting = [statement for statement in log if "counted_mail" in statement]
    assert [statement.split()[0] for statement in counting] == ["SELECT", "INSERT"] * 2
