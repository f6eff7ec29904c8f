"""Answers in the fourth language when something was saved, or was not."""

from typing import Any

import pytest
from flask import Flask

from tests.fourth_language.reading import CODE, Judge, listed, open_in_danish, told
from tests.support.cast import Cast
from tests.support.forms import FORMS, actor_id, filled
from webapp.pages import errors, guards

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def unlimited(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    # Refusals would hide what is looked for.
    monkeypatch.setattr(guards.limiter, "enabled", False)


def test_no_answer_to_a_form_has_a_text_of_its_own(
    app: Flask, cast: Cast, values: dict[str, Any], browse: Any
) -> None:
    typed = {text for form in FORMS for text in form.good.values() if len(text) > 1}
    judge = Judge(app, typed)
    faults: dict[str, str] = {}
    for form in FORMS:
        person, url = browse(actor_id(cast, form.actor), CODE), form.address.format(**values)
        good = filled(form, values, person)
        tried = [
            good | {field: text}
            for field, texts in form.bad.items()
            for text in (*texts[:2], texts[-1])
        ]
        for fields in (*tried, good):
            # A field shows again what was typed into it.
            sent = {" ".join(text.split()) for text in fields.values()}
            answer = person.post(f"{url}?lang={CODE}", data=fields)
            while answer.status_code == 303:
                answer = open_in_danish(person, answer.location)
            for text in judge.faults(told(answer.text)):
                if text not in sent:
                    faults[text] = f"{url} {fields}"[:200]
    assert not faults, listed(faults)


def test_no_error_page_has_a_text_of_its_own(app: Flask, cast: Cast, browse: Any) -> None:
    judge, faults = Judge(app), {}
    with app.test_request_context(query_string={"lang": CODE}):
        app.preprocess_request()
        for code, texts in (errors.TEXTS | {418: errors.SESSION_ENDED}).items():
            page = errors.page(code, texts).get_data(as_text=True)
            faults |= dict.fromkeys(judge.faults(told(page)), f"error {code}")
    for user_id in (None, cast.alice, cast.dana):
        page = browse(user_id).get("/nope", query_string={"lang": CODE}).text
        faults |= dict.fromkeys(judge.faults(told(page)), f"/nope {user_id}")
    assert not faults, listed(faults)
