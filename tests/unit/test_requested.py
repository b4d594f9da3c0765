"""Requests as deployments: what is refused, which items there are, how it is started, and what the registry hears."""

import json
from dataclasses import replace
from pathlib import Path
from types import NoneType

import anyio
import pytest

from shipways.adapters.files import DiskFiles
from shipways.adapters.sourcetrees import DiskTrees
from shipways.adapters.verifier import HttpVerifier
from shipways.config.serve import Serve, Verifier
from shipways.deploy.registering import Registering
from shipways.deploy.requested import TreeBringer
from shipways.deploy.sources import told
from shipways.deploy.treedeployer import TreeDeployer
from shipways.doors import bringer as wired
from shipways.errors import ConfigError, Problem, Transient
from shipways.model.job import CONNECTED, REACHABLE, JobRequest, Method, PhaseName, Standing
from shipways.model.secret import Secret
from shipways.outside.jobs import Bringer
from shipways.outside.registrars import Event
from shipways.run.phases import phase_of
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED_SITE
from shipways.testing.host import MemoryHost, MemoryHosts
from shipways.testing.registrar import MemoryRegistrar
from shipways.testing.verifier import MemoryVerifier

CANARY = "do-not-show-4711"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One that can be brought by either method."""
    made = tmp_path / "sources" / "web"
    made.mkdir(parents=True)
    (made / "Dockerfile").write_text("FROM scratch\nEXPOSE 8000\n")
    (made / "requirements.txt").touch()
    (made / "Procfile").write_text("web: python main.py --port $PORT\n")
    return made


def bringer(tree: Path, registrar: MemoryRegistrar | None = None, **more: object) -> TreeBringer:
    """Of two hosts."""
    table = {"sources": (str(tree.parent),), "hosts": ("a", "ada@b:2222"), "state": str(tree.parent.parent / "state")}
    clock, key = ManualClock(7.0), more.pop("key", b"k")
    serve = Serve.model_validate({**table, "public": "web.example", "ssh": {"tender": "tender"}, **more})
    return TreeBringer(serve=serve, trees=DiskTrees(), files=DiskFiles(), clock=clock, registrar=registrar, key=key)


def request(tree: Path, method: Method = Method.SYSTEMD, **changed: object) -> JobRequest:
    """A good one."""
    made = JobRequest(
        service_path=str(tree),
        service_name="web",
        droplet_id=24,
        service_port=8123,
        method=method,
        environment={"TOKEN": Secret(CANARY)},
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def made(there: Bringer, asked: JobRequest) -> TreeDeployer:
    """The deployer of a request."""
    found = anyio.run(there.requested, asked, RecordingConsole())
    assert isinstance(found.deployer, TreeDeployer)
    assert {found.deployer.release} == {item.want for item in found.items}
    return found.deployer


def test_a_good_request(tree: Path) -> None:
    """Nothing is wrong with it; the registration comes when it serves on each host, and only where one is wanted."""
    there = bringer(tree, MemoryRegistrar())
    assert () == there.problems(request(tree))
    steps = ["transfer", "build", "start", "verify", "switch"]
    items = made(there, request(tree)).items()
    assert sorted(f"deploy.serve/{host}/web/{step}" for host in ("a", "b:2222") for step in steps) == sorted(
        item.id for item in items[:-1]
    )
    assert ("deploy.serve/a/web/register", ("deploy.serve/a/web/switch", "deploy.serve/b:2222/web/switch")) == (
        items[-1].id,
        items[-1].needs,
    )
    assert [] == [item for item in made(there, request(tree, auto_register=False)).items() if "register" in item.id]
    assert [] == [item for item in made(bringer(tree), request(tree)).items() if "register" in item.id]


def test_a_verifier(tree: Path) -> None:
    """S2-23: one more item where one is configured, between what serves and the registration; else none."""
    plain, asked = bringer(tree, MemoryRegistrar()), request(tree)
    there = replace(plain, verifier=MemoryVerifier())
    *others, approve, register = made(there, asked).items()
    *same, last = made(plain, asked).items()
    serves = ("deploy.serve/a/web/switch", "deploy.serve/b:2222/web/switch")
    assert ("deploy.serve/a/web/approve", serves) == (approve.id, approve.needs)
    assert (others, (*serves, approve.id)) == (same, register.needs)
    assert (PhaseName.VERIFY, serves) == (phase_of(approve.id), last.needs)
    assert (*others, approve) == made(replace(there, registrar=None), asked).items()
    asks = plain.serve.model_copy(update={"verifier": Verifier(url="http://verifier.example/look")})
    assert [NoneType, HttpVerifier] == [type(wired(serve, there.clock).verifier) for serve in (plain.serve, asks)]


@pytest.mark.parametrize(
    "name", ["", "-rm", "a;b", "../up", "Web", "wéb", "a" * 41, "a b", "a\n", "web-", "$(id)", "1web"]
)
def test_names(tree: Path, name: str) -> None:
    """F26: what no service can be called, in every tongue that a name is later said in."""
    assert ["service_name"] == [each.path for each in bringer(tree).problems(request(tree, service_name=name))]


def test_everything_that_is_wrong(tree: Path) -> None:
    """F25: all of it at once, and no value of a variable in it."""
    values = {"NUL": Secret(f"{CANARY}\0"), "1X": Secret(CANARY), "PORT": Secret("1"), "FINE": Secret("a=b\n'\"$(x)")}
    asked = request(tree, service_port=70000, droplet_id=-1, environment=values, service_path=f"{tree}/none")
    problems = bringer(tree).problems(asked)
    assert [
        "service_port",
        "droplet_id",
        "environment_vars.'NUL'",
        "environment_vars.'1X'",
        "environment_vars.'PORT'",
        "service_path",
    ] == [each.path for each in problems]
    assert CANARY not in str(problems)
    with pytest.raises(ConfigError) as caught:
        anyio.run(bringer(tree).requested, asked, RecordingConsole())
    assert len(problems) == len(caught.value.problems)
    (tree / "Dockerfile").unlink()
    assert ["has no Dockerfile"] == [each.what for each in bringer(tree).problems(request(tree, Method.DOCKER))]
    assert () == bringer(tree).problems(request(tree))
    (tree / "requirements.txt").unlink()
    assert ["has no requirements.txt and no pyproject.toml"] == [
        each.what for each in bringer(tree).problems(request(tree))
    ]


@pytest.mark.parametrize(("method", "wrong"), [(Method.DOCKER, ["LD_PRELOAD"]), (Method.SYSTEMD, ["OPTIND", "PPID"])])
def test_what_does_not_arrive(tree: Path, method: Method, wrong: list[str]) -> None:
    """F25: a variable that would do something on its way is refused; where it arrives, it may have any name."""
    values = {
        "PATH": "/app/bin",
        "DOCKER_HOST": "x",
        "LD_PRELOAD": f"{CANARY}\n",
        "KEY": "a\nb",
        "PPID": "3",
        "OPTIND": "x",
    }
    problems = bringer(tree).problems(
        request(tree, method, environment={name: Secret(value) for name, value in values.items()})
    )
    assert [f"environment_vars.{name!r}" for name in wrong] == sorted(each.path for each in problems)
    assert CANARY not in str(problems)


def test_what_a_release_is(tree: Path) -> None:
    """S2-22: the same tree is the same release; a byte, the method, the port and how it is built make another."""
    there = bringer(tree)
    first = made(there, request(tree)).release
    assert first == made(bringer(tree), request(tree, environment={"TOKEN": Secret(CANARY)})).release
    others = {made(there, request(tree, Method.DOCKER)).release, made(there, request(tree, service_port=8124)).release}
    others |= {made(bringer(tree, service={"web": {"build": ("make",)}}), request(tree)).release}
    (tree / "main.py").write_text("1")
    assert 5 == len(others | {first, made(there, request(tree)).release})


def test_other_values_are_another_release(tree: Path) -> None:
    """S2-16, S2-22: so that both run side by side, and a rollback has the values of then. Nobody can guess them of it.

    Without the key their digest says nothing; equal values of two services or names cannot be seen to be equal.
    """
    there, plain = bringer(tree), {"A": Secret("x"), "B": Secret("")}
    asked = [
        request(tree, environment=values)
        for values in ({}, plain, {"A": Secret(""), "B": Secret("x")}, {"A": Secret("y"), "B": Secret("")})
    ]
    asked += [request(tree, environment=plain, service_name="other")]
    releases = [made(there, each).source.brought for each in asked]
    releases += [made(bringer(tree, key=b"another"), asked[1]).source.brought]
    assert ("", 5) == (releases[0].sealed, len({each.sealed for each in releases[1:]}))
    assert 6 == len({each.digest for each in releases})
    assert {64} == {len(each.sealed) for each in releases[1:]}
    backwards = dict(reversed(plain.items()))
    assert releases[1] == made(there, request(tree, environment=backwards)).source.brought
    assert releases[1] == told(releases[1].encoded.decode())


def test_how_it_is_started(tree: Path) -> None:
    """Behind its own port and in its environment, asked for its health; values of variables are in nothing of it."""
    told = bringer(tree, service={"web": {"members": {"status": "ok"}, "release": "release", "memory": "64 MB"}})
    release = made(told, request(tree)).source.brought
    unit = release.texts["/etc/systemd/system/web@{release}.service"]
    assert "cd {folder}/app && exec env python main.py --port $$PORT" in unit
    assert 'Environment="PORT={port}"' in unit
    assert "PATH={folder}/venv/bin:" in unit
    assert "MemoryMax=64000000" in unit
    assert ("/health", "--json", "status=ok") == release.asks[:3]
    assert ("--json", "release={release}") == release.asks[-2:]
    assert (("TOKEN",), "0.0.0.0:8123", True, False) == (release.variables, release.listen, release.http, release.alone)
    image = made(told, request(tree, Method.DOCKER)).source.brought
    assert "web:{release}" == image.image
    assert ("--publish", "127.0.0.1:{port}:8000") == image.options[image.options.index("--publish") :][:2]
    for each in (release, image):
        assert CANARY.encode() not in each.encoded


def test_several_commands(tree: Path) -> None:
    """A line of several commands is one for a shell alone."""
    (tree / "Procfile").write_text("web: ./prepare && exec ./serve\n")
    unit = made(bringer(tree), request(tree)).source.brought.texts["/etc/systemd/system/web@{release}.service"]
    assert "cd {folder}/app && ./prepare && exec ./serve" in unit


def registering(tree: Path, registrar: MemoryRegistrar, said: list[str]) -> Registering:
    """Of one service."""
    return Registering(
        registrar=registrar,
        files=DiskFiles(),
        clock=ManualClock(7.0),
        place=tree / "state" / "web.json",
        droplet_id=24,
        service_name="web",
        endpoint="http://web.example:8123",
        say=said.append,
    )


A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def test_registered_and_returned(tree: Path) -> None:
    """S2-15: what was said is kept, and what ran before; what is not sure is to be done again."""
    registrar, said = MemoryRegistrar(), list[str]()
    desk = registering(tree, registrar, said)
    assert ("", None) == (desk.running.digest, desk.registration)
    anyio.run(desk.forward, A, "")
    anyio.run(desk.forward, B, A)
    assert (B, A, False) == (desk.running.digest, desk.running.previous, desk.running.torn)
    assert desk.registration
    assert ({"status": "registered"}.items() <= desk.registration.response.items(), 7.0) == (
        True,
        desk.registration.registered,
    )
    registrar.errors = [Transient(Problem(what="down"))]
    with pytest.raises(Transient):
        anyio.run(desk.forward, A, B)
    assert (B, True, None) == (desk.running.digest, desk.running.torn, desk.registration)
    registrar.errors = [Transient(Problem(what="down"))]
    anyio.run(desk.back, A, "")
    assert ((A, True), 1) == ((desk.running.digest, desk.running.torn), len(said)), "nobody is kept from returning"
    anyio.run(desk.back, A, "")
    assert [Event.DEPLOYED, Event.DEPLOYED, Event.RETURNED] == [each.event for each in registrar.events]
    assert 0o600 == (tree / "state" / "web.json").stat().st_mode & 0o777
    (tree / "state" / "web.json").write_text("{")
    assert "" == desk.running.digest


def test_where_nothing_ran(tree: Path) -> None:
    """A first version that is taken back leaves nothing that is said to run."""
    registrar = MemoryRegistrar()
    desk = registering(tree, registrar, [])
    anyio.run(desk.forward, A, "")
    anyio.run(desk.back, "", "")
    assert ("", "", None) == (registrar.events[-1].release, desk.running.digest, desk.registration)


def test_standing(tree: Path) -> None:
    """S2-06: hosts and the registry, each in words; without the tree it is known what may have run."""
    there = bringer(tree, MemoryRegistrar())
    site = replace(CLOSED_SITE, hosts=MemoryHosts({"a": MemoryHost(), "b:2222": MemoryHost()}))
    assert Standing(ssh=CONNECTED, registry=REACHABLE) == anyio.run(there.reached, site)
    site = replace(CLOSED_SITE, hosts=MemoryHosts({"a": MemoryHost()}))
    assert "b:2222" in anyio.run(there.reached, site).ssh
    (tree / "Procfile").unlink()
    found = there.standing(request(tree / "gone"), RecordingConsole())
    assert {""} == {item.want for item in found.items}
    assert json.dumps([item.id for item in found.items]).count("register") == 1
