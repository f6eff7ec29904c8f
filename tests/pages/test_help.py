"""The help article in three languages, and the answers of its readers."""

import pytest
from sqlalchemy import select

from webapp.models import Feedback, db

PATH = "/help/renewal-owners"
HTMX = {"HX-Request": "true"}


def answers(app):
    with app.app_context():
        return [
            (row.page, row.language, row.helpful, row.comment, row.user_id)
            for row in db.session.scalars(select(Feedback).order_by(Feedback.id))
        ]


@pytest.mark.parametrize(
    ("language", "title", "updated"),
    [
        ("en", "Set renewal owners for partner clients", "Last updated: 30 November 2026"),
        (
            *("pl", "Ustalenie właścicieli odnowień dla klientów partnerskich"),
            "Data ostatniej aktualizacji: 30 listopada 2026",
        ),
        (
            *("pt", "Definir proprietários de renovação para clientes de parceiros"),
            "Última atualização: 30 de novembro de 2026",
        ),
    ],
)
def test_the_article_in_each_language(browse, language, title, updated):
    page = browse().get(f"{PATH}?lang={language}").text
    assert f">{title}" in page
    assert updated in page
    # The translation is for convenience; the English version has nothing to disclaim.
    assert (f'href="{PATH}?lang=en"' in page) == (language != "en")


def test_labels_lead_to_their_pages_for_who_may_open_them(browse, cast):
    for reader, leads in ((cast.alice, True), (cast.bob, False), (cast.dana, False), (None, True)):
        page = browse(reader).get(PATH).text
        assert ('href="/settings/partners"><strong>Partners' in page) == leads


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_answer_of_somebody_signed_out(app, browse, headers):
    eve = browse()
    data = {"helpful": "yes", "comment": " Clear. "}
    answer = eve.post(f"{PATH}/feedback?lang=pt", data=data, headers=headers)
    page = answer.text if headers else eve.get(answer.location).text
    assert answer.status_code == (200 if headers else 303)
    assert "Agradecemos" in page
    assert ("<html" in page) == (not headers)
    assert answers(app) == [("renewal-owners", "pt", True, "Clear.", None)]


def test_an_answer_of_somebody_signed_in(app, browse, cast):
    browse(cast.bob).post(f"{PATH}/feedback", data={"helpful": "no"})
    assert answers(app) == [("renewal-owners", "en", False, None, cast.bob)]


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    "data", [{"comment": "Hm"}, {"helpful": "maybe"}, {"helpful": "no", "comment": "Hm" * 1001}]
)
def test_what_is_wrong_is_said_and_the_text_is_kept(app, browse, data, headers):
    answer = browse().post(f"{PATH}/feedback", data=data, headers=headers)
    assert answer.status_code == 422
    assert "Nothing was saved yet" in answer.text
    assert data.get("comment", "") in answer.text
    assert answers(app) == []


def test_answers_are_limited(browse):
    eve = browse()
    given = [
        eve.post(f"{PATH}/feedback", data={"helpful": "yes"}, headers=HTMX).status_code
        for _ in range(21)
    ]
    assert given == [200] * 20 + [429]
