"""The documents' units for systemd and containers start the right processes."""

import json
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
import yaml

from tests.scale.conftest import UNITS, running, unit, until
from tools.served_demo import free_port
from webapp import config

COMPOSE = yaml.safe_load((UNITS / "compose.yaml").read_text())["services"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_gunicorn_serves_the_pages(environment, tmp_path):
    port = free_port()
    address = f"127.0.0.1:{port}"
    command = [address if word == "127.0.0.1:8000" else word for word in unit("web")]
    with running(*command, env=environment, output=tmp_path / "web.log"):
        until(lambda: answers(f"http://{address}/readyz"), "an answer")
        with urlopen(f"http://{address}/readyz") as answer:
            assert json.load(answer)["ready"] is True


def answers(url):
    try:
        urlopen(url).close()
    except HTTPError:
        raise
    except URLError:
        return False
    return True


def test_units_differ_in_what_they_start_alone():
    def protection(path):
        return (
            path.read_text()
            .partition("\n\n# It needs the network")[2]
            .partition("\n\n[Install]")[0]
        )

    first, *others = {path.name: protection(path) for path in UNITS.glob("*.service")}.values()
    # What that is worth, systemd itself says in tests/interop.
    assert "ProtectSystem=strict" in first
    assert others == [first] * 3


def test_the_settings_are_settings():
    lines = (UNITS / "renewal-portal.env.example").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    settings = config.load(variables)
    assert settings.secure
    assert settings.broker_url


@pytest.mark.parametrize("name", ["queue", "beat"])
def test_containers_start_what_the_units_start(name):
    service = "worker" if name == "queue" else name
    assert COMPOSE[service]["command"] == unit(name)


def test_a_container_serves_as_the_unit_does():
    last = (UNITS / "Dockerfile").read_text().splitlines()[-1]
    command = json.loads(last.removeprefix("CMD "))
    assert [word.replace("0.0.0.0", "127.0.0.1") for word in command] == unit("web")
