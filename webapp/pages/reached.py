"""The answer to ``portal check --public``: what arrived of its question, on the way that people's requests take.

It stands in front of the pages, so that it can tell of a host that those refuse, too.
"""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask
from werkzeug import Response
from werkzeug.datastructures import EnvironHeaders

from webapp.pages.incoming import Incoming
from webapp.pages.mounting import CAME
from webapp.signin import questions
from webapp.signin.questions import Arrival

FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")


def prepare(app: Flask) -> None:
    """Answer questions of this installation. Whatever else is asked for is the pages' affair."""
    pages = app.wsgi_app

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Wherever a proxy has led the question to: the answer tells.
        if environ.get("PATH_INFO", "").endswith(questions.PAGE):
            question = Incoming(environ).args.get("question", "")
            with app.app_context():
                if questions.is_ours(question):
                    told = questions.answer(question, arrival(environ))
                    answer = Response(told, headers={"Cache-Control": "no-store"})
                    return answer(environ, start_response)
        return pages(environ, start_response)

    app.wsgi_app = serve  # type: ignore[method-assign]


def arrival(environ: WSGIEnvironment) -> Arrival:
    headers = EnvironHeaders(environ)
    return Arrival(
        path=written(environ[CAME]),
        page=written(environ["PATH_INFO"]),
        scheme=environ["wsgi.url_scheme"],
        host=environ.get("HTTP_HOST", ""),
        client=environ.get("REMOTE_ADDR", ""),
        forwarded={
            name: [value.strip() for value in headers[name].split(",")]
            for name in FORWARDED
            if name in headers
        },
    )


def written(path: str) -> str:
    """Read a path as servers write it (PEP 3333)."""
    return path.encode("latin-1").decode(errors="replace")
