"""A peer: the Django admin over the portal's tables, tuned.

Debug off, cached templates (Django's default then), lasting connections, one statement with all relations,
and no count of all rows.

    python -m bench.peers.django_site    makes Django's own tables, and its user
"""

import os
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
    city = models.CharField(max_length=100, blank=True)
    words = models.CharField(max_length=700)
    sort_key = models.CharField(max_length=300)
    first_decision_on = models.DateField()
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
    deadline = models.DateField(null=True)
    cancelled = models.BooleanField()

    class Meta:
        app_label = "auth"
        managed = False
        db_table = "subscription"


class Uncounted(Paginator):
    """Pages of a list that nobody counts."""

    count = 1_000_000


def earliest(column: str) -> models.Subquery:
    mine = Subscription.objects.filter(client=models.OuterRef("pk"), cancelled=False)
    return models.Subquery(
        mine.order_by().values("client").annotate(first=models.Min(column)).values("first")
    )


class ClientAdmin(admin.ModelAdmin):
    list_display = (
        "organisation",
        "city",
        "owner",
        "contact",
        "first_decision_on",
        "deadline",
        "next_mail",
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
        found = super().get_queryset(request).filter(partner_id=PARTNER)
        return found.select_related("organisation", "contact").annotate(
            next_mail=earliest("attention_on"), deadline=earliest("deadline")
        )

    def formfield_for_foreignkey(self, field: Any, request: Any, **options: Any) -> Any:
        options["queryset"] = Person.objects.filter(organisation_id=PARTNER)
        return super().formfield_for_foreignkey(field, request, **options)

    @admin.display(ordering="deadline")
    def deadline(self, client: Any) -> Any:
        return client.deadline

    @admin.display(ordering="next_mail")
    def next_mail(self, client: Any) -> Any:
        return client.next_mail


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
