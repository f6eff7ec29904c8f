"""Letters of each kind, as services hand them to compose()."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from webapp.mail.compose import Letter, Party
from webapp.models import MailKind

DANA = Party("Dana Kowalska", "dana@lodz.example")
JOAO = Party("João Conceição", "joao@lodz.example")
ANA = Party("Ana Żak", "ana@odnowa.example")
LODZ = "Łódzkie Zakłady, Sp. z o.o."

MARKETING: dict[str, Any] = {
    "id": 1,
    "product": "Marketing Hub Professional",
    "renewal_date": "2026-04-17",
    "deadline": "2026-03-03",
    "base_date": "2026-03-03",
    "amount": "9600.00",
    "currency": "PLN",
}
SALES: dict[str, Any] = {
    "id": 2,
    "product": "Sales Hub Starter",
    "renewal_date": "2026-02-20",
    "deadline": None,
    "base_date": "2026-02-20",
    "amount": None,
    "currency": None,
}


def member(user_id: int, person: Party, place: str, *reasons: str) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "name": person.name,
        "email": person.email,
        "language": "pl",
        "place": place,
        "reasons": list(reasons),
    }


def facts(**others: Any) -> dict[str, Any]:
    return {
        "owner": "vendor",
        "client": {"id": 7, "name": LODZ},
        "partner": {"id": 1, "name": "Odnowa"},
        "circle": [
            member(11, DANA, "to", "primary", "billing"),
            member(12, JOAO, "to", "decision_maker"),
            member(1, ANA, "cc", "notified"),
        ],
        "missing": [],
        "refused": [],
        "contact": {"name": ANA.name, "email": ANA.email},
        "subscriptions": [MARKETING, SALES],
        "day": "2026-02-19",
        "cc_only": False,
    } | others


def letter(**others: Any) -> Letter:
    """A reminder to Dana, as of Thursday, 19 February 2026; name what is to differ."""
    plain = Letter(
        kind=MailKind.REMINDER_CLIENT,
        language="en",
        recipient=DANA,
        to=(DANA, JOAO),
        cc=(ANA,),
        sender_name="HubSpot",
        reply_to=ANA,
        message_id="<one@portal.example>",
        references="<root@portal.example>",
        date=datetime(2026, 2, 19, 9, tzinfo=ZoneInfo("Europe/Warsaw")),
        facts=facts(),
    )
    return replace(plain, **others)


def to_one(kind: MailKind, recipient: Party, given: dict[str, Any]) -> Letter:
    return letter(
        kind=kind,
        recipient=recipient,
        to=(recipient,),
        cc=(),
        reply_to=None,
        references=None,
        facts=given,
    )


ACCOUNT = {
    "organisation": "Odnowa",
    "inviter": "Ana Żak",
    "link": "https://portal.example/renewals/link/abc.def",
    "expires": "2026-02-26T08:00:00+00:00",
    "time_zone": "Europe/Warsaw",
}
LETTERS: dict[str, Letter] = {
    "reminder_client": letter(),
    "reminder_client_copy": letter(recipient=ANA, facts=facts(subscriptions=[MARKETING])),
    "reminder_partner": to_one(
        MailKind.REMINDER_PARTNER,
        ANA,
        facts(
            owner="partner",
            circle=[member(1, ANA, "to", "point_of_contact")],
            subscriptions=[SALES],
        ),
    ),
    "nobody_to_tell": to_one(
        MailKind.NOBODY_TO_TELL,
        ANA,
        facts(
            circle=[],
            missing=["billing", "decision_maker"],
            refused=[{"name": DANA.name, "email": DANA.email}],
        ),
    ),
    "takeover_note": to_one(
        MailKind.TAKEOVER_NOTE,
        ANA,
        {
            "partner": {"id": 1, "name": "Odnowa"},
            "recipient": ANA.name,
            "time_zone": "Europe/Warsaw",
            "clients": [
                {
                    "id": 7,
                    "name": LODZ,
                    "owner": "partner",
                    "sent": [
                        {
                            "day": "2026-01-21",
                            "products": ["Marketing Hub Professional"],
                            "people": [DANA.name, JOAO.name],
                        }
                    ],
                    "next": [
                        {
                            "day": "2026-02-17",
                            "products": ["Marketing Hub Professional"],
                            "people": [ANA.name],
                        }
                    ],
                }
            ],
        },
    ),
    "invitation": to_one(MailKind.INVITATION, DANA, ACCOUNT),
    "password_reset": to_one(MailKind.PASSWORD_RESET, DANA, ACCOUNT | {"inviter": None}),
}
