"""Two people who add the same at the same moment: one succeeds, the other is told at the field."""

from threading import Barrier, Thread

import pytest

TRIES = 5


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/settings/team/new", {"name": "Twin", "email": "twin{}@odnowa.example", "language": ""}),
        (
            "/partner/clients/{client}/contacts/new",
            {"name": "Twin", "email": "twin{}@acme.example"},
        ),
        ("/partner/clients/new", {"name": "Twin {}", "external_id": "T-{}", "language": "en"}),
    ],
)
def test_twins_are_told_and_break_nothing(browse, cast, path, data):
    address = path.format(client=cast.client)
    people = [browse(cast.alice), browse(cast.alice)]
    for number in range(TRIES):
        sent = {key: value.format(number) for key, value in data.items()}
        together, answers = Barrier(2), []

        def post(person, sent=sent, together=together, answers=answers):
            together.wait()
            answers.append(person.post(address, data=sent).status_code)

        threads = [Thread(target=post, args=(person,)) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [303, 422]
