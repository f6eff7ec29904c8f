"""Nobody reads an address as it goes over the wire: every page shows and takes the letters of its language."""

import re

import pytest

from tests.support.cast import let_in, make_user, unit_of_work
from tests.support.forms import pages
from webapp.domain.ownership import Owner
from webapp.models import (
    DeliveryState,
    InboxMail,
    Installation,
    LinkPurpose,
    MailKind,
    Partner,
    User,
    db,
)
from webapp.models.audit import AuditAction, AuditEntry, AuditKind
from webapp.services import runtime
from webapp.services.accounts import links, logins
from webapp.services.sending import sample_mails
from webapp.signin import tokens

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.settings(demo=True),
]
TYPED, STORED = "żółw.example", "xn--w-uga1v8h.example"
# What is no text: where a link leads, and the values of options.
SILENT = re.compile(r'href="mailto:[^"]*"|<option value="[^"]*"')


@pytest.fixture
def abroad(app, cast):
    """Everybody at the partner and the client has such an address, and it stands in trail, inbox and mails."""
    with unit_of_work(app):
        db.session.get_one(Installation, 1).demo = True
        for user in db.session.query(User):
            before, user.email = user.email, f"{user.name.split()[0].lower()}@{STORED}"
            user.email_key = user.email
            db.session.add(
                AuditEntry(
                    at=runtime.now(),
                    organisation_id=cast.partner,
                    client_id=cast.client,
                    actor_id=cast.alice,
                    action=AuditAction.USER_CHANGED,
                    kind=AuditKind.CONTACTS,
                    subject_id=user.id,
                    subject=user.name,
                    changes={"email": [before, user.email]},
                )
            )
        alice, partner = (
            db.session.get_one(User, cast.alice),
            db.session.get_one(Partner, cast.partner),
        )
        # A namesake, so that dropdowns tell both by their addresses.
        db.session.add(make_user(partner, alice.name, email=f"other@{STORED}"))
        db.session.flush()
        mail = sample_mails.send(alice, partner, MailKind.REMINDER_CLIENT, "pl")
        mail.state = DeliveryState.UNCLEAR
        mail.client_id, mail.partner_id = cast.client, cast.partner
        partner.default_owner = Owner.PARTNER
        message = f"From: a@b.example\r\nTo: Alice <alice@{STORED}>\r\nDate: Thu, 19 Feb 2026 09:00:00 +0100\r\n\r\n-"
        dave = db.session.get_one(User, cast.dave)
        logins.set_password(let_in(dave), "-")
        invitation = tokens.token(links.send(dave, LinkPurpose.INVITATION))
        db.session.add(
            InboxMail(
                received_at=runtime.now(),
                sender="a@b.example",
                recipient=f"alice@{STORED}",
                message=message.encode(),
            )
        )
    return f"/link/{invitation}"


def test_every_page_shows_letters(app, browse, cast, values, abroad):
    shown = 0
    for reader, address in (*pages(app, cast, values), (None, abroad)):
        page = browse(reader).get(address, follow_redirects=True).get_data(as_text=True)
        assert "xn--" not in SILENT.sub("", page), address
        shown += TYPED in page
    assert shown > 10
