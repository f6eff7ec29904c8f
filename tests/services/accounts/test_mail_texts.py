"""A partner's own words: stored in each language, checked, undone, and never overwritten unseen."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from webapp.domain.refusals import Refusal
from webapp.models import AuditEntry, Partner, Wording, db
from webapp.models.organisation import LONGEST_LEGAL, LONGEST_URL
from webapp.models.wording import LONGEST_INTRODUCTION, LONGEST_SIGNATURE
from webapp.services.accounts import mail_texts
from webapp.services.accounts.mail_texts import CompanyData, Texts
from webapp.services.errors import Conflict, Refused
from webapp.services.trail import undo

EMPTY = CompanyData(None, None, None)


@pytest.fixture
def partner(context, cast):
    return db.session.get(Partner, cast.partner)


def test_texts_are_stored_for_one_partner_and_language(alice, partner, cast):
    wanted = Texts("Two\r\nlines \n\n\n", "  ")
    entry = mail_texts.save_texts(alice, partner, "pl", wanted)
    stored = mail_texts.texts_of(partner)
    assert stored == {"pl": Texts("Two\nlines", None), "pt": Texts(), "en": Texts()}
    assert (entry.subject, entry.changes) == ("Polski", {"introduction": [None, "Two\nlines"]})
    assert mail_texts.save_texts(alice, partner, "pl", wanted) is None
    other = db.session.get(Partner, cast.other_partner)
    assert set(mail_texts.texts_of(other).values()) == {Texts()}


def test_each_change_of_a_text_is_undone(alice, partner):
    mail_texts.save_texts(alice, partner, "pl", Texts("First", "Ana"))
    entry = mail_texts.save_texts(alice, partner, "pl", Texts("Second", "Ana"))
    undo.undo(alice, entry)
    assert mail_texts.texts_of(partner)["pl"] == Texts("First", "Ana")
    first = db.session.scalar(select(AuditEntry).order_by(AuditEntry.id).limit(1))
    with pytest.raises(Conflict):
        undo.undo(alice, db.session.get(AuditEntry, entry.id))
    assert first.subject_id == entry.subject_id


def test_a_text_that_changed_since_is_not_undone(alice, partner):
    first = mail_texts.save_texts(alice, partner, "pl", Texts("First"))
    mail_texts.save_texts(alice, partner, "pl", Texts("Second"))
    with pytest.raises(Conflict):
        undo.undo(alice, db.session.get(AuditEntry, first.id))
    assert mail_texts.texts_of(partner)["pl"] == Texts("Second")


def test_two_languages_do_not_disturb_each_other(alice, partner):
    tokens = {code: mail_texts.shown(texts) for code, texts in mail_texts.texts_of(partner).items()}
    for code, token in tokens.items():
        assert mail_texts.save_texts(alice, partner, code, Texts(code), token)
    assert db.session.scalar(select(func.count(Wording.id))) == len(tokens)


def test_a_stale_form_is_told_who_was_quicker(alice, partner):
    token = mail_texts.shown(Texts())
    entry = mail_texts.save_texts(alice, partner, "pl", Texts("First"), token)
    with pytest.raises(Conflict) as conflict:
        mail_texts.save_texts(alice, partner, "pl", Texts("Second"), token)
    assert conflict.value.entry.id == entry.id
    assert mail_texts.save_texts(alice, partner, "pl", Texts("First"), token) is None


def test_company_data_is_stored_and_undone(alice, partner):
    wanted = CompanyData(" answers@ODNOWA.example ", "Odnowa\r\nNIP 1", "https://odnowa.example/x")
    entry = mail_texts.save_company(alice, partner, wanted)
    stored = CompanyData("answers@odnowa.example", "Odnowa\nNIP 1", "https://odnowa.example/x")
    assert mail_texts.company_of(partner) == stored
    token = mail_texts.shown(EMPTY)
    with pytest.raises(Conflict):
        mail_texts.save_company(alice, partner, replace(stored, legal="Other"), token)
    undo.undo(alice, entry)
    assert mail_texts.company_of(partner) == EMPTY


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("reply_to", "answers", Refusal.ADDRESS_NO_AT),
        ("reply_to", "a@b.example\r\nBcc: c@d.example", Refusal.ADDRESS_CHARACTERS),
        ("legal", "a\u202eb", Refusal.INVISIBLE),
        ("legal", "x" * (LONGEST_LEGAL + 1), Refusal.TOO_LONG),
        ("privacy_url", "odnowa.example/privacy", Refusal.WEB_ADDRESS),
        ("privacy_url", "javascript:alert(1)", Refusal.WEB_ADDRESS),
        ("privacy_url", "https://a:b@odnowa.example/", Refusal.WEB_ADDRESS),
        ("privacy_url", "https://odnowa.example/" + "x" * LONGEST_URL, Refusal.TOO_LONG),
    ],
)
def test_company_data_that_cannot_be_used_is_refused(alice, partner, field, value, why):
    with pytest.raises(Refused) as refusal:
        mail_texts.save_company(alice, partner, replace(EMPTY, **{field: value}))
    assert (refusal.value.field, refusal.value.refusal) == (field, why)


@pytest.mark.parametrize(
    ("texts", "field", "why"),
    [
        (Texts("One\ntwo\x00"), "introduction", Refusal.INVISIBLE),
        (Texts("x" * (LONGEST_INTRODUCTION + 1)), "introduction", Refusal.TOO_LONG),
        (Texts(None, "x" * (LONGEST_SIGNATURE + 1)), "signature", Refusal.TOO_LONG),
    ],
)
def test_texts_that_cannot_be_used_are_refused(alice, partner, texts, field, why):
    with pytest.raises(Refused) as refusal:
        mail_texts.save_texts(alice, partner, "pl", texts)
    assert (refusal.value.field, refusal.value.refusal) == (field, why)


def test_the_longest_texts_are_stored(alice, partner):
    longest = Texts("ż" * LONGEST_INTRODUCTION, "ż" * LONGEST_SIGNATURE)
    assert mail_texts.save_texts(alice, partner, "pl", longest)
    assert mail_texts.texts_of(partner)["pl"] == longest
