"""Values of settings, from the text of a variable. Each reader raises ValueError with what the text must be."""

import re
from urllib.parse import urlsplit

from webapp.i18n import LANGUAGES

SHORTEST_KEY = 32
# RFC 5321 allows 64 characters in front of the @, and the id and the signature of a mail come behind this name.
LONGEST_BOUNCE_NAME = 27
# Of other stores the library that counts complains by quoting the whole address, with its password.
STORES = {
    *("redis", "rediss", "redis+unix", "redis+cluster", "redis+sentinel"),
    *("valkey", "valkeys", "valkey+unix", "valkey+cluster", "valkey+sentinel"),
    *("memcached", "mongodb", "mongodb+srv"),
}
DOORS = ("password", "oidc", "proxy")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# The host may be any one, any below a name, or one.
FRAMING_SITE = re.compile(
    r"https?://(\*|(\*\.)?[\w-]+(\.[\w-]+)*)(:\d+)?/?", re.ASCII | re.IGNORECASE
)
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def boolean(text: str) -> bool:
    if text.lower() not in TRUE | FALSE:
        raise ValueError("must be 1 or 0")
    return text.lower() in TRUE


def boolean_or_auto(text: str) -> bool | None:
    """Read None from ``auto``: the portal finds out."""
    if text.lower() == "auto":
        return None
    try:
        return boolean(text)
    except ValueError:
        raise ValueError("must be auto, 1 or 0") from None


def separated(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[,\s]+", text) if part)


def host_names(text: str) -> tuple[str, ...]:
    if any(not re.fullmatch(r"\.?[\w-]+(\.[\w-]+)*", name) for name in separated(text)):
        raise ValueError("must be host names such as portal.example.com, without https://")
    return separated(text)


def frame_addresses(text: str) -> tuple[str, ...]:
    """Check sites as a policy names them (Content Security Policy Level 3, 2.3.1), in a header of every answer."""
    words = separated(text)
    if any(not (is_safe_address(word) and FRAMING_SITE.fullmatch(word)) for word in words):
        raise ValueError(
            "must be addresses such as https://intranet.example.com, and not http://, without a path, "
            "and with a name of other letters written as xn--…"
        )
    return words


def is_safe_address(text: str) -> bool:
    """Tell whether nobody on the line can change what is there: https, or this very machine."""
    if names_host(text, "https"):
        return True
    return names_host(text, "http") and urlsplit(text).hostname in LOOPBACK


def optional_address(text: str) -> str:
    """Check an address of the web; empty: none."""
    if text and not names_host(text, "http", "https"):
        raise ValueError("must be an address such as https://intranet.example.com/sign-out")
    return text


def issuer_address(text: str) -> str:
    """Check an issuer, which is compared as it is written (OpenID Connect Discovery 1.0, 4.3); empty: none."""
    if text and (not is_safe_address(text) or set(text) & set("?#@")):
        raise ValueError("must be an address such as https://login.example.com, and not http://")
    return text


def doors(text: str) -> tuple[str, ...]:
    if not text or set(separated(text)) - set(DOORS):
        raise ValueError(f"must be some of {', '.join(DOORS)}")
    return tuple(door for door in DOORS if door in separated(text))


def role_groups(text: str) -> tuple[str, ...]:
    """Read pairs of a role and a group, ``admin=portal-admins``. A group may have spaces."""
    pairs = tuple(pair.strip() for pair in text.split(",") if pair.strip())
    if any(not re.fullmatch(r"(admin|member)=\S.*", pair) for pair in pairs):
        raise ValueError("must be pairs such as admin=portal-admins, member=sales")
    return pairs


def scopes(text: str) -> str:
    if "openid" not in text.split():
        raise ValueError("must be words such as openid email profile, with openid among them")
    return " ".join(text.split())


def header_name(text: str) -> str:
    """Check the name of a header (RFC 9110, 5.1); empty: none."""
    if text and not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise ValueError("must be the name of a header, such as Remote-User")
    return text


def long_secret(text: str) -> str:
    if text and len(text) < SHORTEST_KEY:
        raise ValueError(f"must have at least {SHORTEST_KEY} characters")
    return text


def long_secrets(text: str) -> tuple[str, ...]:
    return tuple(map(long_secret, separated(text)))


def sender_address(text: str) -> str:
    """Read an address as it goes over the wire."""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise ValueError("must be an e-mail address")
    if text.isascii():
        return text
    import idna

    name, _, domain = text.partition("@")
    try:
        return f"{name}@{idna.encode(domain, uts46=True).decode()}"
    except UnicodeError:
        raise ValueError("must be an e-mail address") from None


def bounce_address(text: str) -> str:
    """Read the address from which the return path of each mail is made; empty: none."""
    if not text:
        return text
    if not re.fullmatch(rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]{{1,{LONGEST_BOUNCE_NAME}}}@\S+", text):
        raise ValueError(
            "must be an e-mail address such as bounces@portal.example, "
            f"with at most {LONGEST_BOUNCE_NAME} characters in front of the @"
        )
    return sender_address(text)


def language(text: str) -> str:
    if text not in LANGUAGES:
        raise ValueError(f"must be one of {', '.join(sorted(LANGUAGES))}")
    return text


def filled(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("must be a whole number")
    return int(text)


def at_least_one(text: str) -> int:
    if not whole_number(text):
        raise ValueError("must be at least 1")
    return whole_number(text)


def names_host(text: str, *schemes: str) -> bool:
    """Tell whether an address has one of these schemes, a host and, if it names one, a valid port."""
    try:
        parts = urlsplit(text)
        return bool(
            parts.scheme in schemes
            and parts.hostname
            and parts.port != 0
            and not re.search(r"\s", text)
        )
    except ValueError:
        # The error's own text may quote part of a password, so it is not passed on.
        return False


def web_address(text: str) -> str:
    address = text.rstrip("/")
    if not names_host(address, "http", "https") or set(address) & set("?#@\\;"):
        raise ValueError("must be an address such as https://portal.example.com")
    # Browsers ask elsewhere, for another site even if it begins with two slashes.
    if {"", ".", ".."} & set(urlsplit(address).path.split("/")[1:]):
        raise ValueError("must have a path such as /apps/portal, or none")
    return address


def database_address(text: str) -> str:
    """Check and return SQLAlchemy's URL. Plain ``postgres://`` addresses get the psycopg driver."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("sqlite", "postgres", "postgresql", "postgresql+psycopg"):
        raise ValueError("must start with sqlite:/// or postgresql://")
    if scheme == "sqlite" and rest in ("", "/", "/:memory:"):
        raise ValueError("must name a file: nothing would be kept")
    return text if scheme == "sqlite" else f"postgresql+psycopg://{rest}"


def mail_address(text: str) -> str:
    if not text.startswith("inbox:") and not names_host(text, "smtp", "smtps"):
        raise ValueError("must be inbox:, smtp://user:password@host:port or smtps://…")
    return text


def mailbox_address(text: str) -> str:
    """Check the address of a mailbox by IMAP; empty: none."""
    if not text:
        return text
    parts = urlsplit(text) if names_host(text, "imap", "imaps") else None
    options = ("", "tls=off") if parts and parts.scheme == "imap" else ("",)
    if not parts or not parts.username or parts.query not in options or parts.fragment:
        raise ValueError("must be imaps://user:password@host/INBOX or imap://… (?tls=off)")
    return text


def storage_address(text: str) -> str:
    scheme, _, rest = text.partition("://")
    if not text.startswith("memory:") and not (scheme in STORES and re.match(r"\S", rest)):
        raise ValueError("must be memory:// or an address such as redis://host")
    return text


def broker_address(text: str) -> str:
    if text and not names_host(text, "redis", "rediss", "amqp", "amqps"):
        raise ValueError("must be redis://host or amqp://user:password@host")
    return text


def level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return text.upper()


def log_format(text: str) -> str:
    if text.lower() not in ("text", "json"):
        raise ValueError("must be text or json")
    return text.lower()
