"""Organisations: partners, and the clients that they look after."""

from datetime import UTC, date, datetime, time

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Select,
    String,
    Time,
    UniqueConstraint,
    select,
)
from sqlalchemy.orm import (
    Mapped,
    contains_eager,
    mapped_column,
    relationship,
    with_polymorphic,
)
from sqlalchemy.schema import SchemaItem

from webapp.domain.ownership import Choice, Owner, choice_of
from webapp.domain.recipients import ContactRole
from webapp.domain.schedule import Window
from webapp.domain.situations import NEW
from webapp.domain.steps import DEFAULT_STEPS, Steps, parse_steps, write_steps
from webapp.domain.terms import DeadlineRule
from webapp.models.base import (
    ARCHIVED,
    IN_USE,
    Base,
    Identity,
    Key,
    UtcDateTime,
    codes,
    partial_index,
)
from webapp.models.user import LONGEST_NOTE, LONGEST_PHONE, User

# Sorts clients with nothing to decide last, since keyset pages can't compare NULL.
NO_DECISION = date(9999, 12, 31)
LONGEST_LEGAL, LONGEST_URL = 500, 300

# The indexes of lists: the columns of each, by the condition and the name. What is archived is not much.
DAYS = "second_decision_on undecided_on"
LISTS = {
    IN_USE: {
        "ix_client_by_name": f"partner_id sort_key id situation first_decision_on {DAYS} words",
        "ix_client_by_decision": f"partner_id first_decision_on id {DAYS} situation sort_key",
        "ix_client_by_situation": f"partner_id situation first_decision_on id {DAYS} sort_key",
        "ix_client_searched": "partner_id search_key id",
    },
    ARCHIVED: {
        "ix_client_archived_by_name": "partner_id sort_key id words",
        "ix_client_archived_by_decision": "partner_id first_decision_on id",
    },
}


class Organisation(Base):
    """A partner or a client. Both have a name, a language, a time zone and users."""

    __tablename__ = "organisation"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2))
    time_zone: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {
        "polymorphic_on": "kind",
        "polymorphic_abstract": True,
        "version_id_col": version,
    }
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("kind IN ('partner', 'client')", name="kind"),
    )


class Partner(Organisation):
    """An organisation that looks after clients, with its defaults, schedule and sending switch.

    ``steps``: its rows as text (domain.steps). ``renews_itself``: whether new subscriptions do. ``deadline_rule_text``:
    of decision deadlines that follow it, as text: ``P45D``; NULL for no deadline. ``window_days``: the weekdays for
    mail as digits, with Monday as 0: ``01234``. ``first_seen_at``: an admin has looked at what goes out first.
    ``set_up_at``: the list of first steps is done, or was put away.
    """

    __tablename__ = "partner"
    id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    default_owner: Mapped[Owner] = mapped_column(
        codes(Owner, "default_owner"), default=Owner.VENDOR
    )
    notified_user_id: Mapped[int | None] = mapped_column(Identity)
    steps_text: Mapped[str] = mapped_column(
        "steps", String(1000), default=write_steps(DEFAULT_STEPS)
    )
    renews_itself: Mapped[bool] = mapped_column(default=False)
    deadline_rule_text: Mapped[str | None] = mapped_column("deadline_rule", String(5))
    window_opens: Mapped[time] = mapped_column(Time, default=time(9))
    window_closes: Mapped[time] = mapped_column(Time, default=time(17))
    window_days: Mapped[str] = mapped_column(String(7), default="01234")
    sending: Mapped[bool] = mapped_column(default=False)
    insistent: Mapped[bool] = mapped_column(default=False)
    # Its own people have to sign in with an authenticator app, too.
    second_factor_required: Mapped[bool] = mapped_column(default=False)
    # Of its mails to clients; NULL where nothing is set.
    reply_to: Mapped[str | None] = mapped_column(String(254))
    legal: Mapped[str | None] = mapped_column(String(LONGEST_LEGAL))
    privacy_url: Mapped[str | None] = mapped_column(String(LONGEST_URL))
    first_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    set_up_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __mapper_args__ = {"polymorphic_identity": "partner", "polymorphic_load": "inline"}
    __table_args__ = (
        # The database refuses a notified user of another organisation.
        ForeignKeyConstraint(
            ["id", "notified_user_id"],
            ["user.organisation_id", "user.id"],
            name="fk_partner_notified",
        ),
    )

    @property
    def steps(self) -> Steps:
        return parse_steps(self.steps_text)

    @property
    def deadline_rule(self) -> DeadlineRule | None:
        return DeadlineRule.parse(self.deadline_rule_text) if self.deadline_rule_text else None

    @property
    def window(self) -> Window:
        return Window.on(self.window_days, self.window_opens, self.window_closes)


class Client(Organisation):
    """A customer of one partner.

    ``sort_key`` and ``search_key`` are folded from its own texts. ``words``: those by which the dashboard finds it, of
    these texts, its products and its people; only services.search_words writes them. ``first_decision_on`` and
    ``second_decision_on`` are the two earliest base dates of its active subscriptions, or NO_DECISION, and
    ``undecided_on`` is the earliest of those that don't renew by themselves. ``situation`` is the key of a
    domain.situations.Situation. Only services.reminders writes these four. ``archived_at``: nothing goes out for it
    since then, and lists leave it out. ``erased_at``: its data and its people's were removed on request; it stays
    archived.
    """

    __tablename__ = "client"
    id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    partner_id: Mapped[int] = mapped_column(ForeignKey("partner.id"))
    external_id: Mapped[str | None] = mapped_column(String(100))
    domain: Mapped[str | None] = mapped_column(String(253))
    city: Mapped[str | None] = mapped_column(String(100))
    country: Mapped[str | None] = mapped_column(String(2))
    phone: Mapped[str | None] = mapped_column(String(LONGEST_PHONE))
    note: Mapped[str | None] = mapped_column(String(LONGEST_NOTE))
    name_key: Mapped[str] = mapped_column(Key)
    sort_key: Mapped[str] = mapped_column(Key)
    search_key: Mapped[str] = mapped_column(String(700))
    words: Mapped[str] = mapped_column(String(1500), default="", server_default="")
    first_decision_on: Mapped[date] = mapped_column(default=NO_DECISION)
    second_decision_on: Mapped[date] = mapped_column(default=NO_DECISION)
    undecided_on: Mapped[date] = mapped_column(default=NO_DECISION)
    situation: Mapped[str] = mapped_column(String(4), default=NEW, server_default=NEW)
    # NULL follows the default, now and later; any other value is an override.
    owner: Mapped[Owner | None] = mapped_column(codes(Owner, "owner"))
    owner_set_by_id: Mapped[int | None] = mapped_column(Identity)
    owner_set_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    contact_id: Mapped[int | None] = mapped_column(Identity)
    # Counts only changes of owner and contact, so that a renewal doesn't make an open dialog stale.
    owner_version: Mapped[int] = mapped_column(default=1)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    partner: Mapped[Partner] = relationship(foreign_keys=partner_id)
    contact: Mapped[User | None] = relationship(
        foreign_keys="Client.contact_id", primaryjoin="Client.contact_id == User.id", viewonly=True
    )

    __mapper_args__ = {
        "polymorphic_identity": "client",
        "polymorphic_load": "inline",
        "inherit_condition": id == Organisation.id,
    }
    __table_args__ = (
        ForeignKeyConstraint(
            ["partner_id", "contact_id"],
            ["user.organisation_id", "user.id"],
            name="fk_client_contact",
        ),
        ForeignKeyConstraint(
            ["partner_id", "owner_set_by_id"],
            ["user.organisation_id", "user.id"],
            name="fk_client_owner_set_by",
        ),
        UniqueConstraint("partner_id", "external_id"),
        Index(None, "partner_id", "name_key"),
        Index(None, "partner_id", "domain"),
        # Subscriptions refer to it; clients follow a change of their partner's settings in this order.
        UniqueConstraint("partner_id", "id"),
        # For lists: two orders to walk along, and the way to few clients in some situations. They hold all
        # that a search or a filter looks at, and the order's key, and the column of the condition, for
        # which SQLite would else read each row. services.lists.paging chooses.
        *(
            partial_index(name, *columns.split(), "archived_at", where=where)
            for where, indexes in LISTS.items()
            for name, columns in indexes.items()
        ),
        # With the id, which To do asks for: PostgreSQL would read the rows for it.
        partial_index("ix_client_contact", "contact_id", "id", where="contact_id IS NOT NULL"),
    )

    @property
    def choice(self) -> Choice:
        return choice_of(self.owner)


def users_with_organisations() -> Select[User]:
    """Select users with their organisations, each found by its key.

    Where ``joinedload`` joins the tables of all organisations to one another first, SQLite reads all of them.
    """
    partner, client = Partner.__table__, Client.__table__
    tables = Organisation.__table__.outerjoin(partner, partner.c.id == Organisation.id).outerjoin(
        client, client.c.id == Organisation.id
    )
    whole = with_polymorphic(Organisation, "*", tables)
    return (
        select(User)
        .join_from(User, Organisation.__table__, Organisation.id == User.organisation_id)
        .outerjoin(partner, partner.c.id == Organisation.id)
        .outerjoin(client, client.c.id == Organisation.id)
        .options(contains_eager(User.organisation.of_type(whole)))
    )


class ContactAssignment(Base):
    """One of a client's three contact roles, and the client's user who holds it."""

    __tablename__ = "contact_assignment"
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"), primary_key=True)
    role: Mapped[ContactRole] = mapped_column(codes(ContactRole, "role"), primary_key=True)
    user_id: Mapped[int] = mapped_column(Identity)

    user: Mapped[User] = relationship(
        foreign_keys="ContactAssignment.user_id",
        primaryjoin="ContactAssignment.user_id == User.id",
        viewonly=True,
    )
    __table_args__ = (
        ForeignKeyConstraint(["client_id", "user_id"], ["user.organisation_id", "user.id"]),
        Index(None, "user_id"),
    )


class OwnerChange(Base):
    """A change of a client's effective owner, before the newly responsible people are told.

    ``owner_before`` stays that of the first change until the note goes out, since notes tell the net
    difference. ``changed_at`` is the time of the last change.
    """

    __tablename__ = "owner_change"
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"), primary_key=True)
    owner_before: Mapped[Owner] = mapped_column(codes(Owner, "owner_before"))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class SettingsChange(Base):
    """A change of a partner's settings that its clients still follow, in the order of their ids.

    ``followed_to`` is the last client that has followed, 0 at first and after another change. ``owner_before``:
    the default owner before the first of these changes, which clients up to ``newest_client_id`` had; both are
    NULL if it is the same. ``wakes``: planning looks again at blocked reminders, on behalf of ``actor_id``.
    """

    __tablename__ = "settings_change"
    partner_id: Mapped[int] = mapped_column(ForeignKey("partner.id"), primary_key=True)
    followed_to: Mapped[int] = mapped_column(Identity)
    owner_before: Mapped[Owner | None] = mapped_column(codes(Owner, "owner_before"))
    newest_client_id: Mapped[int | None] = mapped_column(Identity)
    wakes: Mapped[bool]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
