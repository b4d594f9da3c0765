"""F1-F31: whatever goes wrong in a deployment, and when: all hosts serve the new version then, or all the old one.

Every cell leaves the three hosts to the next one as they have to be: with one version, nothing orphaned, and a deployer
that brings the next version.
"""

import os
import random
from collections.abc import Iterator

import pytest

from composing import TENDER, go_program
from disturbing import BAD, INJECTED, Ground, cells, cured, orphans, serving
from matrix import record
from served import Deployer, tree
from sshhosts import fleet

pytestmark = [pytest.mark.integration, pytest.mark.long]
_ALL = tuple(cells())
_SEED = int(os.environ.get("SHIPWAYS_SEED", "8"))
_TENTH = sorted(random.Random(_SEED).sample(_ALL, len(_ALL) // 10))  # noqa: S311 - which cells, not a secret


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Ground]:
    """Three hosts with systemd, sshd, Python, and a Docker Engine that has Python as an image."""
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else tmp_path_factory.mktemp("kept")
    folder = tmp_path_factory.mktemp("matrix")
    go_program(TENDER, folder / "tender")
    with fleet(folder, kept, 3, docker=True, python=True) as made:
        for host in made.hosts.values():
            host.docker.docker("cp", str(folder / "layer.tar.gz"), f"{host.name}:/root/layer.tar.gz")
            host.out("docker", "import", "/root/layer.tar.gz", "python:1")
        deployer = Deployer(folder / "deployer", made, folder / "tender")
        deployer.start()
        yield Ground(deployer, tuple(made.hosts.items()))
        deployer.end()


_counted = iter(range(1, 10_000))


def brought(ground: Ground, method: str, behaviour: str = "well") -> tuple[str, str]:
    """The next version is asked for: the id of its job, and the version."""
    version = str(next(_counted))
    return ground.deployer.submit(tree(ground.deployer.folder / "trees" / version, version, behaviour), method), version


def stood(ground: Ground, method: str) -> str:
    """A version that serves everywhere, before anything goes wrong."""
    id, version = brought(ground, method)  # noqa: A001 - the word of the API
    assert "completed" == ground.deployer.ended(id)["status"], ground.deployer.job(id)
    assert {version} == serving(ground, method)
    return version


def whole(ground: Ground, method: str, job: dict[str, object], old: str, new: str) -> None:
    """Wholly old or wholly new, as the job says; nothing orphaned; and the next one goes well."""
    assert {new if job["status"] == "completed" else old} == serving(ground, method), job
    assert {} == {name: found for name, host in ground.hosts if (found := orphans(host, method))}, job
    stood(ground, method)


def _played(ground: Ground, fault: str, phase: str, method: str) -> None:
    old = stood(ground, method)
    id, new = brought(ground, method, BAD.get(fault, "well"))  # noqa: A001 - the word of the API
    met = True
    if fault in INJECTED:
        met = ground.deployer.reached(id, phase)
        INJECTED[fault][0](ground)
    job = ground.deployer.ended(id)
    cured(ground)
    if fault in BAD:
        assert "failed" == job["status"]
    record(fault, phase, method, "missed" if not met else str(job["status"]))
    whole(ground, method, job, old, new)


@pytest.mark.parametrize(("fault", "phase", "method"), _TENTH)
def test_a_tenth(ground: Ground, fault: str, phase: str, method: str) -> None:
    """S2-16, S2-22: a tenth of all cells, by SHIPWAYS_SEED."""
    _played(ground, fault, phase, method)


@pytest.mark.parametrize(("fault", "phase", "method"), [each for each in _ALL if each not in _TENTH])
def test_the_rest(ground: Ground, fault: str, phase: str, method: str) -> None:
    """S2-16, S2-22: every other cell."""
    _played(ground, fault, phase, method)
