"""portal theme check: whether a theme can be used, with all its faults."""

import json
from pathlib import Path

import pytest

from webapp.app import create_app
from webapp.config import SettingError, Settings

THEMES = Path(__file__).parent.parent / "data" / "themes"


@pytest.fixture
def check(app):
    def run(*options):
        return app.test_cli_runner().invoke(args=["theme", "check", *map(str, options)])

    return run


@pytest.fixture
def dark(tmp_path):
    (tmp_path / "theme.css").write_text(":root { --accent: #5a2ca0; }")
    return tmp_path


def test_a_theme_that_can_be_used(check):
    result = check(THEMES / "orange")
    assert result.exit_code == 0
    first, light, dark = result.output.splitlines()
    assert first == "This theme can be used: 8 tokens, a logo."
    assert light.startswith("in light the closest of ")
    assert dark.endswith("is --muted on --accent-soft, 6.5:1")


def test_a_theme_that_is_refused(check, dark):
    result = check(dark)
    assert result.exit_code == 1
    accent, _, _ = result.output.splitlines()
    assert accent.startswith("--accent (#5a2ca0) in dark has 1.9:1 on --surface (#11191e), ")


def test_programs_read_it(check, dark):
    assert json.loads(check(THEMES / "orange", "--json").output) == {"ok": True, "faults": []}
    refused = check(dark, "--json")
    assert (refused.exit_code, json.loads(refused.output)["ok"]) == (1, False)


def test_the_server_refuses_it_by_the_name_of_the_setting(dark, tmp_path):
    settings = Settings(
        instance_path=str(tmp_path / "instance"), secret_key="x" * 40, theme_path=str(dark)
    )
    with pytest.raises(SettingError, match=r"^PORTAL_THEME_PATH: --accent \(#5a2ca0\) in dark has"):
        create_app(settings)
