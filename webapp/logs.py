"""The log on the standard error stream: one record a line, in UTC, as text or as JSON, and without addresses."""

import json
import logging
import re
import time
from collections.abc import Mapping
from typing import Any

from flask import Flask

from webapp.pages import frame

# In UTC, so that lines of several machines can be put in order.
LINE = "%(asctime)sZ %(levelname)s %(name)s [%(request_id)s] %(message)s"
MOMENT = "%Y-%m-%dT%H:%M:%S"
# As mail servers and databases repeat them. A password that was masked (broker://user:**@host) is none.
WORD = r"""[^\s<>()\[\],;:"*=]"""
ADDRESS = re.compile(rf"""(?:"[^"\n]*"|(?<!{WORD}){WORD}+)@{WORD}+(?<!')""")
NO_ADDRESS = "(address)"
# Behind this word PostgreSQL tells the values of the row that broke a rule.
VALUES = re.compile(r"^\s*DETAIL:.*\n?", re.MULTILINE)


def discreet(text: str) -> str:
    """Leave out what tells of people: mail addresses, and the values of rows."""
    return ADDRESS.sub(NO_ADDRESS, VALUES.sub("", text))


class RecordLines(logging.Formatter):
    """One record a line. Whatever follows it, as a traceback does, is set in, so that no text makes up a record."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        first, *others = discreet(super().format(record)).splitlines()
        return "\n".join([first, *(f"    {other}" for other in others)])


class JsonLines(RecordLines):
    """One JSON object a line, with the values that a message names: ``log.info("%(a)s", {"a": 1})``."""

    def format(self, record: logging.LogRecord) -> str:
        named: dict[str, Any] = dict(record.args) if isinstance(record.args, Mapping) else {}
        values = named | {
            "at": f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03}Z",
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", None),
            "message": record.getMessage(),
        }
        if record.exc_info:
            values["trace"] = self.formatException(record.exc_info)
        return json.dumps(
            {
                name: discreet(value) if isinstance(value, str) else value
                for name, value in values.items()
            },
            default=str,
        )


FORMATS: Mapping[str, type[logging.Formatter]] = {"text": RecordLines, "json": JsonLines}


def prepare(app: Flask) -> None:
    """Log each record with the id of its request; those of libraries, too, if nobody else looks after them."""
    settings = app.config["PORTAL"]
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATS[settings.log_format](LINE, MOMENT))
    handler.addFilter(frame.add_request_id)
    own = logging.getLogger("webapp")
    own.handlers = [handler]
    own.propagate = False
    own.setLevel(settings.log_level)
    logging.basicConfig(handlers=[handler])
