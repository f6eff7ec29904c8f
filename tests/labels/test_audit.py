"""The audit trail in words."""

from datetime import UTC, datetime

import pytest

from webapp.labels import audit as changes
from webapp.models import AuditEntry
from webapp.models.audit import AuditAction
from webapp.services.audit import TrailLine
from webapp.typography import plain

BACK = "Brought back: Acme. Reminders are planned again."
# Days of what must be decided, and of what renews by itself.
DIFFERENT = "%s (must be decided), %s (renews by itself)"


def entry(action=AuditAction.CLIENT_CHANGED, **fields):
    return AuditEntry(
        at=datetime(2026, 3, 3, tzinfo=UTC),
        organisation_id=1,
        action=action.value,
        subject_id=1,
        subject="Acme",
        changes={field: list(values) for field, values in fields.items()},
    )


def shown(present=None, /, **fields):
    return TrailLine(
        *(1, datetime(2026, 3, 3, tzinfo=UTC), AuditAction.CLIENT_CHANGED, 1, 1, "Acme"),
        *({field: list(values) for field, values in fields.items()}, False, None, None, present),
    )


@pytest.mark.parametrize("action", AuditAction)
def test_every_action_has_a_sentence(app, action):
    with app.test_request_context():
        assert changes.sentence(entry(action, sending=(False, True)))


@pytest.mark.parametrize(
    ("language", "on", "words"),
    [
        ("en", True, "Sending turned on"),
        ("pl", True, "Włączono wysyłanie"),
        ("pt", False, "Envio automático desativado"),
    ],
)
def test_a_switch_is_turned_one_way(app, language, on, words):
    with app.test_request_context(headers={"Accept-Language": language}):
        switched = entry(AuditAction.SENDING_CHANGED, sending=(not on, on))
        assert plain(changes.sentence(switched)) == words


@pytest.mark.parametrize(
    ("action", "fields", "words"),
    [
        (AuditAction.CLIENT_ARCHIVED, {"archived": (False, True)}, BACK),
        (AuditAction.CLIENT_BROUGHT_BACK, {"archived": (True, False)}, "Archived: Acme"),
        (AuditAction.MAIL_ARRIVED, {"state": ("unclear", "sent")}, "It arrived"),
        (AuditAction.SUBSCRIPTION_CANCELLED, {"cancelled": (False, True)}, "Not renewed"),
    ],
)
def test_what_is_undone_is_told_by_its_button(app, action, fields, words):
    with app.test_request_context():
        undone = plain(changes.undone(entry(action, **fields), "Bakery"))
    decided = f"Undone: Acme ({words}), client: Bakery"
    assert undone == (decided if action in changes.DECISIONS else words)


@pytest.mark.parametrize(
    ("action", "author"),
    [
        (AuditAction.USER_CHANGED, "Operator"),
        (AuditAction.USER_ADDED_BY_SIGN_IN, "The organisation's own sign-in"),
        (AuditAction.USER_CHANGED_BY_SIGN_IN, "The organisation's own sign-in"),
        (AuditAction.SUBSCRIPTION_ROLLED, "Portal"),
    ],
)
def test_who_did_what_nobody_did(app, action, author):
    with app.test_request_context():
        assert plain(changes.author(entry(action), None, "Portal")) == author


@pytest.mark.parametrize(
    ("field", "values", "words"),
    [
        ("owner", (None, "partner"), ("Renewal owner", "Default", "Partner")),
        ("owner", ("vendor", None), ("Renewal owner", "HubSpot", "Default")),
        ("contact_id", (None, 7), ("Point of contact", "Default", "Ana")),
        ("primary", (7, None), ("Primary contact", "Ana", "–")),
        (
            "renewal_date",
            ("2026-03-31", "2027-03-31"),
            ("Renewal date", "31 Mar 2026", "31 Mar 2027"),
        ),
        ("term_months", (1, 12), ("Term", "1 month", "1 year")),
        ("amount", (None, "12600.5"), ("Amount", "–", "12,600.50")),
        ("state", ("unclear", "sent"), ("Result", "Not sure", "Sent")),
        ("language", ("pl", "pt"), ("Language", "Polski", "Português (Brasil)")),
        # A list of days, from before there were rows.
        (
            "steps_text",
            ("30,7", ":/7"),
            ("Days before", "30, 7", f"all terms: {DIFFERENT % ('none', '7')}"),
        ),
        (
            "steps_text",
            ("3:30,7/;:60/60", "12:60/;:90/30"),
            (
                "Days before",
                f"terms up to 3 months: {DIFFERENT % ('30, 7', 'none')}; terms longer than 3 months: 60",
                "; ".join(
                    (
                        f"terms up to 12 months: {DIFFERENT % ('60', 'none')}",
                        f"terms longer than 12 months: {DIFFERENT % ('90', '30')}",
                    )
                ),
            ),
        ),
        (
            "deadline_rule_text",
            ("P45D", "P1M"),
            (
                "Rule for decision deadlines",
                "45 days before the renewal date",
                "1 month before the renewal date",
            ),
        ),
        (
            "deadline_rule_text",
            (None, "P1D"),
            ("Rule for decision deadlines", "–", "1 day before the renewal date"),
        ),
        (
            "renews_itself",
            (False, True),
            ("At the end of the term", "Must be decided", "Renews by itself"),
        ),
        ("city", (None, "Łódź"), ("City", "–", "Łódź")),
    ],
)
def test_values_in_words(app, field, values, words):
    with app.test_request_context():
        said = changes.changes(shown(**{field: values}), {7: "Ana"}, "en", "HubSpot")
        assert [(one.label, plain(one.before), plain(one.after)) for one in said] == [words]


@pytest.mark.parametrize(
    ("language", "fields", "words"),
    [
        ("pl", {"amount": ("12790", "13069.5")}, ("12 790,00 zł", "13 069,50 zł")),
        ("pt", {"amount": (None, "12790")}, ("–", "PLN 12.790,00")),
        (
            "en",
            {"amount": ("12790", "3000"), "currency": ("EUR", "BRL")},
            ("€12,790.00", "R$3,000.00"),
        ),
        ("en", {"amount": ("90", None), "currency": ("EUR", None)}, ("€90.00", "–")),
    ],
)
def test_amounts_are_money_of_their_time(app, language, fields, words):
    with app.test_request_context():
        said = changes.changes(shown("PLN", **fields), {}, language, "HubSpot")[0]
        assert (plain(said.before), plain(said.after)) == words


def test_a_person_has_a_full_name_and_a_company_a_name(app):
    """Polish has different words for the two."""
    with app.test_request_context(headers={"Accept-Language": "pl"}):
        labels = [
            changes.changes(entry(action, name=("A", "B")), {}, "pl", "HubSpot")[0].label
            for action in (AuditAction.USER_CHANGED, AuditAction.CLIENT_CHANGED)
        ]
    assert list(map(plain, labels)) == ["Imię i nazwisko", "Nazwa"]


def test_what_only_the_program_needs_is_left_out(app):
    with app.test_request_context():
        hidden = entry(cycle=(1, 2), sort_key=("a", "b"))
        assert changes.changes(hidden, {}, "en", "HubSpot") == []


@pytest.mark.parametrize(
    ("action", "fields", "name"),
    [
        (AuditAction.CLIENT_CHANGED, ["name", "city"], "Acme (Name, City)"),
        (AuditAction.USER_CHANGED, ["name"], "Acme (Full name)"),
        (AuditAction.DEFAULT_CHANGED, ["default_owner"], "Default renewal owner"),
    ],
)
def test_what_was_changed_has_a_name(app, action, fields, name):
    with app.test_request_context():
        assert changes.named(entry(action, **dict.fromkeys(fields, (1, 2)))) == name
