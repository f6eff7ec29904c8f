"""The evidence of renewals as files: for each a page, the timeline as a table, the mails as they went out; checksums.

All of it is in the language in force. An archive is made piece by piece, and holds one file in memory at a time.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import StringIO
from typing import Any, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from babel.numbers import get_decimal_symbol
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.i18n import LANGUAGES
from webapp.labels import audit, codes, renewal_words
from webapp.paths import folder
from webapp.services import runtime
from webapp.services.audit import TrailLine
from webapp.services.lists import evidence as evidences
from webapp.services.lists.evidence import Evidence, StoredMail
from webapp.services.lists.renewal_history import DeliveryHistory, Stage, moments
from webapp.services.trail import history
from webapp.templating import Templates
from webapp.typography import plain

PAGE, TIMELINE, SUMS, STYLE = "evidence.html", "timeline.csv", "SHA256SUMS", "style.css"
# Places for an apostrophe: spreadsheets take a cell that begins so for a formula, in either width. To a program that
# splits at other marks than the cells are apart by, a cell begins behind each of these.
FORMULA = re.compile(r"^(?=[\t\r\n])|(?<![^,;\t\r\n])(?=[=+\-@＝＋－＠])")
HEADS = (
    _l("Time (UTC)"),
    _l("Event"),
    _l("State"),
    _l("Days before"),
    _l("Recipient"),
    _l("E-mail"),
    _l("Reasons"),
    _l("Language"),
    _l("Author"),
    _l("Details"),
    "Message-ID",
    "SHA-256",
    _l("File"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """One line of the timeline, with a field for each of HEADS."""

    at: datetime
    event: str
    state: str = ""
    step: str = ""
    recipient: str = ""
    email: str = ""
    reasons: str = ""
    language: str = ""
    by: str = ""
    details: str = ""
    message_id: str = ""
    digest: str = ""
    file: str = ""


class Pipe:
    """A file for ZipFile to write to, which can't be wound back, and from which the newest piece is taken."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it to hand it on to."""

    def take(self) -> bytes:
        taken = b"".join(self.parts)
        self.parts.clear()
        return taken


def name_of(evidence: Evidence) -> str:
    """Name the folder of a renewal, as its mails name it in their References."""
    return f"renewal-{evidence.subscription_id}-{evidence.cycle}"


def archive(several: Iterable[Evidence], zone: str, language: str) -> Iterator[bytes]:
    """Yield an archive of some renewals piece by piece. SHA256SUMS in it has what ``sha256sum -c`` reads.

    ``zone``: the time zone of the pages in it, and ``language`` theirs.
    """
    pipe, sums = Pipe(), []
    with ZipFile(cast(Any, pipe), "w", ZIP_DEFLATED) as zipped:
        for name, content in files(several, zone, language):
            sums.append(f"{sha256(content).hexdigest()}  {name}\n")
            yield from add(zipped, pipe, name, content)
        yield from add(zipped, pipe, SUMS, "".join(sums).encode())
    yield pipe.take()


def add(zipped: ZipFile, pipe: Pipe, name: str, content: bytes) -> Iterator[bytes]:
    info = ZipInfo(name, runtime.now().timetuple()[:6])
    info.compress_type, info.external_attr = ZIP_DEFLATED, 0o600 << 16
    zipped.writestr(info, content)
    yield pipe.take()


def files(several: Iterable[Evidence], zone: str, language: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of some renewals with their names: a folder for each, and one stylesheet for all pages."""
    yield STYLE, stylesheet()
    for evidence in several:
        place, kept = name_of(evidence), set()
        for id, content in evidences.contents(sorted(evidence.stored)):
            kept.add(id)
            yield f"{place}/{mail_file(id)}", content
        # The page names as kept what lies beside it, even if a mail was erased this very moment.
        yield f"{place}/{TIMELINE}", timeline(evidence, kept, language)
        yield f"{place}/{PAGE}", page(evidence, kept, zone, language)


def mail_file(delivery_id: int) -> str:
    return f"mails/{delivery_id}.eml"


def stylesheet() -> bytes:
    """Read the portal's own stylesheet."""
    name = current_app.extensions["statics"]["portal.css"]
    return (folder("static") / "built" / name).read_bytes()


def page(evidence: Evidence, kept: Set[int], zone: str, language: str) -> bytes:
    """Write the page that lies beside the files, for print."""
    templates = cast(Templates, current_app.jinja_env).in_language()
    # Not flask.render_template: its context processors ask who is signed in, and commands have nobody.
    values = words(evidence, zone, language) | {
        "file": lambda mail: mail_file(mail.id) if mail.id in kept else None,
        "style": f"../{STYLE}",
    }
    return templates.get_template("evidence/document.html").render(values).encode()


def words(evidence: Evidence, zone: str, language: str) -> dict[str, Any]:
    """Gather the values for the page of a renewal, whoever shows it."""
    names, vendor = history.names(evidence.changes), runtime.settings().vendor_name
    return {
        "evidence": evidence,
        "zone": zone,
        "vendor": vendor,
        "moments": moments,
        "sentence": audit.sentence,
        "author": author,
        "changes": lambda change: audit.changes(change, names, language, vendor),
    }


def author(change: TrailLine) -> str:
    return audit.author(change, change.actor, codes.portal_name(runtime.settings().name))


def timeline(evidence: Evidence, kept: Set[int], language: str) -> bytes:
    """Write all events in the order of their times as a table (CSV, UTF-8 with a byte order mark).

    Its columns are apart by what spreadsheets of the language's speakers expect. No cell is a formula,
    whatever they are split at.
    """
    rows = [*step_rows(evidence, kept), *change_rows(evidence, language)]
    comma = get_decimal_symbol(LANGUAGES[language].locale) == ","
    text = StringIO(newline="")
    writer = csv.writer(text, delimiter=";" if comma else ",", quoting=csv.QUOTE_ALL)
    writer.writerow([plain(str(head)) for head in HEADS])
    for row in sorted(rows, key=lambda one: one.at):
        at, *cells = astuple(row)
        time = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        writer.writerow([time, *(no_formula(plain(cell)) for cell in cells)])
    return text.getvalue().encode("utf-8-sig")


def no_formula(text: str) -> str:
    """Make a text that a spreadsheet shows as it is: behind an apostrophe nothing is calculated."""
    return FORMULA.sub("'", text)


def step_rows(evidence: Evidence, kept: Set[int]) -> Iterator[TimelineRow]:
    """Yield a row for each stage of each step, and of its mails."""
    for renewal in evidence.renewals:
        for step in renewal.steps:
            days = renewal_words.days_before(step.days_before)
            for stage in step.stages:
                state = stage_word(stage, codes.STEP_STAGES)
                yield TimelineRow(
                    at=stage.at, event=_("Reminder"), state=state, step=days, by=stage.by or ""
                )
            for mail in step.mails:
                yield from mail_rows(mail, days, evidence.stored[mail.id], kept)


def mail_rows(
    mail: DeliveryHistory, days: str, stored: StoredMail, kept: Set[int]
) -> Iterator[TimelineRow]:
    for stage in mail.stages:
        yield TimelineRow(
            at=stage.at,
            event=str(codes.MAIL_KINDS[mail.kind]),
            state=stage_word(stage, codes.MAIL_STAGES),
            step=days,
            recipient=mail.recipient,
            email=stored.email,
            reasons=codes.reasons(mail.reasons),
            language=codes.ENDONYMS[mail.language],
            by=stage.by or "",
            details=codes.reply(stage.reply) if stage.reply else "",
            message_id=stored.message_id or "",
            digest=stored.sha256 or "",
            file=mail_file(mail.id) if mail.id in kept else "",
        )


def stage_word(stage: Stage, texts: Mapping[Any, Any]) -> str:
    return _("Still on its way") if stage.late else str(texts[stage.state])


def change_rows(evidence: Evidence, language: str) -> Iterator[TimelineRow]:
    names, vendor = history.names(evidence.changes), runtime.settings().vendor_name
    for change in evidence.changes:
        made = audit.changes(change, names, language, vendor)
        yield TimelineRow(
            at=change.at,
            event=audit.sentence(change),
            state=_("Undone") if change.undone else "",
            by=author(change),
            details="; ".join(f"{one.label}: {one.before} → {one.after}" for one in made),
        )
