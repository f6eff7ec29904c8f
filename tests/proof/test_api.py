"""The programming interface, asked by a tool that makes up requests from its own description: right and wrong ones."""

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.support.cast import Cast, unit_of_work
from tests.support.proof import TIMES
from webapp.domain.ownership import Choice
from webapp.models import Client, Opens, User, db
from webapp.pages import guards
from webapp.services.accounts import access_tokens
from webapp.services.clients import ownership

# 80 in all at the gate, 2,000 and more of `make proof`, for two addresses, right and wrong.
REQUESTS = 20 if TIMES == 1 else 500
# A place that was made up is right in its form, and gone. What the tool takes for wrong may lack no more than a token,
# which is put in here, or have an empty list besides, of which nothing is sent.
UNLESS = {
    ("/api/events", GenerationMode.POSITIVE): [positive_data_acceptance],
    ("/api/renewals", GenerationMode.NEGATIVE): [negative_data_rejection],
    ("/api/events", GenerationMode.NEGATIVE): [negative_data_rejection],
}


@pytest.fixture
def token(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> str:
    """A token of Alice, of whose partner there is something to tell; no limit counts its requests."""
    monkeypatch.setattr(guards.limiter, "enabled", False)
    with unit_of_work(app):
        alice = db.session.get_one(User, cast.alice)
        acme = db.session.get_one(Client, cast.client)
        ownership.choose_owner(alice, acme, Choice.PARTNER, cast.bob)
        return access_tokens.make(alice, "Made up", 30, Opens.API)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("address", ["/api/renewals", "/api/events"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whatever_is_asked_is_answered_as_described(
    app: Flask, token: str, address: str, mode: GenerationMode
) -> None:
    described = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    asked: list[int] = []

    @settings(
        max_examples=REQUESTS, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(case=described[address]["GET"].as_strategy(mode))
    def ask(case: Any) -> None:
        answer = case.call_and_validate(
            headers={"Authorization": f"Bearer {token}"},
            excluded_checks=UNLESS.get((address, mode), []),
        )
        asked.append(answer.status_code)

    ask()
    assert len(asked) >= REQUESTS
    assert (200 if mode is GenerationMode.POSITIVE else 400) in asked
