"""Images on hosts that need each other: one after the other, and each found by its name."""

from pathlib import Path

import anyio
import pytest

from moored import ALONE, Ground, ashore
from shipways.config.load import parse
from shipways.deploy.fronts import Front
from shipways.deploy.sources import Release
from shipways.errors import ConfigError
from shipways.testing.host import MemoryHost

NEEDS = """
[service.page]
image = "beat"
port = 8124
needs = ["beat"]
env.BEAT_URL = { default = "http://{service.beat}/" }
"""
DOCKER = ALONE.replace('kind = "hosts"', 'kind = "hosts"\nmethod = "docker"') + NEEDS
REACHED = DOCKER.replace("port = 8123", 'port = 8123\npublish = "172.17.0.1"')


@pytest.fixture
def one(tmp_path: Path) -> Ground:
    """One host."""
    return ashore(tmp_path, REACHED)


def test_in_order(one: Ground) -> None:
    """What is needed serves before what needs it begins; its container reaches it by its name, at its public port."""
    items = {item.id: item for item in one.wanted("one")}
    assert "deploy.prod/a/beat/switch" in items["deploy.prod/a/page/start"].needs
    page = next(each for each in one.deployer().sources if each.name == "page")
    options = anyio.run(page.release, one.site, items["deploy.prod/a/page/transfer"]).options
    assert ("--add-host", "beat:host-gateway") == options[options.index("--add-host") :][:2]
    assert "BEAT_URL=http://beat:8123/" in options
    assert [] == one.problems()


def test_out_of_reach(one: Ground) -> None:
    """What is published at the loopback of the host is in no container: it is said what to do instead."""
    one.config = DOCKER
    what = "is 127.0.0.1, where the container of page does not find it"
    assert [("service.beat.publish", what)] == one.problems()
    one.config = DOCKER.replace('method = "docker"\n', "")
    assert [] == one.problems()


def test_no_address() -> None:
    """What no machine has is refused where it is said."""
    with pytest.raises(ConfigError, match=r"service.beat.publish: expected an IP address"):
        parse(REACHED.replace("172.17.0.1", "172.17.0.256"), "shipways.toml")


@pytest.mark.parametrize(
    ("listen", "early"),
    [("127.0.0.1:1", False), ("0.0.0.0:1", False), ("[::1]:1", False), ("172.17.0.1:1", True), ("[fd00::1]:1", True)],
)
def test_an_address_that_comes_later(listen: str, *, early: bool) -> None:
    """The port is held from the start of the machine, also at an address that the engine makes when it starts."""
    host, front = MemoryHost(), Front(service="beat", tender="/bin/tender", drain="1s")
    anyio.run(front.stand, host, Release(content="c", listen=listen))
    (socket,) = (text.decode() for path, text in host.files.items() if path.endswith(".socket"))
    assert early == ("\nBacklog=4096\nFreeBind=true\n\n[Install]" in socket)
    assert early or "\nBacklog=4096\n\n[Install]" in socket
