"""What templates write: values as HTML, in pages and in texts of the catalog."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from flask_babel import force_locale, lazy_gettext
from markupsafe import Markup

from webapp.domain.recipients import Reason
from webapp.i18n import LANGUAGES
from webapp.templating import SPECIAL, with_style

HOSTILE = """<b>&"'"""
SAFE = ("<", ">", '"', "'")
DAY = date(2026, 2, 3)
# The filters whose text is not escaped, and what they are asked to write.
PLAIN = {
    **dict.fromkeys(("full_date", "long_date", "medium_date", "week_day"), (DAY,)),
    **dict.fromkeys(("month_name", "short_month"), (DAY,)),
    **dict.fromkeys(("admins", "days_away", "days_before", "number", "term"), (12_345,)),
    "near_date": (DAY, DAY),
    "local_time": (datetime(2026, 2, 3, 4, 5, tzinfo=UTC), "Asia/Riyadh"),
    "reasons": (tuple(Reason),),
}


@pytest.fixture
def render(app):
    """Render a template's source in the language in force."""

    def render(source, **values):
        return app.jinja_env.in_language().from_string(source).render(values)

    with app.test_request_context():
        yield render


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("Łódź & Co", "Łódź &amp; Co"),
        (Markup("<b>"), "<b>"),
        (7, "7"),
        (None, "None"),
        (lazy_gettext("Save"), "Save"),
        (["<"], "[&#39;&lt;&#39;]"),
    ],
)
def test_a_value_is_written_as_html(render, value, written):
    assert render("{{ value }}", value=value) == written


@pytest.mark.parametrize(
    "template",
    [
        "{{ hostile }}",
        "{{ _('decide by %(date)s', date=hostile) }}",
        "{{ ngettext('%(num)d admin of %(name)s', '%(num)d admins of %(name)s', 2, name=hostile) }}",
        "{% macro show(text) %}{{ text }}{% endmacro %}{{ show(hostile) }}",
        "{% set kept %}{{ hostile }}{% endset %}{{ kept }}",
        "{{ hostile ~ hostile }}",
    ],
)
def test_no_value_opens_a_tag_or_an_attribute(render, template):
    shown = render(template, hostile=HOSTILE)
    assert "b&gt;&amp;" in shown
    assert not any(mark in shown for mark in SAFE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_written_unescaped_means_nothing_else_in_html(app, language):
    with app.test_request_context(), force_locale(language):
        templates = app.jinja_env.in_language()
        assert templates.globals["language"] == language
        assert set(templates.plain) == set(PLAIN)
        for name, values in PLAIN.items():
            assert not SPECIAL(templates.filters[name](*values)), name


def test_a_text_is_escaped_once(render):
    shown = render("{% macro show(text) %}{{ text }}{% endmacro %}{{ show('&') }}")
    assert shown == "&amp;"


@pytest.mark.parametrize(
    "template",
    [
        "{{ _('%(part)s: 5%% of %(whole)d', part=text, whole=7) }}",
        "{% set said = _('%(part)s: 5%% of %(whole)d', part=text, whole=7) %}{{ said }}",
        "{% if true %}{{ _('%(part)s: 5%% of %(whole)d', whole=7, part=text) }}{% endif %}",
    ],
)
def test_values_stand_in_their_places_of_a_text(render, template):
    assert render(template, text="A & B") == "A &amp; B: 5% of 7"


SHEET = "p { margin: 0 } .button a { color: #ffffff } th { padding: 0 }"


@pytest.mark.parametrize(
    ("source", "styled"),
    [
        (
            "{% if a < b %}<p>{{ '&' }}</p>{% endif %}",
            "{% if a < b %}<p style=\"margin: 0;\">{{ '&' }}</p>{% endif %}",
        ),
        (
            '<div class="button">{# > #}<a href="{{ to }}?a&amp;b">{{ said }}</a></div>',
            '<div class="button">{# > #}<a href="{{ to }}?a&amp;b" style="color: #ffffff;">{{ said }}</a></div>',
        ),
        (
            "<table><tbody>{% for x in y %}<tr><th>{{ x }}</th></tr>{% endfor %}</tbody></table>",
            '<table><tbody>{% for x in y %}<tr><th style="padding: 0;">{{ x }}</th></tr>{% endfor %}</tbody></table>',
        ),
        ("{% extends 'a' %}\n<b>{{ x }}{{ y }}</b>", "{% extends 'a' %}\n<b>{{ x }}{{ y }}</b>"),
    ],
)
def test_a_mail_has_its_style_in_its_tags(source, styled):
    assert with_style(source, SHEET) == styled


def test_a_name_behind_a_point_is_an_attribute(render):
    template = "{{ value.name.upper() }}"
    assert render(template, value=SimpleNamespace(name="anna")) == "ANNA"
    for other in (SimpleNamespace(), {"name": "anna"}):
        with pytest.raises(AttributeError):
            render(template, value=other)


def test_a_name_in_brackets_is_an_item(render):
    template = "{{ value['name'] }}{{ value['name'][1:] }}"
    assert render(template, value={"name": "anna"}) == "annanna"
    for other in ({}, SimpleNamespace(name="anna")):
        with pytest.raises((KeyError, TypeError)):
            render(template, value=other)
