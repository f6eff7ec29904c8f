"""Paths of the folders at the repository's root, in a checkout and in an installed wheel."""

from pathlib import Path


def folder(name: str) -> Path:
    """Find a folder beside this module in a wheel, else at the repository's root."""
    packed = Path(__file__).parent / name
    return packed if packed.is_dir() else Path(__file__).parent.parent / name
