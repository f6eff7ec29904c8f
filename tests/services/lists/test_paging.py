"""A list is its query, columns and filters: this one shows people, and gets all the rest."""

from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from tests.support.cast import make_user
from webapp.models import Partner, db
from webapp.models.matching import contains
from webapp.models.tables import user_table
from webapp.pages import listing
from webapp.services.lists import finding, paging
from webapp.services.lists.finding import Listing, constant
from webapp.services.lists.paging import Query, choice, each, order, words

person = user_table.c


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonQuery(Query):
    name: str = words("q", 12)
    title: str | None = choice("title", each(["boss", "clerk"]))
    sort: str = order(["name", "title"], "name")


PEOPLE = Listing(
    rows=select(person.id, person.name),
    id=person.id,
    readable=person.organisation_id == constant("reader"),
    conditions={
        "name": lambda given: contains(person.name_key, given("word")),
        "title": lambda given: person.job_title == given("title"),
    },
    keys={"name": person.name_key, "title": person.job_title},
)


@pytest.fixture
def listed(context, cast):
    """The people of Charlie's partner, five with two titles among them."""
    partner = db.session.get(Partner, cast.other_partner)
    for number, name in enumerate(["Zoë Łoś", "Ada Łoś", "Max", "Ina"]):
        title = "clerk" if number % 2 else "boss"
        db.session.add(make_user(partner, name, email=f"{number}@x.example", job_title=title))
    db.session.execute(
        user_table.update().where(person.id == cast.charlie).values(job_title="boss")
    )
    db.session.flush()

    def load(query, size):
        asked = list(finding.each_word("name", getattr(query, "name", "")))
        if getattr(query, "title", None):
            asked.append(("title", {"title": query.title}))
        return paging.load(PEOPLE, query, size, reader={"reader": partner.id}, asked=asked)

    return load


def names(page):
    return [row.name for row in page.rows]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Ada Łoś", "Charlie", "Ina", "Max", "Zoë Łoś"]),
        ({"sort": "-name"}, ["Zoë Łoś", "Max", "Ina", "Charlie", "Ada Łoś"]),
        ({"sort": "title"}, ["Charlie", "Zoë Łoś", "Max", "Ada Łoś", "Ina"]),
        ({"name": "los"}, ["Ada Łoś", "Zoë Łoś"]),
        ({"name": "los zoe"}, ["Zoë Łoś"]),
        ({"name": "los", "title": "clerk"}, ["Ada Łoś"]),
        ({"title": "clerk", "sort": "-title"}, ["Ina", "Ada Łoś"]),
    ],
)
@pytest.mark.parametrize("most", [0, 1, 5])
def test_a_list_is_filtered_sorted_and_paged_both_ways(listed, asked, found, most, monkeypatch):
    """Whether few rows match or more than are counted, each way leads to the same pages."""
    query = PersonQuery(**asked)
    assert query.filtered is bool({"name", "title"} & asked.keys())
    monkeypatch.setattr(finding, "MOST_COUNTED", most)
    pages = [listed(query, 2)]
    while pages[-1].after is not None:
        pages.append(listed(replace(query, after=pages[-1].after), 2))
    assert [name for page in pages for name in names(page)] == found
    assert {page.total for page in pages} == {min(len(found), most + 1)}
    assert {len(page.rows) for page in pages[:-1]} <= {2}
    back = pages[-1]
    for earlier in reversed(pages[:-1]):
        back = listed(replace(query, before=back.before), 2)
        assert back == earlier
    assert back.before is None


def test_a_list_without_an_order_of_its_own_is_newest_first(listed):
    page = listed(Query(), 3)
    ids = [row.id for row in page.rows]
    assert ids == sorted(ids, reverse=True)
    assert (page.before, page.after) == (None, ids[-1])


def test_a_row_that_may_not_be_seen_is_no_place(listed, cast):
    everything = listed(PersonQuery(), 9)
    assert listed(PersonQuery(after=cast.alice), 9) == everything
    assert listed(PersonQuery(before=cast.alice), 9) == everything


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("", PersonQuery()),
        ("q=a+%C5%82", PersonQuery(name="a ł")),
        ("title=boss&sort=title", PersonQuery(title="boss", sort="title")),
        ("q=z&sort=-title&after=5", PersonQuery(name="z", sort="-title", after=5)),
        ("before=7", PersonQuery(before=7)),
    ],
)
def test_a_query_goes_to_an_address_and_back(app, address, query):
    with app.test_request_context(f"/?{address}"):
        assert listing.read(PersonQuery) == query
        there = listing.address("dashboard.index", query)
    assert there.partition("?")[2] == address


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("title=cook&sort=--name&after=x&before=-1&other=1", PersonQuery()),
        ("sort=name&title=&q=", PersonQuery()),
        ("after=99999999999999999999", PersonQuery()),
        ("q=++a%00%0Ab++", PersonQuery(name="a b")),
        ("q=1234567890123456", PersonQuery(name="123456789012")),
    ],
)
def test_what_makes_no_sense_is_as_if_it_were_not_there(app, address, query):
    with app.test_request_context(f"/?{address}"):
        assert listing.read(PersonQuery) == query


def test_a_head_sorts_from_the_first_page_on_and_turns_the_order(app):
    query = PersonQuery(name="a", after=5)
    page = paging.Page(rows=(), before=None, after=8)
    with app.test_request_context("/"):
        leads = listing.leads("dashboard.index", query, page)
        assert leads["direction"]("name") == "ascending"
        assert leads["direction"]("title") is None
        assert leads["sort_url"]("title").endswith("?q=a&sort=title")
        assert leads["sort_url"]("name").endswith("?q=a&sort=-name")
        assert leads["after_url"].endswith("?q=a&after=8")
        assert leads["before_url"] is None
        assert leads["first_url"].endswith("?q=a")
