"""The evidence of renewals as an archive: a page, a table, the mails, and checksums that another program confirms."""

import csv
import re
import subprocess
from dataclasses import replace
from hashlib import sha256
from io import BytesIO, StringIO
from zipfile import ZipFile

import pytest
from flask_babel import force_locale
from sqlalchemy import update

from tests.support.cast import unit_of_work
from tests.support.erasing import live
from webapp import evidence
from webapp.models import Client, DeliveryMessage, User, db
from webapp.models.tables import delivery_event_table
from webapp.pages.mail_view import parse
from webapp.services.lists import evidence as evidences
from webapp.services.lists.renewal_history import Stage
from webapp.typography import plain

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def made(app, cast):
    """Put the evidence of the first renewal into an archive, in a language; returns it with its pieces."""

    def make(language="en"):
        with app.app_context(), force_locale(language):
            client = db.session.get_one(Client, cast.client)
            found = evidences.load(client, cast.subscription, 1)
            pieces = list(evidence.archive([found], "Europe/Warsaw", language))
        return ZipFile(BytesIO(b"".join(pieces)))

    live(app, cast)
    return make


def table(archive, cast, delimiter=","):
    text = archive.read(f"renewal-{cast.subscription}-1/timeline.csv").decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text), delimiter=delimiter))


def page(archive, cast):
    return plain(archive.read(f"renewal-{cast.subscription}-1/evidence.html").decode())


def test_the_mails_lie_in_it_as_they_went_out(app, cast, made):
    archive = made()
    assert archive.testzip() is None
    mails = [name for name in archive.namelist() if name.endswith(".eml")]
    assert len(mails) == 3
    with app.app_context():
        for name in mails:
            stored = db.session.get_one(DeliveryMessage, int(re.search(r"(\d+)\.eml", name)[1]))
            assert archive.read(name) == stored.content
            assert sha256(archive.read(name)).hexdigest() == stored.sha256
    readers = {parse(archive.read(name))["To"] for name in mails}
    assert len(readers) == 1
    assert "dana@acme.example" in readers.pop()


def test_another_program_confirms_the_checksums(made, tmp_path):
    archive = made()
    archive.extractall(tmp_path)
    listed = (tmp_path / "SHA256SUMS").read_text().splitlines()
    assert len(listed) == len(archive.namelist()) - 1
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True).returncode == 0
    with next(tmp_path.glob("*/mails/*.eml")).open("ab") as mail:
        mail.write(b"one more word")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True).returncode == 1


def test_what_the_page_names_lies_beside_it(cast, made):
    archive = made()
    folder = f"renewal-{cast.subscription}-1"
    names = set(archive.namelist())
    links = re.findall(r'href="([^"]+)"', page(archive, cast))
    assert len(links) == 4
    assert {f"{folder}/{link}".replace(f"{folder}/../", "") for link in links} <= names
    assert b"@media print" in archive.read("style.css")


@pytest.mark.parametrize(
    ("language", "delimiter", "texts"),
    [
        ("en", ",", ("Evidence of a renewal", "30 days before", "Sent", "HubSpot (Default)")),
        (
            "pl",
            ";",
            ("Dowody powiadomień o odnowieniu", "30 dni przed terminem", "Wysłano", "Domyślne"),
        ),
        ("pt", ";", ("Evidências da renovação", "30 dias antes", "Enviado", "Padrão")),
    ],
)
def test_in_three_languages(cast, made, language, delimiter, texts):
    archive = made(language)
    for text in texts:
        assert text in page(archive, cast)
    rows = table(archive, cast, delimiter)
    heads = list(rows[0])
    assert len(heads) == len(set(heads)) == len(evidence.HEADS)
    assert rows == sorted(rows, key=lambda row: row[heads[0]])
    assert texts[2] in {row[heads[2]] for row in rows}


def test_the_timeline_tells_it_all_in_order(app, cast, made):
    rows = table(made(), cast)
    assert [
        (row["Time (UTC)"], row["Event"], row["State"], row["Recipient"], row["Author"])
        for row in rows
        if row["Days before"] in ("30 days before", "") and row["State"] in ("", "Planned", "Sent")
    ] == [
        ("2027-03-01 10:00:00", "Reminder", "Planned", "", ""),
        *(
            ("2027-03-01 10:00:00", "Reminder to the client", "Sent", name, "")
            for name in ("Dana", "Dave Dove", "Alice")
        ),
        ("2027-03-01 10:00:00", "Renewal owner changed", "", "", "Alice"),
    ]
    sent = [row for row in rows if row["State"] == "Sent"]
    assert {row["E-mail"] for row in sent} == {
        "dana@acme.example",
        "dave@acme.example",
        "alice@odnowa.example",
    }
    for row in sent:
        assert row["Language"] == "English"
        assert row["Message-ID"].startswith("<")
        assert re.fullmatch("[0-9a-f]{64}", row["SHA-256"])
        assert re.fullmatch(r"mails/\d+\.eml", row["File"])


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\t", "\uff1d"])
def test_no_cell_is_a_formula(app, cast, made, mark):
    with unit_of_work(app):
        db.session.get_one(User, cast.dana).name = f'{mark}HYPERLINK("elsewhere")'
        db.session.execute(
            update(delivery_event_table).values(reply=f"{mark}1+1\n{mark}2", actor_id=cast.dana)
        )
    archive = made()
    cells = {cell for row in table(archive, cast) for cell in row.values()}
    after_line = "" if mark == "\t" else "'"
    assert f"'{mark}1+1\n{after_line}{mark}2" in cells
    assert f'\'{mark}HYPERLINK("elsewhere")' in cells
    assert [cell for cell in cells if evidence.FORMULA.match(cell)] == []


@pytest.mark.parametrize("language", ["en", "pl"])
@pytest.mark.parametrize("apart", [",", ";", "\t"])
def test_nor_for_a_program_that_splits_at_other_marks(app, cast, made, language, apart):
    name = "Dana" + "".join(f"{mark}=HYPERLINK(1){mark}" for mark in ",;\t")
    with unit_of_work(app):
        db.session.get_one(User, cast.dana).name = name
    archive = made(language)
    text = archive.read(f"renewal-{cast.subscription}-1/timeline.csv").decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in text
    for quoted in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        rows = csv.reader(StringIO(text, newline=""), delimiter=apart, quoting=quoted)
        cells = {cell for row in rows for cell in row}
        assert [cell for cell in cells if cell.startswith("=")] == []


def test_all_cells_are_in_quotes(cast, made):
    text = made().read(f"renewal-{cast.subscription}-1/timeline.csv").decode("utf-8-sig")
    assert text.startswith('"Time (UTC)","Event",')
    assert '"",' in text


def test_mails_without_bytes_say_so(app, cast, made):
    with unit_of_work(app):
        gone = db.session.query(DeliveryMessage).first()
        digest, gone.content = gone.sha256, None
        place = evidence.mail_file(gone.delivery_id)
    archive = made()
    assert f"renewal-{cast.subscription}-1/{place}" not in archive.namelist()
    assert page(archive, cast).count("The mail itself is no longer kept.") == 1
    assert digest in page(archive, cast)
    row = next(row for row in table(archive, cast) if row["SHA-256"] == digest)
    assert row["File"] == ""


def test_it_is_made_piece_by_piece(app, cast, made):
    """No more than one file is held: the largest piece is not much longer than the largest file."""
    with app.app_context():
        client = db.session.get_one(Client, cast.client)
        found = evidences.load(client, cast.subscription, 1)
        pieces = list(
            evidence.archive([replace(found, cycle=cycle) for cycle in range(20)], "UTC", "en")
        )
    archive = ZipFile(BytesIO(b"".join(pieces)))
    largest = max(entry.compress_size for entry in archive.infolist())
    assert max(map(len, pieces)) < largest + 20_000
    assert len(b"".join(pieces)) > 5 * largest


def test_a_late_report_is_no_second_sending(cast):
    late = Stage(None, None, late=True)
    assert evidence.stage_word(late, {}) == "Still on its way"
