"""A question to the portal at its public address, and the answer: what arrived of it.

Both are signed, so that only this installation asks itself, and nobody else answers in its place.
"""

import secrets
from dataclasses import asdict, dataclass

from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from webapp.signin import signing

# The page that answers, below the portal's path.
PAGE = "/reached"
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it arrived.

    ``path``: the whole one, as it came; ``page``: the part of it below the portal's path. ``scheme``, ``host`` and
    ``client`` (an address) are those that the portal believes, which counts its proxies. ``forwarded``: the values
    of each X-Forwarded header, in their order.
    """

    path: str
    page: str
    scheme: str
    host: str
    client: str
    forwarded: dict[str, list[str]]


def ask() -> str:
    """Make a question for an address, good for a minute."""
    return str(asking().dumps(secrets.token_hex(8)))


def is_ours(question: str) -> bool:
    """Tell whether this installation has asked that, just now."""
    try:
        asking().loads(question, max_age=SECONDS)
    except BadSignature:
        return False
    return True


def answer(question: str, arrival: Arrival) -> str:
    return str(answering().dumps([question, asdict(arrival)]))


def read(text: str, question: str) -> Arrival | None:
    """Read the answer to a question; None if somebody else has written it, or it answers another one."""
    try:
        answered, values = answering().loads(text)
    except BadSignature:
        return None
    return Arrival(**values) if answered == question else None


def asking() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        signing.keys(), salt="portal-question", signer_kwargs=signing.METHOD
    )


def answering() -> URLSafeSerializer:
    return URLSafeSerializer(signing.keys(), salt="portal-answer", signer_kwargs=signing.METHOD)
