"""The description of the programming interface: an OpenAPI 3.1 document."""

from collections.abc import Iterable, Mapping, Sequence

from webapp.domain.delivery import ENDED
from webapp.domain.facts import MailKind
from webapp.domain.ownership import ContactSource, Owner
from webapp.models import AuditAction
from webapp.models.base import Json
from webapp.pages import api_parameters as parameters
from webapp.pages.api_parameters import ApiParameter
from webapp.pages.problems import MEDIA_TYPE

TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "integer"}
SWITCH: Json = {"type": "boolean"}
DAY: Json = {"type": "string", "format": "date"}
MOMENT: Json = {"type": "string", "format": "date-time"}


def thing(**members: Json) -> Json:
    """Describe an object that has all of these members and no others."""
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def several(each: Json) -> Json:
    return {"type": "array", "items": each}


def or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(codes: Iterable[str]) -> Json:
    return {"type": "string", "enum": sorted(codes)}


def described(schema: Json, description: str) -> Json:
    return {**schema, "description": description}


def schema_of(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


PERSON = thing(name=TEXT, email=TEXT)
CLIENT = thing(id=NUMBER, name=TEXT, page=described(TEXT, "The address of its page for people."))
BY = described(
    or_null(thing(id=NUMBER, name=TEXT)),
    "Null: the portal or a sign-in by itself, or the portal's operator.",
)
CHANGE = thing(label=TEXT, before=TEXT, after=TEXT)
COMMON = {"at": MOMENT, "by": BY, "client": or_null(CLIENT)}
SCHEMAS: dict[str, Json] = {
    "Renewal": thing(
        id=described(NUMBER, "The subscription's."),
        client=thing(
            **CLIENT["properties"],
            external_id=described(or_null(TEXT), "The id in your own system."),
        ),
        product=TEXT,
        decision_on=described(DAY, "The deadline, or else the renewal date."),
        overdue=described(SWITCH, "The decision has passed, and must still be made."),
        deadline=or_null(DAY),
        renewal_date=DAY,
        renews_itself=SWITCH,
        term_months=NUMBER,
        amount=described(
            or_null({"type": "string", "pattern": r"^[0-9]+\.[0-9]{2}$"}),
            "As it was entered, for one term.",
        ),
        currency=described(or_null(TEXT), "ISO 4217."),
        owner=thing(
            side=one_of(Owner),
            source=described(
                one_of(["client", "default"]), "client: an exception for this client."
            ),
        ),
        contact=thing(source=one_of(ContactSource), people=several(PERSON)),
        next_step=described(
            or_null(thing(on=DAY, mail_to=one_of(["client", "partner"]))),
            "The next mail about it; null if none is planned, or sending is off.",
        ),
    ),
    "Renewals": thing(
        renewals=several(schema_of("Renewal")),
        next=described(or_null(TEXT), "The next page's `after`; null on the last page."),
    ),
    "History": thing(
        id=TEXT,
        type=one_of(["history"]),
        kind=described(one_of(AuditAction), "The kind of change. New kinds may be added."),
        sentence=TEXT,
        changes=several(CHANGE),
        **COMMON,
    ),
    "Mail": thing(
        id=TEXT,
        type=one_of(["mail"]),
        kind=one_of(MailKind),
        sentence=TEXT,
        mail=thing(
            id=described(NUMBER, "The same for all events of one mail."),
            name=TEXT,
            state=one_of(ENDED),
            recipient=PERSON,
            reply=described(or_null(TEXT), "The mail server's, or why there is none."),
        ),
        **COMMON,
    ),
    "Events": thing(
        events=several({"oneOf": [schema_of("History"), schema_of("Mail")]}),
        more=described(SWITCH, "There is more at once. Else ask again later."),
        next=described(TEXT, "The next page's `after`. Keep it once the events are worked off."),
    ),
    # Further members may be added (RFC 9457, 3.2).
    "Problem": {
        "type": "object",
        "properties": {
            **dict.fromkeys(("type", "title", "detail", "parameter", "request_id"), TEXT),
            "status": NUMBER,
        },
        "required": ["type", "title", "status", "detail", "request_id"],
    },
}
PROBLEMS = {
    400: "A parameter can't be used; `parameter` names it.",
    401: "No token, or one that opens nothing.",
    403: "The token's user may not do this.",
    429: "Too many requests with this token in a minute; `Retry-After` says how long to wait.",
}
GONE = "The portal was set back to an earlier state: begin without `after`."


def operation(
    name: str, summary: str, schema: str, given: Sequence[ApiParameter], problems: Mapping[int, str]
) -> Json:
    """Describe a GET that needs a token. ``problems``: their meanings, by status."""
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [
            *({"name": one.name, "in": "query", **about(one)} for one in given),
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "The `ETag` of an answer that is there already.",
                "schema": TEXT,
            },
        ],
        "responses": {
            "200": {
                "description": "A page.",
                "headers": {"ETag": {"schema": TEXT}},
                "content": {"application/json": {"schema": schema_of(schema)}},
            },
            "304": {"description": "Nothing has changed since that `ETag`."},
            **{str(code): problem(text) for code, text in problems.items()},
        },
    }


def about(parameter: ApiParameter) -> Json:
    return {"description": parameter.description, "schema": dict(parameter.schema)}


def problem(description: str) -> Json:
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": schema_of("Problem")}},
    }


def document(base_url: str) -> Json:
    """Make the document for a portal that people reach at an address."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Renewal Portal",
            "version": "1",
            "description": "Open renewals and events of one partner, to read. "
            "Texts are in the language of the token's user.",
        },
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": {
            "/api/renewals": {
                "get": operation(
                    "renewals",
                    "Renewals to be decided within some days, overdue ones first.",
                    "Renewals",
                    parameters.OF_RENEWALS,
                    PROBLEMS,
                )
            },
            "/api/events": {
                "get": operation(
                    "events",
                    "History and outcomes of mails, in order, from a place on.",
                    "Events",
                    parameters.OF_EVENTS,
                    PROBLEMS | {410: GONE},
                )
            },
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made in Profile > Access.",
                }
            },
        },
    }
