"""Signing in and out, links, and what a stranger can't find out."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, select, update

from tests.support.below import everywhere
from tests.support.cast import Cast, let_in, make_user, unit_of_work
from webapp.models import (
    Client,
    Delivery,
    DeliveryState,
    Installation,
    Link,
    LinkPurpose,
    MailKind,
    Partner,
    User,
    db,
)
from webapp.services.accounts import links, logins, membership, people, resets
from webapp.services.clients import archiving
from webapp.signin import password, tokens
from webapp.typography import plain

SECRET = "correct horse battery"


def give_password(app, *user_ids, chosen=SECRET):
    with unit_of_work(app):
        for user_id in user_ids:
            user = db.session.get(User, user_id)
            logins.set_password(let_in(user), password.hash_password(chosen))


def sign_in(client, email, given=SECRET, **others):
    return client.post("/sign-in", data={"email": email, "password": given, **others})


def invitation_to(app, user_id, actor_id=None):
    with unit_of_work(app):
        actor = db.session.get(User, actor_id) if actor_id else None
        return tokens.token(membership.invite(actor, db.session.get(User, user_id)))


@everywhere
def test_signing_in_leads_on_and_is_remembered(app, browse, cast: Cast):
    give_password(app, cast.dave)
    eve = browse()
    answer = sign_in(eve, " DAVE@acme.example ", next="/account/company?x=1")
    assert (answer.status_code, answer.location) == (303, "/account/company?x=1")
    assert eve.get("/account/company").status_code == 200
    with app.app_context():
        assert db.session.get(User, cast.dave).signed_in_at


@everywhere
@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_nobody_is_led_elsewhere(app, browse, cast: Cast, target):
    give_password(app, cast.dave)
    assert sign_in(browse(), "dave@acme.example", next=target).location == "/"


def test_who_belongs_to_an_archived_client_is_told_so_and_nobody_else(app, browse, cast: Cast):
    give_password(app, cast.dave)
    dave = browse(cast.dave)
    assert dave.get("/account/company").status_code == 200
    archive(app, cast, archiving.archive)
    assert dave.get("/account/company").location.startswith("/sign-in")
    answer = sign_in(browse(), "dave@acme.example")
    assert answer.status_code == 422
    assert "your partner has archived it" in plain(answer.text)
    assert "Check both, or set a new" in sign_in(browse(), "dave@acme.example", "wrong").text
    archive(app, cast, archiving.bring_back)
    assert sign_in(browse(), "dave@acme.example").status_code == 303


def archive(app, cast, service):
    with unit_of_work(app):
        service(db.session.get(User, cast.alice), db.session.get(Client, cast.client))


def test_unknown_and_wrong_get_the_same_answer(app, browse, cast: Cast):
    give_password(app, cast.dave)
    wrong = sign_in(browse(), "dave@acme.example", "wrong")
    unknown = sign_in(browse(), "nobody@acme.example", "wrong")
    no_login = sign_in(browse(), "dana@acme.example", "wrong")
    assert {wrong.status_code, unknown.status_code, no_login.status_code} == {422}
    texts = {
        answer.text.replace(name, "").split("<main")[1].split("csrf_token")[0]
        for answer, name in ((wrong, "dave"), (unknown, "nobody"), (no_login, "dana"))
    }
    assert len(texts) == 1
    assert "don&#39;t match" in texts.pop()


@pytest.mark.parametrize("email", ["", "no address", "nul\0@acme.example", "a" * 300])
def test_what_is_no_address_is_refused(browse, cast: Cast, email):
    assert sign_in(browse(), email, "anything").status_code == 422


def test_a_deactivated_user_stays_outside(app, browse, cast: Cast):
    give_password(app, cast.dave)
    with unit_of_work(app):
        membership.deactivate(None, db.session.get(User, cast.dave))
    assert sign_in(browse(), "dave@acme.example").status_code == 422


@everywhere
def test_signing_out_ends_the_session(app, browse, cast: Cast):
    dave = browse(cast.dave)
    assert dave.post("/sign-out").location == "/sign-in"
    assert dave.get("/account/company").location == "/sign-in?next=/account/company"


def test_a_session_that_was_ended_elsewhere_says_so_once(app, browse, cast: Cast):
    dave, said = browse(cast.dave), "Your session has ended."
    give_password(app, cast.dave)
    answer = dave.get("/account/company")
    assert said in dave.get(answer.location).text
    assert said not in dave.get(dave.get("/account/company").location).text
    eve = browse()
    assert said not in eve.get(eve.get("/account/company").location).text


@pytest.mark.parametrize(
    ("language", "said"),
    [("pl", "Wylogowano."), ("pt", "Você saiu da sua conta."), ("en", "You are signed out.")],
)
def test_signing_out_says_so_in_the_language_used(app, browse, cast: Cast, language, said):
    with unit_of_work(app):
        db.session.get_one(User, cast.dave).language = language
    dave = browse(cast.dave)
    dave.post("/sign-out")
    page = dave.get("/sign-in", headers={"Accept-Language": "pt" if language == "pl" else "pl"})
    assert page.headers["Content-Language"].startswith(language)
    assert said in plain(page.text)
    # It is said once.
    assert said not in plain(dave.get("/sign-in").text)


def test_a_link_sets_no_password_that_is_easily_guessed(app, browse, cast: Cast):
    token, eve = invitation_to(app, cast.bob), browse()
    for weak in ("Odnowa Bob 2026", "password12"):
        answer = eve.post(f"/link/{token}", data={"password": weak})
        assert answer.status_code == 422
        assert "This password is easy to guess" in answer.text
        assert weak not in answer.text
    assert eve.post(f"/link/{token}", data={"password": SECRET}).status_code == 303


def test_failures_are_limited_by_email_and_say_so(app, browse, cast: Cast):
    give_password(app, cast.dave)
    eve = browse()
    codes = [sign_in(eve, "Dave@acme.example", "wrong").status_code for _ in range(6)]
    assert codes == [422] * 5 + [429]
    # The right password doesn't help then, and another person is not locked out.
    assert sign_in(eve, "dave@acme.example").status_code == 429
    assert sign_in(eve, "dana@acme.example", "wrong").status_code == 422


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("network", "expected"),
    [("2001:db8:1:1::{:x}", 429), ("192.0.2.{}", 422), ("::ffff:192.0.2.{}", 422)],
)
def test_a_network_of_ipv6_counts_as_one(browse, cast: Cast, network, expected):
    codes = [
        browse()
        .post(
            "/sign-in",
            data={"email": f"person{number}@acme.example", "password": "x"},
            environ_base={"REMOTE_ADDR": network.format(number + 1)},
        )
        .status_code
        for number in range(11)
    ]
    assert codes == [422] * 10 + [expected]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_spelling_of_an_address_counts(browse, cast: Cast):
    spellings = [f"dave@{name}.example" for name in ("acme", "ａcme", "aｃme", "acｍe", "acmｅ")]
    spellings.append("dave@acme。example")
    codes = [sign_in(browse(), one, "wrong").status_code for one in spellings]
    assert codes == [422] * 5 + [429]


@pytest.mark.settings(limits_url="redis://127.0.0.1:1")
def test_people_sign_in_while_the_store_of_the_limits_is_away(app, browse, cast: Cast):
    give_password(app, cast.dave)
    assert sign_in(browse(), "dave@acme.example").status_code == 303
    codes = [sign_in(browse(), "dana@acme.example", "wrong").status_code for _ in range(6)]
    assert codes == [422] * 5 + [429]


def twin_of_dave(app, cast: Cast):
    """Somebody with the same address at another partner, who need not be the same person."""
    with unit_of_work(app):
        other = db.session.get(Partner, cast.other_partner)
        twin = make_user(other, "Dave", email="dave@acme.example")
        db.session.add(twin)
        db.session.flush()
        return twin.id


def test_who_belongs_to_several_organisations_chooses(app, browse, cast: Cast):
    twin_id = twin_of_dave(app, cast)
    give_password(app, cast.dave, twin_id)
    eve = browse()
    answer = sign_in(eve, "dave@acme.example", next="/settings/profile")
    assert answer.location == "/sign-in/organisation?next=/settings/profile"
    assert eve.get("/settings/profile").status_code == 303
    page = eve.get(answer.location).text
    assert "Renova" in page
    assert "Acme" in page
    assert eve.post(answer.location, data={"user_id": cast.dana}).status_code == 404
    assert eve.post(answer.location, data={"user_id": twin_id}).location == "/settings/profile"
    assert "Renova" in eve.get("/settings/profile").text


def test_a_new_password_ends_a_choice_that_is_pending(app, browse, cast: Cast):
    give_password(app, cast.dave, twin_of_dave(app, cast))
    eve = browse()
    choice = sign_in(eve, "dave@acme.example").location
    assert eve.get(choice).status_code == 200
    with unit_of_work(app):
        logins.set_password(logins.find("dave@acme.example"), "another hash")
    assert eve.post(choice, data={"user_id": cast.dave}).location.startswith("/sign-in?")


def test_a_stranger_who_adds_ones_address_gets_not_ones_links(app, browse, cast: Cast):
    give_password(app, cast.dave)
    twin_of_dave(app, cast)
    browse().post("/forgotten-password", data={"email": "dave@acme.example"})
    with unit_of_work(app):
        assert resets.answer()
        assert db.session.scalars(select(Delivery.recipient_id)).all() == [cast.dave]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "onward",
    [
        "//evil.example",
        "/\\evil.example",
        "/a/../../evil",
        "/%2e%2e/evil",
        "/.\\evil",
        "/..",
        "evil",
    ],
)
def test_signing_in_leads_nowhere_else(app, browse, cast: Cast, onward):
    give_password(app, cast.dave)
    assert sign_in(browse(), "dave@acme.example", next=onward).location == "/"


def test_choosing_needs_the_password_and_soon(app, browse, cast: Cast):
    give_password(app, cast.dave, twin_of_dave(app, cast))
    eve = browse()
    assert eve.get("/sign-in/organisation").location == "/sign-in?next=/"
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        choice = sign_in(eve, "dave@acme.example").location
        clock.shift(timedelta(minutes=9))
        assert eve.get(choice).status_code == 200
        clock.shift(timedelta(minutes=2))
        assert eve.post(choice, data={"user_id": cast.dave}).location.startswith("/sign-in?")
        assert eve.get("/account/company").status_code == 303


@everywhere
def test_an_invitation_sets_a_password_once(app, browse, cast: Cast):
    token = invitation_to(app, cast.dave, cast.dana)
    eve = browse()
    assert "dave@acme.example" in eve.get(f"/link/{token}").text
    short = eve.post(f"/link/{token}", data={"password": "short"})
    assert (short.status_code, "at least 10" in short.text) == (422, True)
    assert eve.post(f"/link/{token}", data={"password": SECRET}).location == "/"
    assert eve.get("/account/company").status_code == 200
    again = browse().post(f"/link/{token}", data={"password": "another long one"})
    assert again.status_code == 410
    assert sign_in(browse(), "dave@acme.example").status_code == 303


@pytest.fixture(params=[LinkPurpose.INVITATION, LinkPurpose.PASSWORD_RESET])
def link_of_dave(app, cast: Cast, request):
    """The address of a link of Dave's, who reads Polish, by invitation and for a new password."""
    with unit_of_work(app):
        dave = db.session.get_one(User, cast.dave)
        dave.language = "pl"
        login = let_in(dave) if request.param is LinkPurpose.PASSWORD_RESET else None
        return f"/link/{tokens.token(links.send(dave, request.param, login=login))}"


def spoken(answer):
    return answer.headers["Content-Language"]


def test_a_link_speaks_the_language_of_whom_it_is_for(browse, cast: Cast, link_of_dave):
    portuguese = {"Accept-Language": "pt"}
    eve = browse()
    eve.post("/language", data={"language": "en", "next": "/sign-in"})
    for reader in (browse(), eve, browse(cast.alice)):
        page = reader.get(link_of_dave, headers=portuguese)
        assert (page.status_code, spoken(page)) == (200, "pl")
        assert "Ustaw hasło" in plain(page.text)
    short = eve.post(link_of_dave, data={"password": "short"}, headers=portuguese)
    assert (short.status_code, spoken(short)) == (422, "pl")


def test_a_link_speaks_its_organisations_language_to_whom_chose_none(app, browse, cast: Cast):
    token = invitation_to(app, cast.dave)
    with unit_of_work(app):
        db.session.get_one(User, cast.dave).organisation.language = "pt"
    assert spoken(browse().get(f"/link/{token}")) == "pt-BR"


@pytest.mark.parametrize("who", [None, "alice"])
def test_another_language_may_be_chosen_on_the_page_of_a_link(
    browse, cast: Cast, link_of_dave, who
):
    eve = browse(who and getattr(cast, who))
    assert spoken(eve.get(f"{link_of_dave}?lang=pt")) == "pt-BR"
    assert eve.post("/language", data={"language": "en", "next": link_of_dave}).status_code == 303
    assert spoken(eve.get(link_of_dave)) == "en"
    assert spoken(eve.post(link_of_dave, data={"password": "short"})) == "en"


def test_a_link_that_is_over_leads_on_in_its_language(app, browse, cast: Cast, link_of_dave):
    with unit_of_work(app):
        db.session.execute(update(Link).values(expires_at=datetime.now(UTC)))
    eve = browse()
    page = eve.get(link_of_dave)
    assert (page.status_code, spoken(page)) == (410, "pl")
    assert 'href="/sign-in?lang=pl"' in page.text
    assert 'href="/forgotten-password?lang=pl"' in page.text


@pytest.mark.parametrize("has_password", [False, True])
def test_who_is_signed_in_as_somebody_else_knows_before(app, browse, cast: Cast, has_password):
    if has_password:
        give_password(app, cast.dave)
    address, alice = f"/link/{invitation_to(app, cast.dave)}", browse(cast.alice)
    assert "Somebody else is signed in here: Alice." in plain(alice.get(address).text)
    assert "Somebody else is signed in here" not in browse().get(address).text
    answer = alice.post(address, data={"password": SECRET})
    assert answer.location == ("/sign-in" if has_password else "/")
    # The other session is over either way.
    assert alice.get("/partner/dashboard").status_code in (303, 403)


def test_an_accepted_invitation_leads_on_in_its_language(app, browse, cast: Cast):
    give_password(app, cast.dave)
    token = invitation_to(app, cast.dave)
    with unit_of_work(app):
        db.session.get_one(User, cast.dave).language = "pl"
    eve = browse()
    page = eve.get(eve.post(f"/link/{token}").location)
    assert spoken(page) == "pl"
    assert "Przyjęto zaproszenie." in plain(page.text)


def test_opening_a_link_changes_nothing(app, browse, cast: Cast, statements):
    token = invitation_to(app, cast.dave)
    with statements() as log:
        assert browse().get(f"/link/{token}").status_code == 200
    assert not [one for one in log if one.startswith(("UPDATE", "INSERT", "DELETE"))]


def test_an_invitation_never_replaces_a_password(app, browse, cast: Cast):
    give_password(app, cast.dave)
    token = invitation_to(app, cast.dave)
    eve = browse()
    page = eve.get(f"/link/{token}").text
    assert "Accept" in page
    assert 'type="password"' not in page
    answer = eve.post(f"/link/{token}", data={"password": "of somebody else"})
    assert answer.location == "/sign-in"
    assert eve.get("/account/company").status_code == 303
    assert sign_in(eve, "dave@acme.example", "of somebody else").status_code == 422
    assert sign_in(eve, "dave@acme.example").status_code == 303


@pytest.mark.parametrize("spoil", ["expired", "deactivated", "replaced", "moved", "made up"])
def test_links_that_are_over(app, browse, cast: Cast, spoil):
    token = invitation_to(app, cast.dave)
    with unit_of_work(app):
        dave = db.session.get(User, cast.dave)
        if spoil == "expired":
            db.session.execute(update(Link).values(expires_at=datetime.now(UTC)))
        elif spoil == "deactivated":
            membership.deactivate(None, dave)
        elif spoil == "replaced":
            membership.invite(None, dave)
        elif spoil == "moved":
            people.edit_person(None, dave, email="victim@elsewhere.example")
        else:
            token = token[:-2]
    eve = browse()
    assert eve.get(f"/link/{token}").status_code == 410
    assert eve.post(f"/link/{token}", data={"password": SECRET}).status_code == 410
    with app.app_context():
        assert logins.find("dave@acme.example") is None
        assert logins.find("victim@elsewhere.example") is None


@everywhere
def test_a_forgotten_password_is_set_anew_and_ends_sessions(app, browse, cast: Cast):
    give_password(app, cast.dave)
    dave = browse(cast.dave)
    answer = browse().post("/forgotten-password", data={"email": "Dave@acme.example"})
    assert answer.location == "/forgotten-password?sent=1"
    with unit_of_work(app):
        assert resets.answer()
        mail = db.session.scalars(select(Delivery)).one()
        assert (mail.kind, mail.state) == (MailKind.PASSWORD_RESET, DeliveryState.QUEUED)
        assert (mail.email, mail.language) == ("dave@acme.example", "en")
        assert mail.partner_id is None
        token = tokens.token(db.session.get_one(Link, mail.link_id))
        # The key itself is nowhere in the database.
        assert token not in str(mail.snapshot)
    eve = browse()
    assert eve.post(f"/link/{token}", data={"password": "a new long one"}).location == "/"
    assert dave.get("/account/company").status_code == 303
    assert sign_in(browse(), "dave@acme.example", "a new long one").status_code == 303


def test_one_click_signs_in_only_in_demo_mode(browse, cast: Cast):
    assert browse().post("/sign-in/demo", data={"user_id": cast.dave}).status_code == 404


@pytest.mark.settings(demo=True)
def test_one_click_is_a_demo_person(app, browse, cast: Cast):
    with unit_of_work(app):
        db.session.scalars(select(Installation)).one().demo = True
    give_password(app, cast.dave)
    eve = browse()
    assert f'value="{cast.dave}"' in eve.get("/sign-in").text
    answer = eve.post("/sign-in/demo", data={"user_id": cast.dave, "next": "/account/company"})
    assert answer.location == "/account/company"
    assert eve.get("/account/company").status_code == 200
    assert eve.post("/sign-in/demo", data={"user_id": 999_999}).status_code == 404
    with unit_of_work(app):
        archiving.archive(None, db.session.get_one(Client, cast.client))
    assert eve.post("/sign-in/demo", data={"user_id": cast.dave}).status_code == 404


@pytest.mark.parametrize("page", ["/sign-in", "/forgotten-password", "/link/none"])
@pytest.mark.parametrize(("language", "word"), [("pl", "hasł"), ("pt", "senha"), ("en", "assword")])
def test_pages_speak_each_language(browse, page, language, word):
    assert word in browse().get(page, query_string={"lang": language}).text


def test_an_old_link_does_not_open_another_one_that_bears_its_id(app, cast: Cast):
    """Ids come again in a database that was put back from a backup."""
    with unit_of_work(app):
        link = membership.invite(None, db.session.get_one(User, cast.dave))
        link_id, old = link.id, tokens.token(link)
        db.session.execute(delete(Delivery))
        db.session.execute(delete(Link))
    with unit_of_work(app):
        now = datetime.now(UTC)
        again = Link(
            id=link_id,
            user_id=cast.alice,
            email="alice@odnowa.example",
            purpose=LinkPurpose.PASSWORD_RESET,
            created_at=now,
            expires_at=now + timedelta(hours=2),
        )
        db.session.add(again)
        db.session.flush()
        assert tokens.read(tokens.token(again)) is again
        assert tokens.read(old) is None
