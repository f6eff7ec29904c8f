"""The output of commands that change something: it may break, their work may not."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any

import click


class Forgiving(FileIO):
    """A file that takes what it can't write for written, and remembers why it could not (``fault``, an errno)."""

    fault: int = 0

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.fault = error.errno or errno.EIO
            return memoryview(data).nbytes


def forgiving(stream: Any) -> tuple[TextIOWrapper, Forgiving] | None:
    """Make a stream to the same file that raises nothing; None for a terminal, and for what is no file."""
    try:
        if stream is None or stream.isatty():
            return None
        raw = Forgiving(stream.fileno(), "w", closefd=False)
    except OSError:
        return None
    # A letter that the file's encoding lacks stops nothing, either.
    text = TextIOWrapper(
        BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=True,
    )
    return text, raw


@contextmanager
def unbroken() -> Iterator[None]:
    """Let nothing that is printed in the block end it: nobody may read on, as in ``| head -1``, or the disk is full.

    Raises ClickException at the end if output was lost that somebody may still wait for.
    """
    faults = []
    with ExitStack() as stack:
        for stream, redirect in ((sys.stdout, redirect_stdout), (sys.stderr, redirect_stderr)):
            if made := forgiving(stream):
                text, raw = made
                stack.enter_context(redirect(text))
                faults.append(raw)
        yield
    for raw in faults:
        if raw.fault not in (0, errno.EPIPE):
            raise click.ClickException(
                f"The work is done, but its report could not be written: {os.strerror(raw.fault)}."
            )
