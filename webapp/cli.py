"""Commands: parse, call a use case, commit."""

from flask import Flask


def prepare(app: Flask) -> None:
    """Hang the portal's commands under the app."""
