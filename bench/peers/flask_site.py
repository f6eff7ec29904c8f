"""A peer: Flask-Admin over the portal's tables, tuned: all relations in one statement, and no count of all rows.

People sign in by Flask-Login, over the portal's own users.
"""

import os
from typing import Any

from flask import Flask, redirect, request
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_admin.contrib.sqla.fields import QuerySelectField
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, event, func, select
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
    deadline = column(db.Date)
    cancelled = column(db.Boolean)


class Client(db.Model):
    __tablename__ = "client"
    id = column(db.BigInteger, ForeignKey("organisation.id"), primary_key=True)
    partner_id = column(db.BigInteger)
    city = column(db.String)
    words = column(db.String)
    sort_key = column(db.String)
    first_decision_on = column(db.Date)
    owner = column(db.String)
    contact_id = column(db.BigInteger, ForeignKey("user.id"))
    organisation = db.relationship(Organisation)
    contact = db.relationship(Person)
    next_mail = column_property(
        select(func.min(Subscription.attention_on))
        .where(Subscription.client_id == id, Subscription.cancelled.is_(False))
        .correlate_except(Subscription)
        .scalar_subquery()
    )
    deadline = column_property(
        select(func.min(Subscription.deadline))
        .where(Subscription.client_id == id, Subscription.cancelled.is_(False))
        .correlate_except(Subscription)
        .scalar_subquery()
    )


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
        "first_decision_on",
        "deadline",
        "next_mail",
    )
    column_sortable_list = ("city", "first_decision_on", "sort_key")
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
        return db.session.query(Client).filter(Client.partner_id == PARTNER).options(*related)


admin = Admin(app, name="Renewal Portal")
admin.add_view(ClientView(Client, db.session, endpoint="client"))
