"""Languages, and how text is folded and ordered."""

import unicodedata
from dataclasses import fields, replace
from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp import i18n

TRANSLATING = Path(__file__).parent.parent / "docs" / "translating.md"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (["pl"], "pl"),
        (["pl-PL"], "pl"),
        (["pt"], "pt"),
        (["pt-BR"], "pt"),
        (["pt-PT"], "pt"),
        (["pt-AO"], "pt"),
        (["PT-br"], "pt"),
        (["en-GB"], "en"),
        (["en-US", "pl"], "en"),
        (["de-AT", "pt-AO", "pl"], "pt"),
        (["de", "fr-CA"], None),
        (["plt"], None),
        (["*"], None),
        ([], None),
    ],
)
def test_the_best_language_of_a_request(accepted: list[str], language: str | None) -> None:
    assert i18n.best_language(accepted) == language


def test_each_language_has_its_own_name_and_tag():
    assert [(one.code, one.endonym, one.html) for one in i18n.LANGUAGES.values()] == [
        ("pl", "Polski", "pl"),
        ("pt", "Português (Brasil)", "pt-BR"),
        ("en", "English", "en"),
    ]


@pytest.mark.parametrize("name", [field.name for field in fields(i18n.Language)])
def test_every_field_of_a_language_is_explained_to_translators(name: str) -> None:
    lines = TRANSLATING.read_text(encoding="utf-8").splitlines()
    assert any(f"`{name}`" in line.split("|")[1] for line in lines if line.startswith("| `"))


# Folding and order


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Łódź", "lodz"),
        ("ZAŻÓŁĆ GĘŚLĄ JAŹŃ", "zazolc gesla jazn"),
        ("São João do Açaí", "sao joao do acai"),
        ("Øresund & Ærø", "oresund & aero"),
        ("Straße", "strasse"),
        ("İstanbul, Iğdır", "istanbul, igdir"),
        ("  Two\u00a0 words\n", "two words"),
        ("Acme™ ﬁne", "acmetm fine"),
        ("e\u0301cole", "ecole"),
        ("№ 5", "no 5"),
        ("", ""),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert i18n.fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text):
    folded = i18n.fold(text)
    assert i18n.fold(folded) == folded


@given(st.text("aąbcćdeęlłnńoósśzźżãõçéAĄĆŁÓŚŻÃÇ -"))
def test_folding_knows_no_case_and_no_way_of_writing_accents(text):
    assert i18n.fold(text.upper()) == i18n.fold(text.lower()) == i18n.fold(text)
    assert i18n.fold(unicodedata.normalize("NFD", text)) == i18n.fold(text)


IN_ORDER = [
    "24/7 Serwis",
    "Acme",
    "Adam Zych",
    "Adamski",
    "Azyl",
    "Ąbalski",
    "Babel",
    "Cyan",
    "Ćma",
    "Dom",
    "Ewa",
    "Ęsk",
    "Fala",
    "Kowal",
    "Kozak",
    "Kół",
    "Lublin",
    "Lwów",
    "Łan",
    "Łódź",
    "Mama",
    "Nysa",
    "Ńu",
    "Opole",
    "Osa",
    "Óbidos",
    "Ósemka",
    "Pole",
    "Sopot",
    "Szczecin",
    "Ścinawa",
    "Tychy",
    "Zamość",
    "Zzz",
    "Źdźbło",
    "Źródło",
    "Żary",
    "Żyto",
]


def in_order(names: list[str]) -> bool:
    """Tell whether each name comes before the next."""
    keys = [i18n.sort_key(name) for name in names]
    return keys == sorted(set(keys))


def test_names_stand_in_the_polish_alphabet():
    assert in_order(IN_ORDER)


def test_every_letter_of_the_alphabet_has_its_place():
    alphabet = "aąbcćdeęfghijklłmnńoópqrsśtuvwxyzźż"
    assert in_order([first + second for first in alphabet for second in ("", *alphabet)])


def test_letters_of_several_languages_keep_apart():
    latin = "abcdefghijklmnopqrstuvwxyz"
    polish = i18n.LANGUAGES["pl"]
    danish, swedish, spanish = (
        replace(polish, alphabet=alphabet)
        for alphabet in (f"{latin}æøå", f"{latin}åäö", "abcdefghijklmnñopqrstuvwxyz")
    )
    places = i18n.own_places([polish, danish, swedish, spanish])
    behind_z = [
        letter for letter, place in sorted(places.items(), key=itemgetter(1)) if "z" in place
    ]
    assert behind_z == [*"źżæøåäö"]
    assert places["ñ"] > places["ń"] > "n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ÁGUA", "agua"),
        ("São  João", "sao joao"),
        ("ŁÓDŹ", "łódź"),
        ("Z\u0307ary", "Żary"),
    ],
)
def test_case_spaces_and_other_accents_do_not_change_the_place(one: str, other: str) -> None:
    assert i18n.sort_key(one) == i18n.sort_key(other)


def test_an_accent_without_a_letter_of_its_own_leaves_no_gap():
    assert i18n.sort_key("q\u0303a") == "qa"


def test_a_key_fits_its_column():
    assert len(i18n.sort_key("ż" * 300)) == 300
