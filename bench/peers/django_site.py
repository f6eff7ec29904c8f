"""A peer: the Django admin over the portal's tables, tuned.

Debug off, cached templates (Django's default then), lasting connections, one statement with all relations, one for
the subscriptions of the page's clients, and no count of all rows.

    python -m bench.peers.django_site    makes Django's own tables, and its user
"""

import os
from collections import Counter
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings

DATABASE = os.environ["BENCH_DATABASE"]
PARTNER = 1
NAME, PASSWORD = "anna", "bench"


def database() -> dict[str, Any]:
    if DATABASE.startswith("sqlite"):
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATABASE.removeprefix("sqlite:///"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 15,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
            },
        }
    address = urlsplit(DATABASE)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.path[1:],
        "USER": address.username,
        "HOST": address.hostname,
        "PORT": address.port,
        "CONN_MAX_AGE": None,
    }


settings.configure(
    DEBUG=False,
    SECRET_KEY="a key for a bench on the loopback address",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": database()},
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    STATIC_URL="/static/",
    USE_TZ=True,
    LANGUAGE_CODE="en-gb",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib import admin  # noqa: E402 Django wants its settings first
from django.core.paginator import Paginator  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402


class Organisation(models.Model):
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10)

    class Meta:
        app_label = "auth"
        managed = False
        db_table = "organisation"

    def __str__(self) -> str:
        return self.name


class Person(models.Model):
    name = models.CharField(max_length=200)
    organisation = models.ForeignKey(Organisation, models.DO_NOTHING)

    class Meta:
        app_label = "auth"
        managed = False
        db_table = "user"

    def __str__(self) -> str:
        return self.name


class Client(models.Model):
    organisation = models.OneToOneField(
        Organisation, models.DO_NOTHING, db_column="id", primary_key=True
    )
    partner_id = models.BigIntegerField()
    archived_at = models.DateTimeField(null=True)
    city = models.CharField(max_length=100, blank=True)
    words = models.CharField(max_length=700)
    sort_key = models.CharField(max_length=300)
    first_decision_on = models.DateField()
    undecided_on = models.DateField()
    situation = models.CharField(max_length=20)
    owner = models.CharField(
        max_length=30,
        null=True,
        blank=True,
        choices=[("vendor", "HubSpot"), ("partner", "Partner")],
    )
    contact = models.ForeignKey(Person, models.DO_NOTHING, null=True, blank=True)

    class Meta:
        app_label = "auth"
        managed = False
        db_table = "client"

    def __str__(self) -> str:
        return self.organisation.name


class Subscription(models.Model):
    client = models.ForeignKey(Client, models.DO_NOTHING)
    attention_on = models.DateField(null=True)
    decision_on = models.DateField()
    renewal_date = models.DateField()
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    currency = models.CharField(max_length=3)
    cancelled = models.BooleanField()

    class Meta:
        app_label = "auth"
        managed = False
        db_table = "subscription"


# By the number of people at the client who can be told.
REACH = ("Nobody to tell", "At risk", "Reachable")


class Uncounted(Paginator):
    """Pages of a list that nobody counts."""

    count = 1_000_000


RUNNING = models.Prefetch(
    "subscription_set",
    Subscription.objects.filter(cancelled=False).only(
        *("client_id", "attention_on", "decision_on", "renewal_date", "amount", "currency"),
    ),
    to_attr="running",
)


class ClientAdmin(admin.ModelAdmin):
    list_display = (
        "organisation",
        "city",
        "owner",
        "contact",
        "decision",
        "amount",
        "next_mail",
        "status",
    )
    list_select_related = ("organisation", "contact")
    list_filter = ("owner",)
    list_per_page = 50
    show_full_result_count = False
    paginator = Uncounted
    search_fields = ("words",)
    ordering = ("sort_key", "organisation_id")
    fields = ("owner", "contact")
    actions = None

    def get_queryset(self, request: Any) -> Any:
        found = super().get_queryset(request).filter(partner_id=PARTNER, archived_at=None)
        return found.select_related("organisation", "contact").prefetch_related(RUNNING)

    def formfield_for_foreignkey(self, field: Any, request: Any, **options: Any) -> Any:
        options["queryset"] = Person.objects.filter(organisation_id=PARTNER)
        return super().formfield_for_foreignkey(field, request, **options)

    @admin.display(ordering="first_decision_on")
    def decision(self, client: Any) -> Any:
        first = client.first_decision_on
        renewals = [one.renewal_date for one in client.running if one.decision_on == first]
        later = min(renewals, default=first)
        return first if later == first else f"{first:%d %b %Y}, renews {later:%d %b %Y}"

    @admin.display()
    def amount(self, client: Any) -> str:
        sums: Counter[str] = Counter()
        for one in client.running:
            if one.decision_on == client.first_decision_on and one.amount is not None:
                sums[one.currency] += one.amount
        return ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sums.items())

    @admin.display()
    def next_mail(self, client: Any) -> Any:
        today = date.today()  # noqa: DTZ011 the reader's day is enough for a peer
        return min(
            (
                max(one.attention_on, today)
                for one in client.running
                if one.attention_on and today <= one.decision_on
            ),
            default=None,
        )

    @admin.display()
    def status(self, client: Any) -> str:
        today = date.today()  # noqa: DTZ011
        overdue = "Overdue " if client.undecided_on < today else ""
        return overdue + REACH[min(int(client.situation[2]), 2)]


admin.site.register(Client, ClientAdmin)
urlpatterns = [path("admin/", admin.site.urls)]
app = get_wsgi_application()


def main() -> None:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    get_user_model().objects.create_superuser(NAME, "anna@firm.example", PASSWORD)


if __name__ == "__main__":
    main()
