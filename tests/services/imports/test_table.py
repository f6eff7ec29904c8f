"""Files as they come: encodings, separators, and every way of being broken."""

import codecs
import io

import pytest

from webapp.domain.cells import Problem
from webapp.domain.rows import Fault, ListError
from webapp.services.imports.table import decode, lines

TEXT = "Firma,Miasto\nŻółw,Łódź\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), None),
        (TEXT.encode("utf-8-sig"), None),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), None),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "cp1250"),
        (TEXT.encode("cp1250"), "cp1250"),
        (TEXT.encode("iso-8859-2"), "latin2"),
    ],
)
def test_decoding(content: bytes, encoding: str | None) -> None:
    assert decode(content, encoding).read() == TEXT


@pytest.mark.parametrize(
    ("content", "encoding", "row", "problem"),
    [
        (TEXT.encode("cp1250"), None, 2, Problem.GUESSED_ENCODING),
        (b"a\n\x81\n", "cp1250", 2, Problem.ENCODING),
        (b"a\n", "klingon", 1, Problem.UNKNOWN_ENCODING),
        (b"a\n", "base64", 1, Problem.UNKNOWN_ENCODING),
        (b"a\nb\0\n", None, 2, Problem.NUL),
    ],
)
def test_decoding_refused(content: bytes, encoding: str | None, row: int, problem: Problem) -> None:
    with pytest.raises(ListError) as error:
        decode(content, encoding)
    assert [(fault.row, fault.problem) for fault in error.value.faults] == [(row, problem)]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Company\nŁódź Żółta\n", "cp1250"),
        ("Firma;Miasto\nKawiarnia Pod Lipą;Kraków\n", "cp1250"),
        ("Firma\nŁódź Żółta\n" * 60, "iso8859_2"),
        ("Empresa\nPadaria Pão de Açúcar\n", "cp1252"),
        ("Empresa\nConstrução São João\n", "cp1252"),
    ],
)
def test_the_encoding_that_is_advised_reads_our_languages(text: str, encoding: str) -> None:
    with pytest.raises(ListError) as error:
        decode(text.encode(encoding))
    [fault] = error.value.faults
    assert fault.values == {"guess": encoding, "sample": text.splitlines()[1]}


@pytest.mark.parametrize(
    "text",
    [
        "A,B\n1,2\n",
        "A;B\n1;2\n",
        "A\tB\n1\t2\n",
        'A;B\r\n"1";"2"\r\n',
        "A;B\r1;2\r",
        "\n\nA;B\n\n;\n1;2",
    ],
)
def test_separators_and_line_ends(text: str) -> None:
    assert [cells for _row, cells in lines(io.StringIO(text, newline=""))] == [
        ["A", "B"],
        ["1", "2"],
    ]


def test_a_separator_within_quotes_does_not_count() -> None:
    assert next(lines(io.StringIO('"a, b, c";D\n'))) == (1, ["a, b, c", "D"])


def test_rows_are_lines_of_the_file() -> None:
    assert [row for row, _cells in lines(io.StringIO('A,B\n"1\n1",2\n\n3,4\n'))] == [1, 2, 5]


@pytest.mark.parametrize("text", ['A,B\n1,2\n"3,4\n5,6\n', 'A,B\n1,2\n"3"x,4\n'])
def test_broken_quotes_are_named(text: str) -> None:
    with pytest.raises(ListError) as error:
        list(lines(io.StringIO(text)))
    (fault,) = error.value.faults
    assert (fault.row, fault.problem) == (3, Problem.CSV)
    assert isinstance(fault, Fault)


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf \n\n", b",,,", b";;\n;;\n", b'"",""\n', b"\xef\xbb\xbf\t\t", b"\x0c"],
)
def test_lines_without_any_text_name_no_columns(content: bytes) -> None:
    with pytest.raises(ListError) as error:
        next(lines(decode(content)))
    assert error.value.faults == (Fault(1, None, Problem.UNNAMED_COLUMNS),)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_a_file_without_lines_is_empty(content: bytes) -> None:
    with pytest.raises(ListError) as error:
        next(lines(decode(content)))
    assert error.value.faults == (Fault(1, None, Problem.EMPTY),)


def test_a_cell_that_is_too_long_to_be_read_is_named() -> None:
    with pytest.raises(ListError) as error:
        next(lines(io.StringIO("A," + "b" * 200_000)))
    assert [(fault.row, fault.problem) for fault in error.value.faults] == [(1, Problem.CSV)]
