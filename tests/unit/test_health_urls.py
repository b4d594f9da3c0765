"""Whom health is asked for: whatever its path, nobody is led to another machine than that of the service."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from moored import ALONE, ashore
from shipways.config.load import parse
from shipways.deploy.wanted import chosen
from shipways.errors import ConfigError
from shipways.model.service import CONTAINER

PATHS = ("//elsewhere/x", "//elsewhere:80", "/@elsewhere", "/@elsewhere:80/x", "/:80@elsewhere")
NO_PATHS = (
    "@elsewhere/",
    "elsewhere",
    ":80@elsewhere/",
    "http://elsewhere/",
    "/\\\\elsewhere",
    "/x?y=//elsewhere",
    "/ x",
)


def config(path: str) -> str:
    """Of a deployment to one host."""
    return ALONE.replace('health = "/health"', f"health = '{path}'")


def places(url: str) -> Iterator[tuple[str | None, str]]:
    """Which host and path it names to those who read it."""
    yield urlsplit(url).hostname, urlsplit(url).path
    yield httpx.URL(url).host, httpx.URL(url).path


@pytest.mark.parametrize("path", PATHS)
def test_of_hosts(tmp_path: Path, path: str) -> None:
    """Tender on the host is told to ask that host itself: the release at its own port, and the public one."""
    ground = ashore(tmp_path, config(path))
    ground.deployed("one")
    asked = [words[2] for words in ground.host.log if words[1:2] == ("probe",)]
    assert 2 <= len({urlsplit(url).port for url in asked})
    assert {("127.0.0.1", path)} == {place for url in asked for place in places(url)}


@pytest.mark.parametrize("path", PATHS)
def test_of_this_machine(path: str) -> None:
    """So is whoever asks on the machine, or in the container, of a service."""
    (service,) = chosen(parse(config(path), "shipways.toml"), "prod", CONTAINER)
    assert {("127.0.0.1", path)} == set(places(service.health_url))


@pytest.mark.parametrize("path", NO_PATHS)
def test_no_path(path: str) -> None:
    """What does not begin with a slash, or has more than a path, is refused."""
    with pytest.raises(ConfigError, match=r"service\.beat\.health"):
        parse(config(path), "shipways.toml")
