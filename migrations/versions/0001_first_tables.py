"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String(length=300).with_variant(sa.String(length=300, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
TABLES = (
    "inbox_mail",
    "installation",
    "login",
    "organisation",
    "user",
    "feedback",
    "link",
    "partner",
    "client",
    "audit_entry",
    "contact_assignment",
    "delivery",
    "subscription",
    "reminder",
    "delivery_reminder",
    "delivery_event",
    "owner_change",
    "delivery_message",
)


def upgrade() -> None:
    op.create_table(
        "inbox_mail",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("sender", sa.String(length=254), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_mail"),
    )
    op.create_index("ix_inbox_mail_recipient", "inbox_mail", ["recipient"])

    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("clock_offset_hours", sa.Integer(), nullable=False),
        sa.Column("worker_seen_at", INSTANT, nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_single")),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )

    op.create_table(
        "login",
        sa.Column("email_key", KEY, nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("email_key", name="pk_login"),
    )

    op.create_table(
        "organisation",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('partner', 'client')", name=op.f("ck_organisation_kind")),
        sa.PrimaryKeyConstraint("id", name="pk_organisation"),
    )

    op.create_table(
        "user",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("organisation_id", IDENTITY, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", KEY, nullable=False),
        sa.Column("job_title", sa.String(length=200), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("session_token", sa.String(length=40), nullable=False),
        sa.Column("signed_in_at", INSTANT, nullable=True),
        sa.Column("invited_at", INSTANT, nullable=True),
        sa.Column("refused_reply", sa.String(length=500), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_user_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint(
            "organisation_id", "email_key", name="uq_user_organisation_id_email_key"
        ),
        sa.UniqueConstraint("organisation_id", "id", name="uq_user_organisation_id_id"),
        sa.UniqueConstraint("session_token", name="uq_user_session_token"),
    )
    op.create_index("ix_user_email_key", "user", ["email_key"])

    op.create_table(
        "feedback",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("page", sa.String(length=60), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("helpful", sa.Boolean(), nullable=False),
        sa.Column("comment", sa.String(length=2000), nullable=True),
        sa.Column("user_id", IDENTITY, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_feedback_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
    )

    op.create_table(
        "link",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("user_id", IDENTITY, nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "invitation",
                "password_reset",
                name="purpose",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_link_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_link"),
    )
    op.create_index("ix_link_user_id", "link", ["user_id"])

    op.create_table(
        "partner",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column(
            "default_owner",
            sa.Enum(
                "vendor",
                "partner",
                name="default_owner",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("notified_user_id", IDENTITY, nullable=True),
        sa.Column("steps", sa.String(length=200), nullable=False),
        sa.Column("window_opens", sa.Time(), nullable=False),
        sa.Column("window_closes", sa.Time(), nullable=False),
        sa.Column("window_days", sa.String(length=7), nullable=False),
        sa.Column("sending", sa.Boolean(), nullable=False),
        sa.Column("insistent", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["id", "notified_user_id"],
            ["user.organisation_id", "user.id"],
            name="fk_partner_notified",
        ),
        sa.ForeignKeyConstraint(["id"], ["organisation.id"], name="fk_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_partner"),
        sa.UniqueConstraint("slug", name="uq_partner_slug"),
    )

    op.create_table(
        "client",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("partner_id", IDENTITY, nullable=False),
        sa.Column("external_id", sa.String(length=100), nullable=True),
        sa.Column("domain", sa.String(length=253), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("sort_key", KEY, nullable=False),
        sa.Column("search_key", sa.String(length=700), nullable=False),
        sa.Column("next_renewal_on", sa.Date(), nullable=False),
        sa.Column(
            "owner",
            sa.Enum(
                "vendor",
                "partner",
                name="owner",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=True,
        ),
        sa.Column("owner_set_by_id", IDENTITY, nullable=True),
        sa.Column("owner_set_at", INSTANT, nullable=True),
        sa.Column("contact_id", IDENTITY, nullable=True),
        sa.Column("owner_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["organisation.id"], name="fk_client_id"),
        sa.ForeignKeyConstraint(
            ["partner_id", "contact_id"],
            ["user.organisation_id", "user.id"],
            name="fk_client_contact",
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "owner_set_by_id"],
            ["user.organisation_id", "user.id"],
            name="fk_client_owner_set_by",
        ),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_client_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_client"),
        sa.UniqueConstraint("partner_id", "external_id", name="uq_client_partner_id_external_id"),
    )
    op.create_index("ix_client_partner_id_domain", "client", ["partner_id", "domain"])
    op.create_index("ix_client_partner_id_name_key", "client", ["partner_id", "name_key"])
    op.create_index(
        "ix_client_partner_id_next_renewal_on_id", "client", ["partner_id", "next_renewal_on", "id"]
    )
    op.create_index("ix_client_partner_id_sort_key_id", "client", ["partner_id", "sort_key", "id"])

    op.create_table(
        "audit_entry",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("organisation_id", IDENTITY, nullable=False),
        sa.Column("client_id", IDENTITY, nullable=True),
        sa.Column("actor_id", IDENTITY, nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject_id", IDENTITY, nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["user.id"], name="fk_audit_entry_actor_id"),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_audit_entry_client_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_audit_entry_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_client_id_id", "audit_entry", ["client_id", "id"])
    op.create_index("ix_audit_entry_organisation_id_id", "audit_entry", ["organisation_id", "id"])

    op.create_table(
        "contact_assignment",
        sa.Column("client_id", IDENTITY, nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "primary",
                "billing",
                "decision_maker",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("user_id", IDENTITY, nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id", "user_id"],
            ["user.organisation_id", "user.id"],
            name="fk_contact_assignment_client_id_user_id",
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.id"], name="fk_contact_assignment_client_id"
        ),
        sa.PrimaryKeyConstraint("client_id", "role", name="pk_contact_assignment"),
    )
    op.create_index("ix_contact_assignment_user_id", "contact_assignment", ["user_id"])

    op.create_table(
        "delivery",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "reminder_client",
                "reminder_partner",
                "nobody_to_tell",
                "hand_over",
                "invitation",
                "password_reset",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("partner_id", IDENTITY, nullable=True),
        sa.Column("client_id", IDENTITY, nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("recipient_id", IDENTITY, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("link_id", IDENTITY, nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "claimed",
                "handing_over",
                "sent",
                "refused",
                "failed",
                "unclear",
                "superseded",
                "cancelled",
                "too_late",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.Column("queued_at", INSTANT, nullable=False),
        sa.Column("send_after", INSTANT, nullable=False),
        sa.Column("send_before", INSTANT, nullable=True),
        sa.Column("token", sa.String(length=40), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("resends", sa.Integer(), nullable=False),
        sa.Column("first_tried_at", INSTANT, nullable=True),
        sa.Column("message_id", sa.String(length=200), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_delivery_client_id"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name="fk_delivery_link_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_delivery_partner_id"),
        sa.ForeignKeyConstraint(["recipient_id"], ["user.id"], name="fk_delivery_recipient_id"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint(
            "client_id",
            "day",
            "recipient_id",
            "revision",
            name="uq_delivery_client_id_day_recipient_id_revision",
        ),
        sa.UniqueConstraint("link_id", name="uq_delivery_link_id"),
        sa.UniqueConstraint("message_id", name="uq_delivery_message_id"),
    )
    op.create_index("ix_delivery_client_id_id", "delivery", ["client_id", "id"])
    op.create_index(
        "ix_delivery_lease_until",
        "delivery",
        ["lease_until"],
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index("ix_delivery_partner_id_id", "delivery", ["partner_id", "id"])
    op.create_index("ix_delivery_partner_id_state_id", "delivery", ["partner_id", "state", "id"])
    op.create_index(
        "ix_delivery_queued",
        "delivery",
        ["send_after", "id"],
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_delivery_recipient_id", "delivery", ["recipient_id"])

    op.create_table(
        "subscription",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("client_id", IDENTITY, nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("product_key", KEY, nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("renewal_date", sa.Date(), nullable=False),
        sa.Column("anchor_day", sa.Integer(), nullable=False),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("steps_from", sa.Date(), nullable=True),
        sa.Column("attention_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_subscription_client_id"),
        sa.PrimaryKeyConstraint("id", name="pk_subscription"),
        sa.UniqueConstraint(
            "client_id", "product_key", name="uq_subscription_client_id_product_key"
        ),
    )
    op.create_index("ix_subscription_attention_on", "subscription", ["attention_on"])

    op.create_table(
        "reminder",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("subscription_id", IDENTITY, nullable=False),
        sa.Column("client_id", IDENTITY, nullable=False),
        sa.Column("base_date", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "due",
                "issued",
                "blocked",
                "superseded",
                "cancelled",
                "too_late",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("planned_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_reminder_client_id"),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name="fk_reminder_subscription_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reminder"),
        sa.UniqueConstraint(
            "subscription_id",
            "base_date",
            "step",
            name="uq_reminder_subscription_id_base_date_step",
        ),
    )
    op.create_index("ix_reminder_client_id_state", "reminder", ["client_id", "state"])
    op.create_index(
        "ix_reminder_due",
        "reminder",
        ["client_id"],
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )

    op.create_table(
        "delivery_reminder",
        sa.Column("delivery_id", IDENTITY, nullable=False),
        sa.Column("reminder_id", IDENTITY, nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_delivery_reminder_delivery_id"
        ),
        sa.ForeignKeyConstraint(
            ["reminder_id"], ["reminder.id"], name="fk_delivery_reminder_reminder_id"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "reminder_id", name="pk_delivery_reminder"),
    )
    op.create_index("ix_delivery_reminder_reminder_id", "delivery_reminder", ["reminder_id"])

    op.create_table(
        "delivery_event",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("delivery_id", IDENTITY, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "claimed",
                "handing_over",
                "sent",
                "refused",
                "failed",
                "unclear",
                "superseded",
                "cancelled",
                "too_late",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("actor_id", IDENTITY, nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_delivery_event_delivery_id"
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["user.id"], name="fk_delivery_event_actor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_event"),
    )
    op.create_index("ix_delivery_event_delivery_id", "delivery_event", ["delivery_id"])

    op.create_table(
        "owner_change",
        sa.Column("client_id", IDENTITY, nullable=False),
        sa.Column(
            "owner_before",
            sa.Enum(
                "vendor",
                "partner",
                name="owner_before",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_owner_change_client_id"),
        sa.PrimaryKeyConstraint("client_id", name="pk_owner_change"),
    )
    op.create_index("ix_owner_change_changed_at", "owner_change", ["changed_at"])

    op.create_table(
        "delivery_message",
        sa.Column("delivery_id", IDENTITY, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_delivery_message_delivery_id"
        ),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_delivery_message"),
    )
    op.create_index("ix_delivery_message_written_at", "delivery_message", ["written_at"])
    op.execute("INSERT INTO installation (id, demo, clock_offset_hours) VALUES (1, false, 0)")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
