"""The demo's people, who sign in with one click."""

from dataclasses import dataclass

from sqlalchemy import case, func, select

from webapp.domain.access import Role
from webapp.models import (
    Credential,
    CredentialKind,
    Installation,
    Login,
    Membership,
    SignInMethod,
    User,
    db,
)
from webapp.models.tables import client_table, organisation_table, partner_table
from webapp.services.accounts import open_doors

# Everybody in the demo signs in with this password. The addresses are fictional.
PASSWORD = "renewal-demo"
company, agency = organisation_table.alias(), organisation_table.alias()


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody who can sign in. ``partner``: the person's own organisation, or that of a client's person."""

    user_id: int
    email: str
    password: str
    name: str
    role: Role
    organisation: str
    language: str
    partner: str


def accounts() -> list[DemoAccount]:
    """List who can sign in: each partner's people, then its clients'. Empty without demo data.

    Whoever comes in by a door signs in there.
    """
    partner_id = func.coalesce(client_table.c.partner_id, company.c.id)
    rows = db.session.execute(
        select(
            User.id,
            Login.email,
            User.name,
            User.admin,
            func.coalesce(User.language, company.c.language).label("language"),
            company.c.name.label("organisation"),
            company.c.kind,
            agency.c.name.label("partner"),
            partner_table.c.slug,
        )
        .join(company, company.c.id == User.organisation_id)
        .outerjoin(client_table, client_table.c.id == company.c.id)
        .outerjoin(partner_table, partner_table.c.id == company.c.id)
        .join(agency, agency.c.id == partner_id)
        .join(Membership, Membership.user_id == User.id)
        .join(Login, Login.id == Membership.login_id)
        .join(
            Credential,
            (Credential.login_id == Login.id) & (Credential.kind == CredentialKind.PASSWORD),
        )
        .where(
            User.active,
            client_table.c.archived_at.is_(None),
            select(Installation.demo).scalar_subquery(),
        )
        .order_by(partner_id, case((company.c.kind == "partner", 0), else_=1), User.id)
    )
    return [
        DemoAccount(
            user_id=row.id,
            email=row.email,
            password=PASSWORD,
            name=row.name,
            role=Role(f"{row.kind} {'admin' if row.admin else 'member'}"),
            organisation=row.organisation,
            language=row.language,
            partner=row.partner,
        )
        for row in rows
        if open_doors.is_good(SignInMethod.LINK, row.slug)
    ]
