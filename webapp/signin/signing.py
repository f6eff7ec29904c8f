"""The keys by which links and known devices are signed."""

from flask import current_app


def keys() -> list[str]:
    """Return all keys that a signature may have, the oldest first: the last one signs."""
    return [*current_app.config["SECRET_KEY_FALLBACKS"], current_app.config["SECRET_KEY"]]
