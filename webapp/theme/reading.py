"""Reading a theme: a folder with theme.css, logo.svg, or both, refused with all its faults."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webapp.theme import logo, pairs, stylesheet
from webapp.theme.colours import Colour, Tokens
from webapp.theme.pairs import Pair

STYLESHEET, LOGO = "theme.css", "logo.svg"
# They are held in memory, and each page waits for them.
LONGEST = 200_000


class UnfitTheme(ValueError):
    """Raised for a theme that can't be used, with all its faults."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme without faults: its files as browsers get them, and the closest pair of colours in each scheme."""

    files: dict[str, bytes]
    tokens: tuple[str, ...]
    closest: dict[str, tuple[float, Pair]]


def read(folder: Path) -> Theme:
    """Read a theme. Raises UnfitTheme."""
    contents, faults = contents_of(folder)
    image, source = contents.get(LOGO), contents.get(STYLESHEET, b"")
    if image is not None:
        faults += [f"{LOGO}, {fault}" for fault in logo.faults(image)]
    try:
        values, colours, of_stylesheet = read_stylesheet(source.decode("utf-8-sig"))
    except RecursionError:
        raise UnfitTheme([*faults, f"{STYLESHEET}: brackets are nested too deep"]) from None
    faults += of_stylesheet
    if faults:
        raise UnfitTheme(faults)
    return Theme(
        dict(files_of(values, image)),
        tuple(values),
        {scheme: pairs.closest(told) for scheme, told in colours.items()},
    )


def read_stylesheet(
    source: str,
) -> tuple[dict[str, Tokens], dict[str, dict[str, Colour]], list[str]]:
    """Read what a stylesheet sets, its colours in each scheme, and its faults. Raises RecursionError."""
    values, found = stylesheet.read_theme(source)
    faults = [f"{STYLESHEET}, {fault}" for fault in found]
    schemes = () if faults else stylesheet.schemes(values)
    colours = {scheme: stylesheet.colours(values, scheme) for scheme in schemes}
    for scheme, told in colours.items():
        faults += pairs.faults(told, scheme)
    return values, colours, faults


def files_of(values: stylesheet.Declared, image: bytes | None) -> Iterator[tuple[str, bytes]]:
    if values:
        yield STYLESHEET, stylesheet.written(values).encode()
    if image is not None:
        yield LOGO, image


def contents_of(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """Read the files that there are, and name those that can't be read. Raises UnfitTheme if there is none."""
    if not folder.is_dir():
        raise UnfitTheme([f"there is no folder {folder}"])
    contents: dict[str, bytes] = {}
    faults: list[str] = []
    for name in (STYLESHEET, LOGO):
        try:
            contents[name] = content_of(folder / name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            faults.append(f"{name}: {getattr(error, 'strerror', None) or error}")
    if not contents and not faults:
        raise UnfitTheme([f"there is neither {STYLESHEET} nor {LOGO} in {folder}"])
    return contents, faults


def content_of(path: Path) -> bytes:
    """Read a file. Raises OSError, or ValueError for one that is too long or no text."""
    if path.stat().st_size > LONGEST:
        raise ValueError(f"is longer than {LONGEST:,} bytes")
    content = path.read_bytes()
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is no text in UTF-8") from None
    return content
