"""What systemd says of the documents' units, without starting any."""

import re
import subprocess

import pytest

from tests.scale.conftest import UNITS

MOST = 4.0


@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.service")), ids=lambda path: path.stem)
def test_a_unit_exposes_little(unit):
    said = subprocess.run(
        ["systemd-analyze", "--offline=yes", "--no-pager", "security", unit],
        capture_output=True,
        text=True,
        check=True,
    )
    level = re.search(r"Overall exposure level for .*: ([\d.]+)", said.stdout)
    assert level, said.stdout
    assert float(level[1]) <= MOST
    # A directive that it does not know, or a value.
    assert said.stderr == ""
