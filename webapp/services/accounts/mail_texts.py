"""The words of a partner's own in its mails to clients: its company data, and its texts in each language."""

from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from sqlalchemy import select

from webapp.domain.refusals import Refusal
from webapp.domain.shown import token_of
from webapp.i18n import CODES, LANGUAGES
from webapp.mail.addresses import AddressError, normalise
from webapp.models import AuditEntry, Partner, User, Wording, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.models.organisation import LONGEST_LEGAL, LONGEST_URL
from webapp.models.wording import LONGEST_INTRODUCTION, LONGEST_SIGNATURE
from webapp.services import audit
from webapp.services.accounts import first_run, partners
from webapp.services.accounts.names import checked_text
from webapp.services.errors import Refused
from webapp.services.locks import lock_organisation


@dataclass(frozen=True, slots=True)
class CompanyData:
    """The parts of every mail of a partner to its clients, as Partner stores them; None if one is not set."""

    reply_to: str | None
    legal: str | None
    privacy_url: str | None


@dataclass(frozen=True, slots=True)
class Texts:
    """A partner's texts in one language, as Wording stores them; None stands for the standard text."""

    introduction: str | None = None
    signature: str | None = None


def company_of(partner: Partner) -> CompanyData:
    return CompanyData(partner.reply_to, partner.legal, partner.privacy_url)


def texts_of(partner: Partner) -> dict[str, Texts]:
    """Load a partner's texts in all languages."""
    rows = db.session.scalars(select(Wording).where(Wording.partner_id == partner.id))
    stored = {row.language: Texts(row.introduction, row.signature) for row in rows}
    return {language: stored.get(language, Texts()) for language in CODES}


def shown(values: CompanyData | Texts) -> str:
    """Make the token of a form that shows these values. Each part of the page goes stale on its own."""
    return token_of(asdict(values))


def save_company(
    actor: User | None, partner: Partner, wanted: CompanyData, shown: str | None = None
) -> TrailEntry | None:
    """Set what every mail to clients carries; None if nothing changed. Raises Refused, Conflict."""
    checked = CompanyData(
        reply_to=checked_address(wanted.reply_to),
        legal=checked_text("legal", wanted.legal, LONGEST_LEGAL),
        privacy_url=checked_web_address("privacy_url", wanted.privacy_url),
    )
    entry = partners.save(actor, partner, AuditAction.COMPANY_CHANGED, asdict(checked), shown)
    first_run.finish(partner)
    return entry


def save_texts(
    actor: User | None, partner: Partner, language: str, wanted: Texts, shown: str | None = None
) -> TrailEntry | None:
    """Set the texts in one language; None if nothing changed. Raises Refused, Conflict."""
    checked = Texts(
        introduction=checked_text("introduction", wanted.introduction, LONGEST_INTRODUCTION),
        signature=checked_text("signature", wanted.signature, LONGEST_SIGNATURE),
    )
    # A row that is not there yet can't be locked.
    lock_organisation(partner.id)
    row = db.session.scalar(
        select(Wording)
        .where(Wording.partner_id == partner.id, Wording.language == language)
        .execution_options(populate_existing=True)
    ) or Wording(partner_id=partner.id, language=language)
    stored = Texts(row.introduction, row.signature)
    if stored == checked:
        return None
    audit.refuse_stale(
        shown,
        asdict(stored),
        AuditEntry.organisation_id == partner.id,
        AuditEntry.action == AuditAction.TEXTS_CHANGED,
        AuditEntry.subject_id == row.id,
    )
    changes = audit.assign(row, **asdict(checked))
    db.session.add(row)
    db.session.flush()
    return audit.record(
        actor,
        AuditAction.TEXTS_CHANGED,
        organisation_id=partner.id,
        subject_id=row.id,
        subject=LANGUAGES[language].endonym,
        changes=changes,
    )


def checked_address(email: str | None) -> str | None:
    """Return the address for answers as it is stored; None for an empty one. Raises Refused."""
    if not (email or "").strip():
        return None
    try:
        return normalise(email or "")
    except AddressError as error:
        raise Refused("reply_to", error.refusal) from None


def checked_web_address(field: str, url: str | None) -> str | None:
    """Return the address of a page as it is stored; None for an empty one. Raises Refused."""
    written = (url or "").strip()
    if not written:
        return None
    if len(written) > LONGEST_URL:
        raise Refused(field, Refusal.TOO_LONG, max=LONGEST_URL)
    if not is_web_address(written):
        raise Refused(field, Refusal.WEB_ADDRESS)
    return written


def is_web_address(text: str) -> bool:
    """Tell whether everybody's browser opens this: a whole address without spaces, quotes or a password."""
    if not text.isprintable() or any(char.isspace() or char in '<>"\\' for char in text):
        return False
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return whole and "@" not in parts.netloc
