"""The log on the standard error stream: one record a line, in UTC."""

import logging
import time

from flask import Flask

from webapp.pages import frame

# In UTC, so that lines of several machines can be put in order.
LINE = "%(asctime)sZ %(levelname)s %(name)s [%(request_id)s] %(message)s"
MOMENT = "%Y-%m-%dT%H:%M:%S"


class RecordLines(logging.Formatter):
    """One record a line. Whatever follows it, as a traceback does, is set in, so that no text makes up a record."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        first, *others = super().format(record).splitlines()
        return "\n".join([first, *(f"    {other}" for other in others)])


def prepare(app: Flask) -> None:
    """Log each record with the id of its request."""
    handler = logging.StreamHandler()
    handler.setFormatter(RecordLines(LINE, MOMENT))
    handler.addFilter(frame.add_request_id)
    root = logging.getLogger("webapp")
    root.handlers = [handler]
    root.propagate = False
    root.setLevel(app.config["PORTAL"].log_level)
