"""Hosts: what is asked before anything is done there, and what the config may not say."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from moored import ALONE, CONFIG, LISTENS, ROOT, A, Ground, ashore
from shipways.config.load import parse
from shipways.deploy.hostchecks import STRANGE
from shipways.errors import ConfigError, Unfinished
from shipways.model.deployment import Running
from shipways.ports import Completed
from shipways.run.deploying import failure
from shipways.testing.host import MemoryHost


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """Three hosts."""
    return ashore(tmp_path)


def test_preflight(ground: Ground) -> None:
    """What is in the way of any host is told of all, and the lock is taken where nothing is."""
    assert [] == ground.problems()
    assert all(host.held(f"{ROOT}/lock") for host in ground.hosts.values())
    ground.hosts["a"] = MemoryHost(facts="1000\n")
    ground.hosts["b:2222"] = MemoryHost(facts="0\nno\naarch64\n2000\n1024\n")
    del ground.hosts["c"]
    assert [
        ("a", "nothing can be run as root"),
        ("b:2222", "is not run by systemd"),
        ("b:2222", "is aarch64"),
        ("b:2222", "its clock and ours differ by 1000 s"),
        ("b:2222", "has 1 MiB left on the disk"),
        ("c", "the key of this host is not known"),
    ] == ground.problems()


def test_preflight_port_and_lock(ground: Ground) -> None:
    """F14: a port that something else listens on is told, our own is not; a lock that is held, with its holder."""
    ground.hosts["a"] = MemoryHost(ports=LISTENS)
    ground.hosts["b:2222"] = MemoryHost(ports=LISTENS, units={"beat-proxy.socket": "active running"})
    ground.hosts["c"] = MemoryHost(busy={f"{ROOT}/lock": "the night shift"})
    expected = [("a", "port 8123 is taken, and not by beat"), ("c", "somebody else deploys there")]
    assert expected == ground.problems()
    found = anyio.run(ground.deployer().preflight, ground.site)
    assert "the night shift" in found[-1].why


def test_only_looked(ground: Ground) -> None:
    """A dry run brings nothing, holds no lock, and is kept out by none."""
    ground.hosts["c"].busy[f"{ROOT}/lock"] = "the night shift"
    assert () == anyio.run(ground.deployer().preflight, replace(ground.site, holds=False))
    for host in ground.hosts.values():
        assert ({}, {}) == (host.files, host.lines)
        assert not [words for words in host.log if "lock" in words]


class Hanging(MemoryHost):
    """Answers no question with this word in it."""

    word = ""

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Never, or at once."""
        if self.word and self.word in argv:
            await anyio.sleep_forever()
        return await MemoryHost.run(self, argv, stdin)


def test_hangs(tmp_path: Path) -> None:
    """F5, F7: a host that answers, but not every question: it is said which one, and the command ends."""
    one = ashore(tmp_path, ALONE)
    one.hosts["a"] = host = Hanging()
    deployer = replace(one.deployer(), terms=replace(one.deployer().terms, back=0.05))
    late, where = "it was not done in 0.05 s", one.wanted("one")[1]
    host.word = "is-active"
    with pytest.raises(Unfinished, match=f"a: {re.escape(late)}"):
        anyio.run(deployer.preflight, one.site)
    host.word = "list-units"
    with pytest.raises(Unfinished, match=f"a: {re.escape(late)}"):
        anyio.run(deployer.observe, one.site, (where,))
    host.word = ""
    one.deploy(one.wanted("one")[:1])
    host.word = "list-units"
    with pytest.raises(Unfinished, match=f"{A}/start: {re.escape(late)}"):
        anyio.run(deployer.apply, one.site, where, Running(), "")


class Stolen(MemoryHost):
    """Somebody takes the public port before the proxy does."""

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """As systemd tells it."""
        if "start beat-proxy.socket" in " ".join(argv).replace("-- ", ""):
            return Completed(code=1, stdout="", stderr="Address already in use")
        return await super().run(argv, stdin)


def test_a_port_that_was_free(tmp_path: Path) -> None:
    """F14: one that is taken after it was seen to be free: nothing is left of a service that is new."""
    ground = ashore(tmp_path, ALONE)
    ground.hosts["a"] = host = Stolen()
    assert "Address already in use" in str(failure(ground.deploy(ground.wanted("one"))))
    assert ([], {}) == ([path for path in host.files if "beat" in path], host.units)


class Inhabited(MemoryHost):
    """What a service that was never there is called, something else is called, too."""

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """As its shell tells it."""
        if argv[2:3] == (STRANGE,) and f"{argv[4]}/{argv[5]}/lock" not in self.files:
            self.log.append(tuple(argv))
            return Completed(code=0, stdout="beat: the account beat\nbeat: /var/lib/beat\n", stderr="")
        return await super().run(argv, stdin)


def test_somebody_elses_name(tmp_path: Path) -> None:
    """A service is refused that would take the account and the data of something else, and it is said how to go on."""
    ground = ashore(tmp_path, ALONE)
    ground.hosts["a"] = host = Inhabited()
    (problem,) = anyio.run(ground.deployer().preflight, ground.site)
    assert ("a", "has something else that is called beat") == (problem.path, problem.what)
    assert "there is the account beat, /var/lib/beat" == problem.why
    assert f"`install -D /dev/null {ROOT}/lock`" in problem.hint
    assert ({}, {}) == (host.files, host.tokens)
    host.files[f"{ROOT}/lock"] = b""
    assert [] == ground.problems()


def test_somebody_elses_units(tmp_path: Path) -> None:
    """Units of a distribution that are called like those of a service are none of its releases: they run on."""
    ground = ashore(tmp_path, ALONE)
    theirs = {"beat@15-main.service": "active running", "beat@1000.service": "active running"}
    ground.host.units |= theirs
    for text in ("one", "two"):
        ground.deployed(text)
    assert theirs.items() <= ground.host.units.items()


def test_no_tender(ground: Ground) -> None:
    """Nobody is asked where there is nothing to bring."""
    (ground.folder / "tender").unlink()
    assert [("deploy.prod.ssh.tender", "there is no tender")] == ground.problems()


PROXY = '[service.beat-proxy]\nimage = "beat"\n[deploy.prod]'
APART = """[service.beat-proxy]
image = "beat"
[deploy.other]
kind = "hosts"
hosts = ["d"]
ssh.tender = "tender"
services = ["beat-proxy"]
[deploy.prod]
services = ["beat"]
"""


def test_names_that_do_not_meet() -> None:
    """A service may have the name of what holds a port on other hosts, or of one that has no port."""
    parse(CONFIG.replace("[deploy.prod]\n", APART), "shipways.toml")
    portless = CONFIG.replace('port = 8123\nhealth = "/health"\n', "")
    parse(portless.replace("[deploy.prod]", PROXY), "shipways.toml")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('hosts = ["ada@a", "b:2222", "c"]', "", 'kind = "hosts" has some'),
        ('"b:2222", "c"', '"a:22"', "each is named once"),
        ("[deploy.prod]", PROXY, "service.beat-proxy: holds the public port of beat already"),
        ('"ada@a"', '"-oProxyCommand=x@a"', "hosts"),
        ('ssh.tender = "tender"', "", "hosts need it"),
        ('kind = "hosts"', 'kind = "compose"', "no other kind has any"),
    ],
)
def test_what_config_may_not_say(old: str, new: str, words: str) -> None:
    """Each with its reason."""
    with pytest.raises(ConfigError, match=words):
        parse(CONFIG.replace(old, new), "shipways.toml")
