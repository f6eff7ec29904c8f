"""Letters of each kind, as the kinds make them and compose() takes them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from webapp.domain.delivery import DeliveryState
from webapp.domain.ownership import Owner
from webapp.domain.recipients import ContactRole, Place, Reason
from webapp.domain.snapshots import (
    AccountSnapshot,
    AdminSnapshot,
    CircleMember,
    ClientName,
    DayTold,
    Letterhead,
    MailsToDo,
    MailToDo,
    NotArrivedSnapshot,
    PartnerName,
    Party,
    ReminderSnapshot,
    RenewalsToDo,
    RenewalToDo,
    SecurityMatter,
    SecuritySnapshot,
    Snapshot,
    SubscriptionLine,
    TakenOver,
    TakeoverSnapshot,
    TextToForward,
    ToDoClient,
    ToDoSnapshot,
)
from webapp.mail.letter import Letter
from webapp.models import MailKind

DANA = Party("Dana Kowalska", "dana@lodz.example")
JOAO = Party("João Conceição", "joao@lodz.example")
ANA = Party("Ana Żak", "ana@odnowa.example")
CLIENT = ClientName(7, "Łódzkie Zakłady, Sp. z o.o.", "Europe/Warsaw")
PARTNER = PartnerName(1, "Odnowa")

MARKETING = SubscriptionLine(
    id=1,
    product="Marketing Hub Professional",
    cycle=1,
    step=14,
    renewal_date=date(2026, 4, 17),
    deadline=date(2026, 3, 3),
    base_date=date(2026, 3, 3),
    amount=Decimal("9600.00"),
    currency="PLN",
    term_months=12,
    renews_itself=True,
    limits=(3, None),
)
SALES = SubscriptionLine(
    id=2,
    product="Sales Hub Starter",
    cycle=1,
    step=1,
    renewal_date=date(2026, 2, 20),
    deadline=None,
    base_date=date(2026, 2, 20),
    amount=None,
    currency=None,
    term_months=3,
    limits=(1, 3),
)


def member(user_id: int, person: Party, place: Place, *reasons: Reason) -> CircleMember:
    return CircleMember(user_id, person.name, person.email, "pl", place, reasons)


def snapshot(**others: Any) -> ReminderSnapshot:
    """A reminder about both subscriptions to Dana, João and, as a copy, Ana; name what is to differ."""
    plain = ReminderSnapshot(
        recipient=DANA.name,
        owner=Owner.VENDOR,
        client=CLIENT,
        partner=PARTNER,
        circle=(
            member(11, DANA, Place.TO, Reason.PRIMARY, Reason.BILLING),
            member(12, JOAO, Place.TO, Reason.DECISION_MAKER),
            member(1, ANA, Place.COPY, Reason.NOTIFIED),
        ),
        missing=(),
        rejected=(),
        contact=ANA,
        subscriptions=(MARKETING, SALES),
    )
    return replace(plain, **others)


def letter(**others: Any) -> Letter:
    """A reminder to Dana, as of Thursday, 19 February 2026; name what is to differ."""
    plain = Letter(
        kind=MailKind.REMINDER_CLIENT,
        language="en",
        recipient=DANA,
        to=(DANA, JOAO),
        cc=(ANA,),
        sender_name="Odnowa (HubSpot)",
        reply_to=ANA,
        message_id="<one@portal.example>",
        references="<root@portal.example>",
        moment=datetime(2026, 2, 19, 9, tzinfo=ZoneInfo("Europe/Warsaw")),
        snapshot=snapshot(),
        day=date(2026, 2, 19),
        given_by=PARTNER.name,
    )
    return replace(plain, **others)


def to_one(
    kind: MailKind,
    recipient: Party,
    resolved: Snapshot,
    *,
    sender: str = PARTNER.name,
    link: str | None = None,
) -> Letter:
    return letter(
        kind=kind,
        recipient=recipient,
        to=(recipient,),
        cc=(),
        reply_to=None,
        references=None,
        sender_name=sender,
        snapshot=resolved,
        link=link,
    )


PORTAL = "Renewal Portal"
LINK = "https://portal.example/renewals/link/abc.def"
ACCOUNT = AccountSnapshot(
    recipient=DANA.name,
    organisation="Odnowa",
    inviter="Ana Żak",
    expires=datetime(2026, 2, 26, 8, tzinfo=UTC),
    time_zone="Europe/Warsaw",
)
HUB = (MARKETING.product,)
TAKEOVER = TakeoverSnapshot(
    recipient=ANA.name,
    partner=PARTNER,
    time_zone="Europe/Warsaw",
    clients=(
        TakenOver(
            CLIENT.id,
            CLIENT.name,
            Owner.PARTNER,
            sent=(DayTold(date(2026, 1, 21), HUB, (DANA.name, JOAO.name)),),
            next=(DayTold(date(2026, 2, 17), HUB, (ANA.name,)),),
        ),
    ),
)
NOT_ARRIVED = NotArrivedSnapshot(
    recipient=ANA.name,
    partner=PARTNER,
    time_zone="Europe/Warsaw",
    client=CLIENT,
    reader=DANA,
    at_client=True,
    mail=MailKind.REMINDER_CLIENT,
    sent=datetime(2026, 2, 18, 23, 30, tzinfo=UTC),
    reply="550 5.1.1 no <b>such</b> user here",
    address=True,
)
TO_DO = ToDoSnapshot(
    recipient=ANA.name,
    partner=PARTNER,
    time_zone="Europe/Warsaw",
    since=datetime(2026, 2, 9, 7, tzinfo=UTC),
    clients=(ToDoClient(CLIENT.id, CLIENT.name), ToDoClient(8, "Acme")),
    decide=RenewalsToDo(
        53,
        (
            RenewalToDo(8, MARKETING.product, date(2026, 1, 31), True, False),
            RenewalToDo(CLIENT.id, SALES.product, date(2026, 2, 18), False, False),
            RenewalToDo(8, SALES.product, date(2026, 5, 30), True, True, date(2026, 2, 17)),
        ),
    ),
    week=RenewalsToDo(1, (RenewalToDo(8, SALES.product, date(2026, 2, 20), False, False),)),
    month=RenewalsToDo(
        1, (RenewalToDo(CLIENT.id, MARKETING.product, date(2026, 2, 27), True, False),)
    ),
    renewing=RenewalsToDo(
        2,
        (
            RenewalToDo(CLIENT.id, MARKETING.product, date(2026, 2, 21), True, True),
            RenewalToDo(8, MARKETING.product, date(2026, 2, 27), False, True),
        ),
    ),
    not_arrived=MailsToDo(
        1,
        (
            MailToDo(
                CLIENT.id,
                MailKind.REMINDER_CLIENT,
                DANA.name,
                DeliveryState.BOUNCED,
                date(2026, 2, 17),
            ),
        ),
    ),
)
OWN_WORDS = Letterhead(
    introduction=("A <b>word</b> of our own:", "{{ name }} %(name)s", "", "Another one."),
    signature=("Ana Żak", "Odnowa"),
    legal=("Odnowa sp. z o.o., Łódź", "KRS 0000000000, NIP 0000000000"),
    reply_to="answers@odnowa.example",
    privacy_url="https://odnowa.example/privacy?a=1&b=2",
)
NOTICE = SecuritySnapshot(
    recipient=DANA.name,
    matter=SecurityMatter.NEW_DEVICE,
    organisation="Acme",
    at=datetime(2026, 2, 19, 7, 58, tzinfo=UTC),
    time_zone="Europe/Warsaw",
    network="192.0.2.1",
    agent="Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
)
LETTERS: dict[str, Letter] = {
    "reminder_client": letter(),
    "reminder_client_own_words": letter(snapshot=snapshot(letterhead=OWN_WORDS)),
    "reminder_client_copy": letter(recipient=ANA, snapshot=snapshot(subscriptions=(MARKETING,))),
    "reminder_partner": to_one(
        MailKind.REMINDER_PARTNER,
        ANA,
        snapshot(
            owner=Owner.PARTNER,
            circle=(member(1, ANA, Place.TO, Reason.POINT_OF_CONTACT),),
            subscriptions=(SALES,),
            to_forward=TextToForward("pt", ()),
        ),
    ),
    "reminder_partner_renewing": to_one(
        MailKind.REMINDER_PARTNER,
        ANA,
        snapshot(
            owner=Owner.PARTNER,
            circle=(member(1, ANA, Place.TO, Reason.POINT_OF_CONTACT),),
            subscriptions=(MARKETING,),
            to_forward=TextToForward("pl", ()),
        ),
    ),
    "nobody_to_tell": to_one(
        MailKind.NOBODY_TO_TELL,
        ANA,
        snapshot(
            circle=(),
            missing=(ContactRole.BILLING, ContactRole.DECISION_MAKER),
            rejected=(DANA,),
        ),
        sender="Odnowa (HubSpot)",
    ),
    "takeover_note": to_one(MailKind.TAKEOVER_NOTE, ANA, TAKEOVER),
    "not_arrived": to_one(MailKind.NOT_ARRIVED, ANA, NOT_ARRIVED),
    "not_arrived_by_policy": to_one(
        MailKind.NOT_ARRIVED,
        ANA,
        replace(NOT_ARRIVED, address=False, at_client=False, client=None, reply=""),
    ),
    "to_do": to_one(MailKind.TO_DO, ANA, TO_DO),
    "to_do_mails": to_one(
        MailKind.TO_DO,
        ANA,
        replace(
            TO_DO,
            decide=RenewalsToDo(),
            week=RenewalsToDo(),
            month=RenewalsToDo(),
            renewing=RenewalsToDo(),
        ),
    ),
    "to_do_renewing": to_one(
        MailKind.TO_DO,
        ANA,
        replace(
            TO_DO,
            decide=RenewalsToDo(),
            week=RenewalsToDo(),
            month=RenewalsToDo(),
            not_arrived=MailsToDo(),
        ),
    ),
    "invitation": to_one(MailKind.INVITATION, DANA, ACCOUNT, sender=PORTAL, link=LINK),
    "password_reset": to_one(
        MailKind.PASSWORD_RESET, DANA, replace(ACCOUNT, inviter=None), sender=PORTAL, link=LINK
    ),
    "address_confirmation": to_one(
        MailKind.ADDRESS_CONFIRMATION,
        DANA,
        replace(ACCOUNT, inviter=None),
        sender=PORTAL,
        link=LINK,
    ),
    "address_notice": to_one(
        MailKind.ADDRESS_NOTICE,
        DANA,
        replace(ACCOUNT, inviter=None, new_email="dana.new@acme.example"),
        sender=PORTAL,
        link=LINK,
    ),
    "admin_notice": to_one(
        MailKind.ADMIN_NOTICE,
        DANA,
        AdminSnapshot(
            recipient=DANA.name,
            organisation="Acme",
            admin=JOAO.name,
            email=JOAO.email,
            actor="Ana Żak",
        ),
        sender=PORTAL,
    ),
    "security_notice": to_one(MailKind.SECURITY_NOTICE, DANA, NOTICE, sender=PORTAL),
    "security_notice_of_another": to_one(
        MailKind.SECURITY_NOTICE,
        DANA,
        replace(
            NOTICE,
            matter=SecurityMatter.ADDRESS_CHANGED,
            actor=JOAO.name,
            email="dana.new@lodz.example",
            network=None,
            agent=None,
        ),
        sender=PORTAL,
    ),
}
# Two renewals, one by itself, and one with a deadline, to each who may get them.
MORE = {
    "client, one": letter(snapshot=snapshot(subscriptions=(SALES,))),
    "client, renewing": letter(
        snapshot=snapshot(subscriptions=(replace(SALES, renews_itself=True),))
    ),
    "client, deadline first": letter(
        snapshot=snapshot(subscriptions=(MARKETING, replace(SALES, base_date=MARKETING.base_date)))
    ),
    "copy of two": letter(recipient=ANA),
    "partner, two": replace(LETTERS["reminder_partner"], snapshot=snapshot()),
}
ALL = LETTERS | MORE
