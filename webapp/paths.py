"""Where the folders at the repository's root are, from a checkout and from an installed wheel."""

from pathlib import Path


def folder(name: str) -> Path:
    """The folder shipped beside this module, else the one at the repository's root."""
    packed = Path(__file__).parent / name
    return packed if packed.is_dir() else Path(__file__).parent.parent / name
