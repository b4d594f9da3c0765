"""Another method under the same name: from programs of systemd to containers, and back."""

from pathlib import Path

import anyio
import pytest

from moored import ALONE, ROOT, Ground, ashore, short
from shipways.run.returning import rollbacks

SYSTEMD = ALONE
DOCKER = ALONE.replace('kind = "hosts"', 'kind = "hosts"\nmethod = "docker"')
BOTH = pytest.mark.parametrize(("before", "after"), [(SYSTEMD, DOCKER), (DOCKER, SYSTEMD)])


def runs(ground: Ground) -> list[str]:
    """The ids of what runs, by either method."""
    host = ground.host
    programs = [name.partition("@")[2].partition(".")[0] for name in host.units if name.startswith("beat@")]
    return [*host.containers, *programs]


@BOTH
def test_forth_and_back(tmp_path: Path, before: str, after: str) -> None:
    """It starts beside the one of the other method, which ends when the port leads to it; a rollback is the same."""
    ground = ashore(tmp_path, before)
    first, host = ground.deployed("one"), ground.host
    ground.config = after
    host.log.clear()
    second = ground.deployed("two")
    assert ([short(second)], f"{ROOT}/releases/{short(second)}") == (runs(ground), host.links[f"{ROOT}/current"])
    begins, ends = [
        next(at for at, words in enumerate(host.log) if words[:2] in wanted)
        for wanted in (
            {("systemctl", "start"), ("docker", "run")},
            {("systemctl", "disable"), ("docker", "stop")},
        )
    ]
    switched = next(
        at for at, words in enumerate(host.log) if words[1:3] == ("proxy", "switch") and "--no-wait" in words
    )
    assert begins < switched < ends
    assert "pause" not in {words[2] for words in host.log if words[1:2] == ("proxy",)}
    items = ground.deployer().items()
    running = anyio.run(ground.deployer().observe, ground.site, items)
    ground.deploy(rollbacks(items, running))
    assert ([short(first)], f"{ROOT}/releases/{short(first)}") == (runs(ground), host.links[f"{ROOT}/current"])
    ground.deployed("two")
    assert [short(second)] == runs(ground)


@BOTH
def test_not_healthy(tmp_path: Path, before: str, after: str) -> None:
    """S2-16: one of the other method that is not healthy leaves nothing; the one before runs on as it was begun."""
    ground = ashore(tmp_path, before)
    first, host = ground.deployed("one"), ground.host
    ground.config, host.sick = after, True
    host.well.add(str(host.backend))
    host.log.clear()
    assert any(row.problems for row in ground.deploy(ground.wanted("two")).rows)
    assert ([short(first)], f"{ROOT}/releases/{short(first)}") == (runs(ground), host.links[f"{ROOT}/current"])
    mine = [words for words in host.log if words[:2] in {("systemctl", "restart"), ("docker", "stop")}]
    assert [] == [words for words in mine if short(first) in words[-1]]


@BOTH
def test_data_stay(tmp_path: Path, before: str, after: str) -> None:
    """One that has data, which the other method does not find, is refused before anything is done."""
    kept = [
        config.replace("port = 8123\n", 'port = 8123\ndata = { main = "/var/lib/beat" }\n').replace(
            'package = "beat"\n', 'package = "beat"\nvolumes = ["/var/lib/beat"]\n'
        )
        for config in (before, after)
    ]
    ground = ashore(tmp_path, kept[0])
    ground.deployed("one")
    ground.config = kept[1]
    ((path, what),) = ground.problems()
    assert ("a", True) == (path, what.endswith("and its data would stay there"))
    ground.config = after
    assert [] == ground.problems()
