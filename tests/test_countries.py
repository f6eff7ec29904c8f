"""Countries by name or code, and the zones of their cities."""

from zoneinfo import ZoneInfo

import pytest

from webapp.countries import country_code, zone_of, zones


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("PL", "PL"),
        ("pol", "PL"),
        ("Polska", "PL"),
        ("polonia", "PL"),
        ("Brasil", "BR"),
        ("UK", "GB"),
        ("England", "GB"),
        ("USA", "US"),
        ("Stany Zjednoczone", "US"),
        ("Czech Republic", "CZ"),
        ("Polónia", "PL"),
        ("Atlantis", None),
        ("EU", None),
    ],
)
def test_countries(text: str, code: str | None) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize(
    ("code", "city", "zone"),
    [
        ("PL", "Łódź", "Europe/Warsaw"),
        ("BR", "Sao Paulo", "America/Sao_Paulo"),
        ("BR", "Manaus", "America/Manaus"),
        ("BR", "Resende", "America/Sao_Paulo"),
        ("PT", "Lisboa", "Europe/Lisbon"),
        ("PT", "Ponta Delgada", "Atlantic/Azores"),
        ("US", "Seattle", "America/Los_Angeles"),
        ("US", None, "America/New_York"),
        ("CA", "Montréal", "America/Toronto"),
        ("XX", None, None),
    ],
)
def test_zones(code: str, city: str | None, zone: str | None) -> None:
    assert zone_of(code, city) == zone


def test_every_country_has_a_zone() -> None:
    for code in zones():
        zone = zone_of(code)
        assert zone
        assert ZoneInfo(zone).key in zones()[code]
