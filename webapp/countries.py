"""Countries by their names, and time zones by their cities."""

from functools import cache, lru_cache
from importlib.resources import files

from babel.core import get_global

from webapp.i18n import LANGUAGES, fold

# The time zone database lists a country's zones by place, and usually the most populous first. In these
# countries the most populous one comes later.
MOST_POPULOUS = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
# Large cities without a zone of their name, whose clock differs from their country's main one.
CITIES = {
    "America/Los_Angeles": "las vegas,oakland,portland,sacramento,san diego,san francisco,"
    "san jose,seattle",
    "America/Denver": "albuquerque,colorado springs,salt lake city",
    "America/Chicago": "austin,dallas,houston,kansas city,memphis,milwaukee,minneapolis,nashville,"
    "new orleans,san antonio,st. louis",
    "America/Edmonton": "calgary",
    "America/Vancouver": "victoria",
    "Atlantic/Azores": "angra do heroismo,horta,ponta delgada",
    "Atlantic/Canary": "las palmas,las palmas de gran canaria,santa cruz de tenerife",
    "Atlantic/Madeira": "funchal",
}


@cache
def names() -> dict[str, str]:
    """Map folded names in all languages, and codes of two and three letters, to ISO codes."""
    languages = LANGUAGES.values()
    known = {fold(name): code for spoken in languages for name, code in spoken.countries.items()}
    for alias, codes in get_global("territory_aliases").items():
        if alias.isalpha() and len(codes) == 1 and codes[0] in zones():
            known[fold(alias)] = codes[0]
    for locale in (own for spoken in languages for own in (spoken.locale, *spoken.variants)):
        for code, name in locale.territories.items():
            if len(code) == 2 and code in zones():
                known[fold(name)] = known[fold(code)] = code
    return known


@cache
def zones() -> dict[str, tuple[str, ...]]:
    """Read the zones of each country, in the order of the time zone database."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for line in table.splitlines():
        if not line.startswith("#"):
            code, _place, zone, *_comment = line.split("\t")
            found[code] = (*found.get(code, ()), zone)
    return found


@cache
def zones_of_cities(code: str) -> dict[str, str]:
    """Map the folded cities in the names of a country's zones to these zones."""
    found: dict[str, str] = {}
    for zone in zones()[code]:
        found |= {city: zone for city in CITIES.get(zone, "").split(",") if city}
        found[fold(zone.rsplit("/", 1)[1].replace("_", " "))] = zone
        for language in LANGUAGES.values():
            local = language.locale.time_zones.get(zone, {})
            if "city" in local:
                found[fold(local["city"])] = zone
    return found


def country_code(text: str) -> str | None:
    """Find the ISO code of a country by its name in one of our languages or by a code."""
    return names().get(fold(text))


@lru_cache(1_000)
def zone_of(code: str, city: str | None = None) -> str | None:
    """Find the time zone of a city, or the country's most populous zone if the city is unknown."""
    if code not in zones():
        return None
    main = MOST_POPULOUS.get(code, zones()[code][0])
    return zones_of_cities(code).get(fold(city), main) if city else main
