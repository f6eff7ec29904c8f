"""A peer: Flask-Admin over the portal's tables, tuned: all relations in one statement, and no count of all rows.

People sign in by Flask-Login, over the portal's own users.
"""

import os
from collections import Counter
from datetime import date
from typing import Any

from flask import Flask, redirect, request
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_admin.contrib.sqla.fields import QuerySelectField
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, String, cast, event, func, select
from sqlalchemy.orm import column_property, joinedload

PARTNER = 1
db = SQLAlchemy()
app = Flask(__name__)
app.config.update(
    SECRET_KEY="a key for a bench on the loopback address",
    SQLALCHEMY_DATABASE_URI=os.environ["BENCH_DATABASE"],
)
db.init_app(app)
logins = LoginManager(app)
column = db.Column
# Stands between the amounts of one client.
SEPARATOR = ";"
# By the number of people at the client who can be told.
REACH = ("Nobody to tell", "At risk", "Reachable")


class Organisation(db.Model):
    __tablename__ = "organisation"
    id = column(db.BigInteger, primary_key=True)
    name = column(db.String)

    def __str__(self) -> str:
        return str(self.name)


class Person(db.Model, UserMixin):
    __tablename__ = "user"
    id = column(db.BigInteger, primary_key=True)
    organisation_id = column(db.BigInteger, ForeignKey("organisation.id"))
    name = column(db.String)
    active = column(db.Boolean)
    organisation = db.relationship(Organisation)

    def __str__(self) -> str:
        return str(self.name)


class Subscription(db.Model):
    __tablename__ = "subscription"
    id = column(db.BigInteger, primary_key=True)
    client_id = column(db.BigInteger)
    attention_on = column(db.Date)
    decision_on = column(db.Date)
    renewal_date = column(db.Date)
    amount = column(db.Numeric)
    currency = column(db.String)
    cancelled = column(db.Boolean)


def found(value: Any, *conditions: Any) -> Any:
    """Look something up among the subscriptions of a client that run."""
    rows = select(value).where(Subscription.cancelled.is_(False), *conditions)
    return column_property(rows.correlate_except(Subscription).scalar_subquery())


class Client(db.Model):
    __tablename__ = "client"
    id = column(db.BigInteger, ForeignKey("organisation.id"), primary_key=True)
    partner_id = column(db.BigInteger)
    archived_at = column(db.DateTime)
    city = column(db.String)
    words = column(db.String)
    sort_key = column(db.String)
    first_decision_on = column(db.Date)
    undecided_on = column(db.Date)
    situation = column(db.String)
    owner = column(db.String)
    contact_id = column(db.BigInteger, ForeignKey("user.id"))
    organisation = db.relationship(Organisation)
    contact = db.relationship(Person)
    next_step = found(
        func.min(Subscription.attention_on),
        Subscription.client_id == id,
        Subscription.decision_on >= func.current_date(),
    )
    renewal = found(
        func.min(Subscription.renewal_date),
        Subscription.client_id == id,
        Subscription.decision_on == first_decision_on,
    )
    amounts = found(
        func.aggregate_strings(
            Subscription.currency + " " + cast(Subscription.amount, String), SEPARATOR
        ),
        Subscription.client_id == id,
        Subscription.decision_on == first_decision_on,
    )

    @property
    def decision(self) -> str:
        first, renewal = self.first_decision_on, self.renewal
        return str(first) if renewal in (None, first) else f"{first}, renews {renewal}"

    @property
    def amount(self) -> str:
        sums: Counter[str] = Counter()
        for entry in self.amounts.split(SEPARATOR) if self.amounts else ():
            currency, amount = entry.split()
            sums[currency] += float(amount)
        return ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sums.items())

    @property
    def next_mail(self) -> date | None:
        return self.next_step and max(self.next_step, date.today())  # noqa: DTZ011

    @property
    def status(self) -> str:
        today = date.today()  # noqa: DTZ011 the reader's day is enough for a peer
        overdue = "Overdue " if self.undecided_on < today else ""
        return overdue + REACH[min(int(self.situation[2]), 2)]


with app.app_context():
    if db.engine.dialect.name == "sqlite":

        @event.listens_for(db.engine, "connect")
        def on_connect(connection: Any, record: Any) -> None:
            for pragma in ("busy_timeout=15000", "journal_mode=WAL", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")


@logins.user_loader
def load_user(id: str) -> Person | None:
    """Load the user of a session with the organisation, as the portal does. The session is the signed cookie alone."""
    return db.session.scalar(
        select(Person)
        .where(Person.id == int(id), Person.active)
        .options(joinedload(Person.organisation))
    )


@app.post("/sign-in")
def sign_in() -> Any:
    login_user(db.session.scalars(select(Person).filter_by(id=int(request.form["id"]))).one())
    return redirect("/admin/")


class ClientView(ModelView):
    column_list = (
        "organisation",
        "city",
        "owner",
        "contact",
        "decision",
        "amount",
        "next_mail",
        "status",
    )
    column_sortable_list = ("city", ("decision", "first_decision_on"))
    column_default_sort = [("sort_key", False), ("id", False)]
    column_searchable_list = ("words",)
    column_filters = ("owner",)
    form_columns = ("owner", "contact")
    form_choices = {"owner": [("vendor", "HubSpot"), ("partner", "Partner")]}
    form_overrides = {"contact": QuerySelectField}
    form_args = {
        "contact": {
            "query_factory": lambda: db.session.query(Person).filter_by(organisation_id=PARTNER),
            "allow_blank": True,
        }
    }
    page_size = 50
    simple_list_pager = True
    can_delete = False

    def is_accessible(self) -> bool:
        return bool(current_user.is_authenticated)

    def get_query(self) -> Any:
        related = (joinedload(Client.organisation), joinedload(Client.contact))
        own = (Client.partner_id == PARTNER) & Client.archived_at.is_(None)
        return db.session.query(Client).filter(own).options(*related)


admin = Admin(app, name="Renewal Portal")
admin.add_view(ClientView(Client, db.session, endpoint="client"))
