"""What is to do: the renewals of a partner by their decisions, notes, reminders of one's own, and wider searches.

A subscription carries its partner, and its client's choice of an owner while both are in use, so that the open ones
of a partner are one walk along an index.
"""

import sqlalchemy as sa
from alembic import op

from webapp.i18n import fold

revision = "0013"
down_revision = "0012"

IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CHOICES = ("inherit", "vendor", "partner")
REASONS = ("price", "other_product", "closed", "other")
IS_OPEN, REMINDED = sa.text("open_choice IS NOT NULL"), sa.text("remind_user_id IS NOT NULL")
# Subscriptions can be removed from now on, and no other one gets their ids.
NEVER_AGAIN = {"sqlite_autoincrement": True}
WALK = "partner_id renews_itself decision_on id client_id remind_on remind_user_id"
INDEXES = {
    "ix_subscription_open": (
        f"{WALK} open_choice deadline renewal_date product",
        IS_OPEN,
    ),
    "ix_subscription_totals": ("partner_id renewal_date open_choice currency amount", IS_OPEN),
    "ix_subscription_reminded": ("partner_id remind_on id", sa.text("remind_on IS NOT NULL")),
    "ix_subscription_remind_user_id": ("remind_user_id", REMINDED),
}
TRAIL = ("actor_id", "subject_id", "kind")
KINDS = ("clients", "renewals", "owners", "contacts", "team", "settings", "mails")
UNDOES = sa.text("undoes_id IS NOT NULL")
IN_USE, ARCHIVED = sa.text("archived_at IS NULL"), sa.text("archived_at IS NOT NULL")
DECISIONS = "partner_id sort_key id situation first_decision_on second_decision_on"
LISTS = {
    "ix_client_by_name": (f"{DECISIONS} words archived_at", IN_USE),
    "ix_client_archived_by_name": ("partner_id sort_key id words archived_at", ARCHIVED),
    "ix_client_searched": ("partner_id search_key id archived_at", IN_USE),
}
BEFORE = {
    "ix_client_by_name": (f"{DECISIONS} search_key archived_at", IN_USE),
    "ix_client_archived_by_name": ("partner_id sort_key id search_key archived_at", ARCHIVED),
}
ADDED = {
    "client": (("phone", 40), ("note", 1000)),
    "user": (("phone", 40), ("note", 1000)),
}
COLUMNS = (
    *("partner_id", "open_choice", "decision_on"),
    *("reason", "note", "remind_on", "remind_user_id"),
)
MOMENTS = ("first_seen_at", "set_up_at")


def table_of(name: str, columns: str) -> sa.TableClause:
    return sa.table(name, *map(sa.column, columns.split()))


client = table_of(
    "client", "id partner_id owner archived_at domain city external_id search_key words"
)
company = table_of("organisation", "id name")
person = table_of("user", "id organisation_id name email erased_at")
partner = table_of("partner", "id sending first_seen_at set_up_at")
subscription = table_of("subscription", "id client_id product partner_id open_choice cancelled")
entry = table_of("audit_entry", "action client_id kind")
of_person = entry.c.action.startswith("user.")
KIND = sa.case(
    (entry.c.action.in_(("client.owner_changed", "partner.default_changed")), "owners"),
    (entry.c.action == "client.contacts_assigned", "contacts"),
    (of_person & entry.c.client_id.is_not(None), "contacts"),
    (of_person, "team"),
    (entry.c.action.startswith("subscription."), "renewals"),
    (entry.c.action.startswith("delivery."), "mails"),
    (entry.c.action.startswith("client."), "clients"),
    else_="settings",
)


def upgrade() -> None:
    for table, columns in ADDED.items():
        for name, length in columns:
            op.add_column(table, sa.Column(name, sa.String(length), nullable=True))
    op.add_column("client", sa.Column("words", sa.String(1500), nullable=False, server_default=""))
    find_clients_by_words()
    for name in BEFORE:
        op.drop_index(name, "client")
    set_lists(LISTS)
    op.drop_index(op.f("ix_client_partner_id_id"), "client")
    with op.batch_alter_table("client") as batch:
        batch.create_unique_constraint(op.f("uq_client_partner_id_id"), ["partner_id", "id"])
    for name in MOMENTS:
        op.add_column("partner", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    # Whoever sends has taken the first steps.
    seen = dict.fromkeys(MOMENTS, sa.func.current_timestamp())
    op.execute(partner.update().where(partner.c.sending).values(seen))
    widen_trail()
    open_subscriptions()


def find_clients_by_words() -> None:
    """Store the words by which clients are found: their own, those of their products and of their people."""
    connection, after = op.get_bind(), 0
    own = sa.select(
        client.c.id, company.c.name, client.c.domain, client.c.city, client.c.external_id
    ).join(company, company.c.id == client.c.id)
    while rows := connection.execute(
        own.where(client.c.id > after).order_by(client.c.id).limit(5_000)
    ).all():
        first, after = rows[0].id, rows[-1].id
        texts = {row.id: [row.domain, row.name, row.city, row.external_id] for row in rows}
        products = (
            sa.select(subscription.c.client_id, subscription.c.product)
            .where(subscription.c.client_id.between(first, after))
            .order_by(subscription.c.id)
        )
        people = (
            sa.select(person.c.organisation_id, person.c.email, person.c.name)
            .where(person.c.organisation_id.between(first, after), person.c.erased_at.is_(None))
            .order_by(person.c.id)
        )
        for found in (products, people):
            for id, *said in connection.execute(found):
                # Between the ids of clients there are those of partners.
                texts.get(id, []).extend(said)
        connection.execute(
            client.update()
            .where(client.c.id == sa.bindparam("client"))
            .values(search_key=sa.bindparam("key"), words=sa.bindparam("found")),
            [
                {
                    "client": row.id,
                    "key": cut(key_of(row)),
                    "found": words_of(texts[row.id]),
                }
                for row in rows
            ],
        )


def key_of(row: sa.Row[tuple[int, str, str, str, str]]) -> str:
    texts = (row.name, row.domain, row.city, row.external_id)
    return " ".join(map(fold, filter(None, texts)))[:700]


def words_of(texts: list[str | None]) -> str:
    """Fold texts into their words. One that an earlier one contains is found there."""
    words = ""
    for word in fold(" ".join(filter(None, texts))).replace("@", "@ ").split():
        if word not in words:
            words = f"{words} {word}" if words else word
    return cut(words)


def cut(text: str) -> str:
    return text.encode()[:1_400].decode(errors="ignore")


def set_lists(lists: dict[str, tuple[str, sa.TextClause]]) -> None:
    """Make the indexes for lists of clients."""
    for name, (columns, where) in lists.items():
        op.create_index(name, "client", columns.split(), sqlite_where=where, postgresql_where=where)


def widen_trail() -> None:
    """Let each entry name its kind, and the one that it undoes."""
    with op.batch_alter_table("audit_entry") as batch:
        batch.add_column(sa.Column("kind", sa.String(30), nullable=True))
        batch.add_column(sa.Column("undoes_id", IDENTITY, nullable=True))
    op.execute(entry.update().values(kind=KIND))
    with op.batch_alter_table("audit_entry") as batch:
        batch.alter_column("kind", nullable=False, existing_type=sa.String(30))
        batch.create_check_constraint(op.f("ck_audit_entry_kind"), sa.column("kind").in_(KINDS))
        batch.create_foreign_key(
            op.f("fk_audit_entry_undoes_id"), "audit_entry", ["undoes_id"], ["id"]
        )
    for name in TRAIL:
        op.create_index(
            op.f(f"ix_audit_entry_organisation_id_{name}_id"),
            "audit_entry",
            ["organisation_id", name, "id"],
        )
    op.create_index(
        "ix_audit_entry_undoes_id",
        "audit_entry",
        ["undoes_id"],
        sqlite_where=UNDOES,
        postgresql_where=UNDOES,
    )


def open_subscriptions() -> None:
    with op.batch_alter_table("subscription") as batch:
        batch.add_column(sa.Column("partner_id", IDENTITY, nullable=True))
        batch.add_column(sa.Column("open_choice", sa.String(30), nullable=True))
        batch.add_column(sa.Column("reason", sa.String(30), nullable=True))
        batch.add_column(sa.Column("note", sa.String(1000), nullable=True))
        batch.add_column(sa.Column("remind_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("remind_user_id", IDENTITY, nullable=True))
    of_it = sa.select(client).where(client.c.id == subscription.c.client_id)
    choice = of_it.with_only_columns(
        sa.case(
            (client.c.archived_at.is_not(None), sa.null()),
            else_=sa.func.coalesce(client.c.owner, sa.literal_column("'inherit'")),
        )
    ).scalar_subquery()
    op.execute(
        subscription.update().values(
            partner_id=of_it.with_only_columns(client.c.partner_id).scalar_subquery(),
            open_choice=sa.case((subscription.c.cancelled, sa.null()), else_=choice),
        )
    )
    # In the last rebuilding of the table: Alembic would copy it in another one, which SQLite refuses.
    with op.batch_alter_table("subscription", table_kwargs=NEVER_AGAIN) as batch:
        batch.add_column(
            sa.Column(
                "decision_on",
                sa.Date(),
                sa.Computed("coalesce(deadline, renewal_date)", persisted=True),
                nullable=False,
            )
        )
        batch.alter_column("partner_id", nullable=False, existing_type=IDENTITY)
        for name, codes in (("open_choice", CHOICES), ("reason", REASONS)):
            batch.create_check_constraint(
                op.f(f"ck_subscription_{name}"), sa.column(name).in_(codes)
            )
        batch.create_foreign_key(
            "fk_subscription_partner", "client", ["partner_id", "client_id"], ["partner_id", "id"]
        )
        batch.create_foreign_key(
            "fk_subscription_remind",
            "user",
            ["partner_id", "remind_user_id"],
            ["organisation_id", "id"],
        )
    for name, (columns, where) in INDEXES.items():
        op.create_index(
            name, "subscription", columns.split(), sqlite_where=where, postgresql_where=where
        )


def downgrade() -> None:
    """Go back to clients and mails alone. Notes, phone numbers, reasons and reminders of one's own are lost."""
    close_subscriptions()
    narrow_trail()
    for name in MOMENTS:
        op.drop_column("partner", name)
    for name in LISTS:
        op.drop_index(name, "client")
    with op.batch_alter_table("client") as batch:
        batch.drop_constraint(op.f("uq_client_partner_id_id"), type_="unique")
    op.drop_column("client", "words")
    set_lists(BEFORE)
    op.create_index(op.f("ix_client_partner_id_id"), "client", ["partner_id", "id"])
    for table, columns in ADDED.items():
        for name, _length in columns:
            op.drop_column(table, name)


def close_subscriptions() -> None:
    for name in INDEXES:
        op.drop_index(name, "subscription")
    with op.batch_alter_table("subscription") as batch:
        for name in ("fk_subscription_remind", "fk_subscription_partner"):
            batch.drop_constraint(name, type_="foreignkey")
        for name in ("open_choice", "reason"):
            batch.drop_constraint(op.f(f"ck_subscription_{name}"), type_="check")
        for name in COLUMNS:
            batch.drop_column(name)


def narrow_trail() -> None:
    op.drop_index("ix_audit_entry_undoes_id", "audit_entry")
    for name in TRAIL:
        op.drop_index(op.f(f"ix_audit_entry_organisation_id_{name}_id"), "audit_entry")
    with op.batch_alter_table("audit_entry") as batch:
        batch.drop_constraint(op.f("fk_audit_entry_undoes_id"), type_="foreignkey")
        batch.drop_constraint(op.f("ck_audit_entry_kind"), type_="check")
        for name in ("kind", "undoes_id"):
            batch.drop_column(name)
