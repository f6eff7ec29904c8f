"""Reading a separated text file into lines of cells: its encoding, its separator, its faults."""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import TextIO

from webapp.domain.cells import Problem
from webapp.domain.rows import Fault, ListError
from webapp.i18n import LANGUAGES

SEPARATORS = ",;\t"
# So many characters are decoded at a time.
PIECE = 1 << 20
# General detectors mistake short lists in Polish or Portuguese for Romanian or Danish.
ENCODINGS = tuple(dict.fromkeys(name for spoken in LANGUAGES.values() for name in spoken.encodings))
OWN_LETTERS = {
    letter
    for spoken in LANGUAGES.values()
    for char in spoken.alphabet + spoken.marked
    for letter in (char, char.upper())
    if not letter.isascii()
}
# The longer mark comes first, since UTF-32's begins with UTF-16's.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(content: bytes, encoding: str | None = None) -> TextIO:
    """Open a file's text by its byte order mark, by the named encoding, or else as UTF-8.

    No other encoding is guessed, since a wrong guess spoils names silently. The error proposes one instead.
    The text is read piece by piece, and wholly once before the first line is had. Raises ListError.
    """
    marked = next((name for mark, name in MARKS if content.startswith(mark)), None)
    name = marked or encoding or "utf-8"
    try:
        text = io.TextIOWrapper(io.BytesIO(content), encoding=name, newline="")
        row = 1
        while piece := text.read(PIECE):
            if "\0" in piece:
                row += piece.count("\n", 0, piece.index("\0"))
                raise ListError([Fault(row, None, Problem.NUL)])
            row += piece.count("\n")
    except LookupError:
        raise ListError([Fault(1, None, Problem.UNKNOWN_ENCODING, {"encoding": name})]) from None
    except UnicodeError:
        raise ListError([encoding_fault(content, name, None if marked else encoding)]) from None
    text.seek(0)
    return text


def encoding_fault(content: bytes, name: str, named: str | None) -> Fault:
    """Name the line that can't be decoded. ``named``: the encoding that somebody asked for."""
    row = 1
    try:
        content.decode(name)
    except UnicodeError as error:
        row += content.count(b"\n", 0, getattr(error, "start", 0))
    if named:
        return Fault(row, None, Problem.ENCODING, {"encoding": named})
    guess, text = max(readings(content), key=lambda reading: plausibility(reading[1]))
    sample = next(line for line in text.splitlines() if not line.isascii())
    return Fault(row, None, Problem.GUESSED_ENCODING, {"guess": guess, "sample": sample[:60]})


def readings(content: bytes) -> list[tuple[str, str]]:
    """Decode a text in each of the usual encodings of lists in our languages."""
    return [(name, content.decode(name, errors="replace")) for name in ENCODINGS]


def plausibility(text: str) -> int:
    """Count the letters of our languages in a text, less all other characters beyond ASCII."""
    return sum(1 if char in OWN_LETTERS else -1 for char in text if not char.isascii())


def separator(text: TextIO) -> str:
    """Choose the separator that divides the header line into the most cells."""
    filled = (line.lstrip("\r\n") for line in text)
    first = next(("".join(line.splitlines()[:1]) for line in filled if line), "")
    text.seek(0)
    return max(SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark))))


def lines(text: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line on which it begins, header first, without blank lines.

    Raises ListError if there is no record, or if the file is broken: an unclosed quote would swallow all lines
    after it.
    """
    row, empty = 1, True
    try:
        reader = csv.reader(text, delimiter=separator(text), strict=True)
        for cells in reader:
            if "".join(cells).strip():
                empty = False
                yield row, cells
            row = reader.line_num + 1
    except csv.Error as error:
        raise ListError([Fault(row, None, Problem.CSV, {"reason": str(error)})]) from None
    if empty:
        problem = Problem.EMPTY if row == 1 else Problem.UNNAMED_COLUMNS
        raise ListError([Fault(1, None, problem)])
