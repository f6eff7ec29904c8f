"""Codes for all refusals: somebody typed, chose or asked for something that can't be accepted."""

from enum import StrEnum, auto


class Refusal(StrEnum):
    """The reason for a refusal. Each has a sentence in webapp.labels.refusals."""

    # Any value.
    EMPTY = auto()
    TOO_LONG = auto()
    CONTROL = auto()
    UNSEEN = auto()
    NO_OPTION = auto()
    DOMAIN = auto()
    PHONE = auto()
    TIME_ZONE = auto()
    # An e-mail address.
    ADDRESS_CHARACTERS = auto()
    ADDRESS_NO_AT = auto()
    ADDRESS_ACCENTS = auto()
    ADDRESS_LENGTH = auto()
    ADDRESS_SPELLING = auto()
    ADDRESS_TAKEN = auto()
    ADDRESS_IN_USE = auto()
    ADDRESS_OF_ADMIN = auto()
    # A person, and the link that lets one in.
    INACTIVE = auto()
    JOINED = auto()
    NOT_JOINED = auto()
    SIGNS_IN = auto()
    OWN_ACCESS = auto()
    LAST_ADMIN = auto()
    PERSON_DIFFERS = auto()
    FIRST_ADMIN = auto()
    LINK_OVER = auto()
    OWN_INVITATION = auto()
    # The second step of signing in.
    FACTOR_REQUIRED = auto()
    FACTOR_MISSING = auto()
    FACTOR_ELSEWHERE = auto()
    FACTOR_OWN = auto()
    # A password that is easily guessed.
    PASSWORD_NAMES = auto()
    PASSWORD_WORDS = auto()
    PASSWORD_KEYS = auto()
    PASSWORD_REPEATS = auto()
    PASSWORD_SEQUENCE = auto()
    PASSWORD_DATE = auto()
    # An access token.
    TOKENS_LIMIT = auto()
    TOKEN_MADE = auto()
    # A client, its owner and its contacts.
    EXTERNAL_ID_TAKEN = auto()
    EXTERNAL_ID_ARCHIVED = auto()
    CLIENT_NOT_ARCHIVED = auto()
    CLIENT_ERASED = auto()
    NAME_DIFFERS = auto()
    CONTACT_NEEDED = auto()
    CONTACT_NOT_LISTED = auto()
    STRANGER = auto()
    # A subscription.
    PRODUCT_TAKEN = auto()
    DATE = auto()
    DEADLINE_LATE = auto()
    AMOUNT = auto()
    AMOUNT_NEEDED = auto()
    CURRENCY_NEEDED = auto()
    REMINDER_DAY = auto()
    SUBSCRIPTION_TOLD = auto()
    SUBSCRIPTION_OLD = auto()
    # Undoing a change.
    ADMIN_UNDOES = auto()
    CLIENT_UNDOES = auto()
    # A partner's settings.
    NOTIFIED_NEEDED = auto()
    STEPS = auto()
    DEADLINE_RULE = auto()
    WINDOW = auto()
    WEEKDAY_NEEDED = auto()
    INVISIBLE = auto()
    WEB_ADDRESS = auto()
    NO_MAIL_SERVER = auto()
    # A mail that somebody causes.
    MAILBOX_LIMIT = auto()
    ORGANISATION_LIMIT = auto()
    # Sending a mail again.
    MAIL_OVER = auto()
    MAIL_UNASKED = auto()
    MAIL_GONE = auto()
    ADDRESS_REJECTED = auto()
