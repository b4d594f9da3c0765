"""Shards of a release that are built in containers, each on a machine of its own."""

import json
from pathlib import Path

import pytest

from engines import TINY, Containers
from sandbox import Clone, Repository

pytestmark = [pytest.mark.integration, pytest.mark.long]

PACKAGES = "abc"
DAGGER = ("--engine", "dagger")


@pytest.fixture
def many(repository: Repository, containers: Containers) -> Repository:
    """Three packages that a shell of an image builds, locked and tagged; a real release is built in containers."""
    packages = "".join(
        f'[package.{name}]\nbuild = "command"\nversion = "1.0.0"\nimage = "{TINY}"\n'
        f'command = {{ run = [["sh", "-c", "echo {name} > $0/{name}.txt", "{{out}}"]], outputs = ["{name}.txt"] }}\n'
        for name in PACKAGES
    )
    repository.file("shipways.toml", f'[project]\nname = "many"\n{packages}')
    repository.file(".gitignore", "/dist/\n")
    ran = repository.commit().shipways("lock", env=containers.env)
    assert 0 == ran.code, ran.err
    repository.commit().git("tag", "v1.0.0")
    return repository


def test_same_bytes_as_one_machine(many: Repository, containers: Containers, tmp_path: Path) -> None:
    """Two shards by Dagger, put together without a build, are the release of one machine, byte for byte."""
    env = containers.env
    ran = many.shipways("plan", "--json", "--publish", "--shards", "2", *DAGGER, env=env)
    assert 0 == ran.code, ran.err
    names = [each["shard"] for each in json.loads(ran.out)["shards"]]
    assert ["1/2", "2/2"] == names
    machines = [Clone(many, tmp_path / f"m{number}") for number in range(2)]
    for machine, name in zip(machines, names, strict=True):
        ran = machine.shipways("build", "--shard", name, "--publish", *DAGGER, env=env)
        assert 0 == ran.code, ran.err
    made = [{path.name for path in machine.dist.glob("?.txt")} for machine in machines]
    assert ({f"{name}.txt" for name in PACKAGES}, set()) == (made[0] | made[1], made[0] & made[1])
    end = Clone(many, tmp_path / "end")
    words = ("release", "--publish", "--dry-run", *DAGGER)
    ran = end.shipways(*words, *(word for machine in machines for word in ("--from", str(machine.dist))), env=env)
    assert (0, False) == (ran.code, "start   builders" in ran.err), ran.err
    one = Clone(many, tmp_path / "one")
    ran = one.shipways(*words, env=env)
    assert (0, True) == (ran.code, "start   builders" in ran.err), ran.err
    for name in ("manifest.json", *(f"{name}.txt" for name in PACKAGES)):
        assert (one.dist / name).read_bytes() == (end.dist / name).read_bytes()
