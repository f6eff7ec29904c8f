"""Settings: how each kind is read, and how what can't be used is refused."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from typing import Any
from urllib.parse import urlsplit

import pytest
from limits.storage import SCHEMES

from webapp import config, setting_values
from webapp.app import create_app
from webapp.config import SettingError, Settings, checked, load
from webapp.i18n import LANGUAGES


def test_nothing_set_gives_the_defaults():
    assert load({}) == Settings()
    assert load({"PATH": "/bin", "MY_PORTAL_X": "1"}) == Settings()


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        *((setting_values.boolean, text, True) for text in ("1", "true", "YES", "On")),
        *((setting_values.boolean, text, False) for text in ("0", "False", "no", "off")),
        (setting_values.separated, "", ()),
        (
            setting_values.separated,
            "a.example, b.example c.example,",
            ("a.example", "b.example", "c.example"),
        ),
        (setting_values.boolean_or_auto, "Auto", None),
        (setting_values.boolean_or_auto, "1", True),
        (setting_values.boolean_or_auto, "off", False),
        (setting_values.language, "pl", "pl"),
        (setting_values.filled, "HubSpot", "HubSpot"),
        (setting_values.whole_number, "0", 0),
        (setting_values.whole_number, "12", 12),
        (setting_values.at_least_one, "30", 30),
        (setting_values.web_address, "https://portal.example.com/", "https://portal.example.com"),
        (
            setting_values.web_address,
            "http://[::1]:8000/under/a/path",
            "http://[::1]:8000/under/a/path",
        ),
        (setting_values.database_address, "sqlite:///portal.db", "sqlite:///portal.db"),
        (setting_values.mail_address, "inbox:", "inbox:"),
        (
            setting_values.mail_address,
            "smtp://u:p%40@mail:587?tls=off",
            "smtp://u:p%40@mail:587?tls=off",
        ),
        (setting_values.mail_address, "smtps://mail.example", "smtps://mail.example"),
        (setting_values.bounce_address, "", ""),
        (setting_values.bounce_address, "Bounces@żółw.example", "Bounces@xn--w-uga1v8h.example"),
        (setting_values.mailbox_address, "", ""),
        (
            setting_values.mailbox_address,
            "imaps://portal:p%40@mail:993/INBOX",
            "imaps://portal:p%40@mail:993/INBOX",
        ),
        (
            setting_values.mailbox_address,
            "imap://portal@127.0.0.1/INBOX?tls=off",
            "imap://portal@127.0.0.1/INBOX?tls=off",
        ),
        (setting_values.storage_address, "memory://", "memory://"),
        (
            setting_values.storage_address,
            "redis://:secret@cache:6379/1",
            "redis://:secret@cache:6379/1",
        ),
        (setting_values.broker_address, "", ""),
        (
            setting_values.broker_address,
            "redis://:secret@cache:6379/1",
            "redis://:secret@cache:6379/1",
        ),
        (
            setting_values.broker_address,
            "amqp://u:p@queue:5672/portal",
            "amqp://u:p@queue:5672/portal",
        ),
        *(
            (setting_values.frame_addresses, text, (text,))
            for text in (
                *("https://intranet.example:8443", "https://*.example", "https://*/"),
                *(
                    "HTTPS://Intranet.example",
                    "https://xn--w-uga1v8h.example",
                    "http://localhost:8001",
                ),
            )
        ),
        (setting_values.level, "debug", "DEBUG"),
    ],
)
def test_what_is_read(parse: Callable[[str], Any], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_name_postgresql_gets_its_driver(scheme: str) -> None:
    settings = load(
        {"PORTAL_DATABASE_URL": f"{scheme}://u:p@db.example:5432/portal?sslmode=require"}
    )
    assert (
        settings.database_url == "postgresql+psycopg://u:p@db.example:5432/portal?sslmode=require"
    )


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        *((setting_values.boolean, text) for text in ("", "2", "maybe")),
        *((setting_values.boolean_or_auto, text) for text in ("", "2", "maybe")),
        *((setting_values.language, text) for text in ("", "de", "PL", "pt-BR")),
        (setting_values.filled, ""),
        *((setting_values.whole_number, text) for text in ("", "-1", "1.5", "ten", "²", "٣")),
        *((setting_values.at_least_one, text) for text in ("0", "", "-1")),
        *(
            (setting_values.web_address, text)
            for text in (
                "",
                "portal.example.com",
                "ftp://portal.example.com",
                "https://",
                "https://:8000",
                "https://portal.example.com:port",
                "https://portal.example.com:99999",
                "https://portal example.com",
                "https://[::1",
                "https://portal.example.com/?a=1",
                "https://portal.example.com/#a",
                "https://ana@portal.example.com",
                "https://portal.example.com//apps",
                "https://portal.example.com/apps/../portal",
                "https://portal.example.com/apps;portal",
                "https://portal.example.com/apps\\portal",
            )
        ),
        *(
            (setting_values.database_address, text)
            for text in ("", "portal.db", "mysql://db/portal", "sqlite://", "sqlite:///:memory:")
        ),
        (setting_values.long_secret, "short"),
        *(
            (setting_values.sender_address, text)
            for text in ("", "nobody", "a@b", "a b@c.example", "a@☃.☃")
        ),
        *((setting_values.host_names, text) for text in ("https://a.example", "a.example/path")),
        *(
            (setting_values.frame_addresses, text)
            for text in (
                "x; script-src *",
                "intranet.example",
                "https://a.example;b",
                "https://żółw.example",
                "https://ana@a.example",
                "https://a.example/path",
                "https://a.example?b",
                "https://a.example/#b",
                "https://a.*.example",
                "https://a.example https://é.example",
                "https://[::1]",
                "http://a.example",
            )
        ),
        *(
            (setting_values.mail_address, text)
            for text in ("", "mail.example", "smtp:", "smtp://", "smtp:mail:25", "http://mail")
        ),
        *(
            (setting_values.bounce_address, text)
            for text in ("bounces", f"{'b' * 28}@a.example", "żółw@a.example", "a b@c.example")
        ),
        *(
            (setting_values.mailbox_address, text)
            for text in (
                "imaps://mail.example/INBOX",
                "imaps://u:p@mail.example/INBOX?tls=off",
                "imap://u:p@mail.example/INBOX?tls=on",
                "pop3://u:p@mail.example",
                "imaps://u:p@",
            )
        ),
        *(
            (setting_values.storage_address, text)
            for text in ("", "redis", "redis://", "foo://u:p@h", "redis+foo://u:p@h")
        ),
        *(
            (setting_values.broker_address, text)
            for text in ("redis", "memory://", "redis://", "http://h")
        ),
        *((setting_values.level, text) for text in ("", "loud")),
    ],
)
def test_what_is_refused(parse: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match="must "):
        parse(text)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Mail@Odnowa.example", "Mail@Odnowa.example"),
        ("mail@Żółw.example", "mail@xn--w-uga1v8h.example"),
        ("mail@xn--w-uga1v8h.example", "mail@xn--w-uga1v8h.example"),
    ],
)
def test_the_sender_is_read_as_it_goes_over_the_wire(written: str, read: str) -> None:
    assert load({"PORTAL_MAIL_FROM": written}).mail_from == read


def test_demo_data_lies_in_a_file_of_its_own():
    assert load({"PORTAL_DEMO": "1"}).database_url == "sqlite:///demo.db"
    chosen = {"PORTAL_DEMO": "1", "PORTAL_DATABASE_URL": "sqlite:///other.db"}
    assert load(chosen).database_url == "sqlite:///other.db"
    assert load({}).database_url == "sqlite:///portal.db"


def test_bad_values_are_named_all_at_once():
    environment = {
        "PORTAL_PROXIES": "many",
        "PORTAL_BASE_URL": "portal",
        "PORTAL_LANGUAGE": "de",
        "PORTAL_VENDOR_NAME": "Vendor",
        "PORTAL_COLOUR": "blue",
    }
    with pytest.raises(SettingError) as error:
        load(environment)
    assert str(error.value).split("; ") == [
        "PORTAL_BASE_URL must be an address such as https://portal.example.com",
        "PORTAL_COLOUR is not a setting of this portal",
        f"PORTAL_LANGUAGE must be one of {', '.join(sorted(LANGUAGES))}",
        "PORTAL_PROXIES must be a whole number",
    ]


def test_a_refused_value_is_not_repeated():
    """The value may hold a password: an address with an unquoted password seems to have an odd port."""
    with pytest.raises(SettingError) as error:
        load(
            {
                "PORTAL_MAIL_URL": "smtp://ana:se/cret@mail.example",
                "PORTAL_DATABASE_URL": "se://cret",
            }
        )
    assert "cret" not in str(error.value)
    assert "se/" not in str(error.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"base_url": "portal.example"}, "PORTAL_BASE_URL must be an address such as "),
        ({"frame_ancestors": ("http://intranet.example",)}, "PORTAL_FRAME_ANCESTORS must be "),
        ({"secret_key": "short"}, "PORTAL_SECRET_KEY must have at least 32 characters"),
        ({"mail_timeout": 0}, "PORTAL_MAIL_TIMEOUT must be at least 1"),
        ({"proxies": None}, "PORTAL_PROXIES must be a whole number"),
        ({"demo": True, "mail_url": "smtp://mail.example"}, "PORTAL_MAIL_URL must be inbox: in "),
        ({"sign_in": ("proxy",), "proxy_secret": "x" * 32}, "PORTAL_SIGN_IN with proxy needs "),
        ({"base_url": "https://portal.example/partner"}, "PORTAL_BASE_URL must not have the path "),
    ],
)
def test_settings_made_in_python_are_refused_as_those_of_the_environment(tmp_path, values, said):
    with pytest.raises(SettingError, match=f"^{said}"):
        create_app(Settings(instance_path=str(tmp_path), **values))


def test_settings_made_in_python_are_read_as_those_of_the_environment():
    values: dict[str, Any] = {
        "base_url": "https://portal.example/",
        "trusted_hosts": "portal.example, .intranet.example",
        "proxies": "1",
        "sign_in_groups": ["admin=portal admins", "member=sales"],
        "database_url": "postgres://db/portal",
    }
    read = checked(Settings(**values))
    assert read == load(
        {
            "PORTAL_BASE_URL": "https://portal.example",
            "PORTAL_TRUSTED_HOSTS": "portal.example .intranet.example",
            "PORTAL_PROXIES": "1",
            "PORTAL_SIGN_IN_GROUPS": "admin=portal admins, member=sales",
            "PORTAL_DATABASE_URL": "postgresql://db/portal",
        }
    )
    assert checked(read) == read
    assert checked(Settings()) == Settings()


def test_names_are_exact():
    with pytest.raises(SettingError, match="PORTAL_base_url is not a setting"):
        load({"PORTAL_base_url": "http://portal.example"})


def test_blanks_around_a_value_do_not_count():
    assert load({"PORTAL_MAIL_TIMEOUT": " 5 "}).mail_timeout == 5


def test_demo_mode_sends_nothing_outside():
    with pytest.raises(SettingError, match="PORTAL_MAIL_URL must be inbox: in demo mode"):
        load({"PORTAL_DEMO": "1", "PORTAL_MAIL_URL": "smtp://mail.example"})
    assert load({"PORTAL_DEMO": "1", "PORTAL_MAIL_URL": "inbox:"}).demo


def test_a_mailbox_of_bounces_needs_their_address():
    mailbox = {"PORTAL_BOUNCE_MAILBOX": "imaps://portal:secret@mail.example/INBOX"}
    with pytest.raises(SettingError, match=r"^PORTAL_BOUNCE_MAILBOX needs PORTAL_BOUNCE_ADDRESS$"):
        load(mailbox)
    both = mailbox | {"PORTAL_BOUNCE_ADDRESS": "bounces@portal.example"}
    assert load(both).bounce_mailbox
    with pytest.raises(SettingError, match="PORTAL_BOUNCE_MAILBOX must not be set in demo mode"):
        load(both | {"PORTAL_DEMO": "1"})


def test_cookies_insist_on_https_where_people_come_over_it():
    assert load({"PORTAL_BASE_URL": "https://portal.example"}).secure
    assert not load({"PORTAL_BASE_URL": "http://portal.example"}).secure


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://portal.example", "__Host-x"),
        ("https://portal.example/", "__Host-x"),
        ("https://intranet.example/renewals", "__Secure-x"),
        ("http://portal.example", "x"),
    ],
)
def test_a_cookies_name_binds_it(base_url, name):
    assert load({"PORTAL_BASE_URL": base_url}).cookie("x") == name


def test_settings_stay_as_they_were_read():
    with pytest.raises(FrozenInstanceError):
        Settings().demo = True  # type: ignore[misc]


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda setting: setting.name)
def test_each_default_would_be_read_as_itself(setting: Any) -> None:
    empty = {
        "secret_key",
        "secret_keys",
        "trusted_hosts",
        "frame_ancestors",
        "broker_url",
        "monitor_token",
        "sign_in_groups",
    }
    if setting.name in empty:
        assert not setting.default
        return
    default = setting.default
    text = (
        ",".join(default)
        if isinstance(default, tuple)
        else {True: "1", False: "0", None: "auto"}.get(default, str(default))
    )
    name = config.variable(setting.name)
    assert getattr(load({name: text}), setting.name) == setting.default


def test_no_default_holds_a_password():
    values = [getattr(Settings(), field.name) for field in fields(Settings)]
    texts = [value for value in values if isinstance(value, str)]
    assert [text for text in texts if urlsplit(text).password] == []
    assert {Settings().secret_key, Settings().monitor_token} == {""}


def test_each_store_that_may_be_named_is_known_to_the_library_that_counts() -> None:
    assert set(SCHEMES) >= setting_values.STORES
