"""Requests of the API, done on a real host: a tree is brought, built, started, asked, registered, and returned from."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from composing import TENDER, go_program
from engines import tiny
from shipways.adapters.registrar import HttpRegistrar
from shipways.adapters.shell import OsClock
from shipways.errors import ShipwaysError
from shipways.model.job import Method
from shipways.model.outcome import State
from shipways.model.secret import Secret
from shipways.outside.jobs import Requested
from shipways.rehearse.registrar import ServiceRegistry
from shipways.rehearse.serving import served
from sshhosts import Fleet, fleet
from treeing import Ground, ground, problems_of

pytestmark = [pytest.mark.integration, pytest.mark.long]

VALUE = "a=b \"q\" 'x' $HOME %h\nü\\n"
DANGEROUS = {"DOCKER_HOST": "tcp://127.0.0.1:9", "LD_AUDIT": "/app/x.so", "PEM": "-----\nü'$x\n-----\n"}
"""What would lead Docker's client elsewhere, and what no file of Docker's can have."""


@pytest.fixture(scope="module")
def ships(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Fleet]:
    """A host with systemd, sshd, Python and a Docker Engine that has a shell as an image."""
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else tmp_path_factory.mktemp("kept")
    with fleet(tmp_path_factory.mktemp("fleet"), kept, 1, docker=True, python=True) as made:
        (host,) = made.hosts.values()
        layer = tmp_path_factory.mktemp("tiny") / "tiny.tar.gz"
        layer.write_bytes(tiny(kept, "amd64").layers[0])
        host.docker.docker("cp", str(layer), f"{host.name}:/root/tiny.tar.gz")
        host.out("docker", "import", "/root/tiny.tar.gz", "tiny:1")
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("served")
    (made / "bin").mkdir()
    go_program(TENDER, made / "bin/tender")
    return made


@pytest.fixture(scope="module", params=list(Method))
def site(ships: Fleet, folder: Path, request: pytest.FixtureRequest) -> Iterator[Ground]:
    """For each method, with the first version deployed."""
    registry = ServiceRegistry()
    with served(registry.app) as url:
        made = ground(folder, ships, (registry, url), request.param)
        made.write("one")
        yield made


def given(site: Ground) -> dict[str, Secret]:
    """Its variables; a tree that is started by systemd finds its Python by PATH."""
    path = {"PATH": "/app/bin:/bin"} if site.method is Method.DOCKER else {}
    return {name: Secret(value) for name, value in {"VALUE": VALUE, **DANGEROUS, **path}.items()}


def test_the_first(site: Ground) -> None:
    """S2-12, S2-13: it is sent, built, started with its variables byte for byte, asked from outside, and registered."""
    outcome, console, found = site.deploy(environment=given(site))
    assert "" == problems_of(outcome)
    assert ("one", VALUE, _release(found)) == (site.get()["version"], site.read("/value"), site.get()["release"])
    assert {name: value.open() for name, value in given(site).items()} == {
        name: site.read(f"/{name}") for name in given(site)
    }
    assert [(_release(found), "deployed")] == site.told()
    told = found.registration()
    assert told
    assert (24, site.name, f"http://{site.host}:{site.port}") == (told.droplet_id, told.service_name, told.endpoint)
    assert "100 %" == site.progress(console)[-1].split(" of ")[0]
    assert site.read("/value") not in site.machine.out("sh", "-c", "cat /etc/systemd/system/web-* /proc/*/cmdline")


def test_the_same_and_the_next(site: Ground) -> None:
    """S2-22, S2-23: nothing is done again; of a changed line its file is sent; nobody is refused meanwhile."""
    with site.asking() as wrong:
        outcome, _, before = site.deploy(environment=given(site))
        assert {State.DONE} == {row.state for row in outcome.rows}
        site.write("two")
        outcome, console, found = site.deploy(environment=given(site))
        assert ("", "two", _release(found)) == (problems_of(outcome), site.get()["version"], site.get()["release"])
    assert [] == wrong
    assert int(site.progress(console)[-1].split()[3].replace(",", "")) <= 10240, "one file, as a tar"
    assert sorted((_release(before), _release(found))) == site.releases()


def test_one_that_is_not_healthy(site: Ground) -> None:
    """S2-16: it answers, but not as it should: the one before serves, the registry hears of it, nothing is left."""
    there, images = site.releases(), site.images()
    site.write("three", status="broken")
    with site.asking() as wrong:
        outcome, _, _ = site.deploy(environment=given(site))
    assert "is not healthy" in problems_of(outcome)
    assert ([], "two") == (wrong, site.get()["version"])
    assert [(site.get()["release"], "deployed"), (site.get()["release"], "rolled_back")] == site.told()[-2:]
    assert (there, images) == (site.releases(), site.images())


def test_back_and_forth(site: Ground) -> None:
    """S2-16: what ran before, without its tree, and once more; its variables are those that it had."""
    (tree := site.source).rename(aside := site.folder / "aside")
    with site.asking() as wrong:
        for version in ("one", "two"):
            assert "" == problems_of(site.rollback())
            assert (version, VALUE) == (site.get()["version"], site.read("/value"))
            assert (site.get()["release"], "rolled_back") == site.told()[-1]
    assert [] == wrong
    aside.rename(tree)


def test_what_does_not_build(site: Ground) -> None:
    """S2-16: a build that fails leaves what runs as it is, nothing of itself, and says what it printed."""
    running, there, images = site.get(), site.releases(), site.images()
    events = len(site.registry.events)
    site.write("four", build="echo no such luck && false")
    outcome, _, _ = site.deploy(environment=given(site))
    assert "no such luck" in problems_of(outcome)
    assert (running, there, images) == (site.get(), site.releases(), site.images())
    assert events == len(site.registry.events)
    assert "" == site.machine.out("systemctl", "list-units", "--plain", "--no-legend", "*-build-*")


def test_no_time_to_build(site: Ground) -> None:
    """A build that hangs ends with its time, with everything that it has begun; what runs stays."""
    running, there = site.get(), site.releases()
    site.write("five", build="sleep 4711")
    hasty = replace(site.bringer, serve=site.bringer.serve.model_copy(update={"timeout": "2s"}))
    outcome, _, _ = replace(site, bringer=hasty).deploy(environment=given(site))
    assert "build" in problems_of(outcome)
    assert (running, there) == (site.get(), site.releases())
    site.machine.wait("sh", "-c", "! pgrep -f '[s]leep 4711'")


def test_the_registry_is_down(site: Ground) -> None:
    """F20: what was deployed returns when it cannot be registered; a return is done, and the registry told later."""
    running, version = site.get()["version"], "six"
    site.write(version)
    silent = replace(site.bringer, registrar=HttpRegistrar("http://127.0.0.1:9", "", 1.0, OsClock()))
    outcome, _, _ = replace(site, bringer=silent).deploy(environment=given(site))
    assert "does not answer" in problems_of(outcome)
    assert running == site.get()["version"]
    outcome, _, _ = site.deploy(environment=given(site))
    assert ("", version) == (problems_of(outcome), site.get()["version"])
    assert "" == problems_of(replace(site, bringer=silent).rollback())
    assert running == site.get()["version"]


def test_other_variables(site: Ground) -> None:
    """S2-16: the same tree with another value runs beside, takes over and is returned from, with the value of then."""
    site.write("eight")
    other = {"VALUE": Secret("kanarie-4711 'x'\n$HOME")}
    assert "" == problems_of(site.deploy(environment=given(site))[0])
    with site.asking() as wrong:
        first = site.get()
        outcome, _, found = site.deploy(environment=other)
        assert ("", other["VALUE"].open()) == (problems_of(outcome), site.read("/value"))
        assert first != site.get()
        assert {State.DONE} == {row.state for row in site.deploy(environment=other)[0].rows}
        assert "" == problems_of(site.rollback())
        assert (first, VALUE) == (site.get(), site.read("/value"))
    assert [] == wrong
    folder = f"/opt/shipways/{site.name}"
    shown = site.machine.run("grep", "-rlsa", "-e", "kanarie-4711", folder, "/etc").out.split()
    assert [f"{folder}/releases/{_release(found)}/environment"] == shown


def test_another_method(site: Ground) -> None:
    """S2-23: the same service by the other method starts beside, takes over, and is returned from; one of it runs."""
    other = next(each for each in Method if each is not site.method)
    site.write("nine")
    environment = {name: value for name, value in given(site).items() if name != "PATH"}
    assert "" == problems_of(site.deploy(environment=environment)[0])
    (twin := replace(site, method=other)).write("ten")
    shutil.copytree(twin.source, site.source, dirs_exist_ok=True)
    with site.asking() as wrong:
        outcome, _, found = site.deploy(environment=environment, method=other)
        assert ("", "ten", VALUE) == (problems_of(outcome), site.get()["version"], site.read("/value"))
        assert [_release(found)] == _running(site)
        assert "" == problems_of(site.rollback())
        assert ("nine", [site.get()["release"]]) == (site.get()["version"], _running(site))
    assert [] == wrong


def test_validation(site: Ground) -> None:
    """S2-10: what a host lacks is told before anything is changed: room, quota, Python, a port that is free."""
    site.write("seven")
    small = site.bringer.serve.model_copy(update={"kept": site.bringer.serve.kept.model_copy(update={"quota": "1 kB"})})
    with pytest.raises(ShipwaysError, match="the quota of 0 MB has 0 MB left"):
        replace(site, bringer=replace(site.bringer, serve=small)).deploy(environment=given(site))
    with pytest.raises(ShipwaysError, match="port 22 is taken"):
        site.deploy(service_port=22, service_name="other")


def _release(found: Requested) -> str:
    """The id of what is brought."""
    return found.items[0].want.partition(":")[2][:16]


def _running(site: Ground) -> list[str]:
    """The ids of what there is of the service, by either method."""
    units = site.machine.out("systemctl", "list-units", "--all", "--plain", "--no-legend", f"{site.name}@*.service")
    shown = ("docker", "ps", "--all", "--filter", f"label=shipways.service={site.name}", "--format", "{{.Names}}")
    names = [line.split()[0].removesuffix(".service") for line in units.splitlines()]
    return [name.removeprefix(site.name)[1:] for name in (*names, *site.machine.out(*shown).split())]
