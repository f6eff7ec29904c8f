"""The To-do mail: how often a person of a partner gets it, and the period that one is about."""

from enum import StrEnum


class Rhythm(StrEnum):
    """The rhythm in which somebody gets the To-do mail. ``OFF``: only while something of theirs is past its date."""

    WEEKLY = "weekly"
    DAILY = "daily"
    OFF = "off"
