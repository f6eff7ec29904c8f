"""The command ``portal theme check``: tell whether a theme can be used, before a server has to refuse it."""

import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from webapp.cli.shared import as_json, print_json
from webapp.theme import reading
from webapp.theme.pairs import PAIRS, floored

theme_group = AppGroup("theme", help="Check a theme: the intranet's colours and logo.")


@theme_group.command("check", with_appcontext=False)
@click.argument("folder", type=click.Path(path_type=Path))
@as_json
def check_theme(folder: Path, as_json: bool) -> None:
    """Check the theme in FOLDER (theme.css, logo.svg) and name all its faults; exit code 1 if there are some."""
    try:
        theme, faults = reading.read(folder), []
    except reading.UnfitTheme as error:
        theme, faults = None, error.faults
    if as_json:
        print_json({"ok": theme is not None, "faults": faults})
    for line in () if as_json else in_words(theme) if theme else faults:
        click.echo(line)
    if theme is None:
        sys.exit(1)


def in_words(theme: reading.Theme) -> list[str]:
    """Say what a theme brings, and how much room its contrast has."""
    least = (
        f"in {scheme} the closest of {len(PAIRS)} pairs is {pair}, {floored(ratio)}:1"
        for scheme, (ratio, pair) in theme.closest.items()
    )
    logo = "a logo" if reading.LOGO in theme.files else "no logo"
    return [f"This theme can be used: {len(theme.tokens)} tokens, {logo}.", *least]
