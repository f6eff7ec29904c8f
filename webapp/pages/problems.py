"""Problem details: what went wrong, for programs (RFC 9457), in the words that pages have for it."""

import json
from typing import Any

from flask import Response, g, make_response, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import BadRequest

MEDIA_TYPE = "application/problem+json"
# All that is for programs lies below.
PREFIX = "/api/"
# Where a program needs other words than somebody on a page.
TEXTS = {
    403: (
        _l("This token may not do that"),
        _l("Its user's role does not allow it. An admin of the organisation can change the role."),
    ),
    404: (
        _l("There is nothing here"),
        _l("The description lists all addresses: /api/openapi.json"),
    ),
    405: (
        _l("This address can't be used that way"),
        _l("Programs can only read, with GET."),
    ),
    429: (_l("Too many requests"), _l("Wait for as long as the header Retry-After says.")),
}


class WrongParameter(BadRequest):
    """Raised for a parameter of the address that can't be used. ``parameter``: its name; ``text``: why, in words."""

    def __init__(self, parameter: str, text: str) -> None:
        super().__init__()
        self.parameter, self.text = parameter, text


def wanted() -> bool:
    """Tell whether this request is a program's, whether there is such a route or not."""
    return request.path.startswith(PREFIX)


def of_error(code: int, texts: tuple[object, object]) -> Response:
    """Answer as a page of errors would, which has these texts."""
    return answer(code, *TEXTS.get(code, texts))


def answer(code: int, title: object, text: object, **more: Any) -> Response:
    """Answer with a problem. ``more``: members of ours besides those of RFC 9457, 3.1."""
    problem = {
        # No kind of problem has a page of its own: the status and the members tell all (RFC 9457, 4.2.1).
        "type": "about:blank",
        "status": code,
        "title": str(title),
        "detail": str(text),
        **more,
        "request_id": g.get("request_id", ""),
    }
    response = make_response(json.dumps(problem, ensure_ascii=False) + "\n", code)
    response.headers["Content-Type"] = MEDIA_TYPE
    return response


def unauthorized(challenge: str) -> Response:
    """Answer that no token was shown, or one that opens nothing: not why, since whoever has it may be a stranger."""
    title = _("An access token is needed here")
    text = _(
        "Send one in the header Authorization: the word Bearer, then the token. A token no longer"
        " works once it has ended or been revoked, or its user has no access: make one in the "
        "portal, Profile > Access."
    )
    response = answer(401, title, text)
    response.headers["WWW-Authenticate"] = challenge
    return response


def wrong_parameter(error: WrongParameter) -> Response:
    return answer(400, _("A parameter can't be used"), error.text, parameter=error.parameter)
