"""Plain text of several lines, as people write it in a form: laid out for storing, or refused."""

from webapp.domain.unseen import unseen

# Each with its lines.
Paragraphs = tuple[tuple[str, ...], ...]


class InvisibleError(ValueError):
    """Raised for a text with a character that nobody sees. ``line`` counts from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


def laid_out(text: str) -> str:
    """Return a text with its lines as written: single spaces, and at most one empty line in between.

    Raises InvisibleError.
    """
    lines: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        written = line.replace("\t", " ")
        if unseen(written):
            raise InvisibleError(number)
        tidy = " ".join(written.split())
        if tidy or (lines and lines[-1]):
            lines.append(tidy)
    return "\n".join(lines).rstrip("\n")


def paragraphs(lines: tuple[str, ...]) -> Paragraphs:
    """Group lines into paragraphs, which empty lines part."""
    grouped: list[list[str]] = [[]]
    for line in lines:
        if line:
            grouped[-1].append(line)
        elif grouped[-1]:
            grouped.append([])
    return tuple(tuple(group) for group in grouped if group)
