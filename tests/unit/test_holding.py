"""Holds, and a look at what runs: on hosts in memory, and where there are none."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from moored import ALONE, ROOT, A, Ground, Harbour, ashore
from platforming import ALL, INDEX, OLD, PAGE
from shipways import doors, wire
from shipways.cli import run
from shipways.errors import Held, Transient
from shipways.model.item import Item
from shipways.outside.platforms import Deployer
from shipways.run.deploying import Crew
from shipways.run.holding import Holds
from shipways.run.watching import Stand, looked
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.platform import Platform, PlatformDeployer
from shipways.verbs.deployments import table

HOLD: Final[dict[str, Any]] = {"reason": "the audit", "by": "eve", "since": 17.5}


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """Three hosts."""
    return ashore(tmp_path)


def holds(ground: Ground, deployer: Deployer | None = None) -> Holds:
    """Those of a deployment; its folder is that of the project."""
    return Holds(deployer=deployer or ground.deployer(), site=ground.site, folder=ground.folder)


def told(holds: Holds) -> list[tuple[str, str, str]]:
    """Where, by whom, why."""
    return [(each.service, each.by, each.reason) for each in anyio.run(holds.found).holds]


def test_on_hosts(ground: Ground) -> None:
    """A hold lies on each host; whoever deploys from elsewhere is refused with its reason; it can be taken back."""
    anyio.run(partial(holds(ground).put, **HOLD))
    places = ["a/beat", "b:2222/beat", "c/beat"]
    assert [(place, "eve", "the audit") for place in places] == told(holds(ground))
    assert {"/opt/shipways/beat/hold.json"} == {path for host in ground.hosts.values() for path in host.files}
    with pytest.raises(Held, match=r"a/beat: is held by eve[\s\S]*the audit[\s\S]*hold prod --release"):
        anyio.run(holds(ground).refuse)
    anyio.run(holds(ground).release)
    anyio.run(holds(ground).release)
    anyio.run(holds(ground).refuse)
    assert [] == told(holds(ground))


def test_one_host_is_enough(ground: Ground) -> None:
    """F8: a hold of which only one host knows, or whose file is half written, holds."""
    ground.hosts["c"].files["/opt/shipways/beat/hold.json"] = b'{"reason": "the au'
    assert [("c/beat", "somebody", "its file cannot be read")] == told(holds(ground))


def test_a_hold_outlives_a_release(ground: Ground) -> None:
    """What is installed and pruned is not the hold."""
    ground.config = ALONE
    anyio.run(partial(holds(ground).put, **HOLD))
    ground.deployed("one")
    ground.deployed("two")
    assert [("a/beat", "eve", "the audit")] == told(holds(ground))


def test_elsewhere(ground: Ground) -> None:
    """What does not lie on hosts is held in the folder of what was made."""
    made = holds(ground, PlatformDeployer(Platform(), ALL))
    assert [] == told(made)
    anyio.run(partial(made.put, **HOLD))
    assert [("test", "eve", "the audit")] == told(made)
    assert HOLD == json.loads((ground.folder / "deploy.test.hold.json").read_bytes())
    anyio.run(made.release)
    assert [] == told(made)


def look(deployer: Deployer, ground: Ground) -> list[Stand]:
    """What runs, and how it does."""
    crew = Crew(site=ground.site, console=RecordingConsole(), clock=ManualClock())
    return list(anyio.run(looked, deployer, crew))


def test_looked(ground: Ground) -> None:
    """Of each service on each host one line: what runs, what ran before, and why it is not healthy."""
    ground.config = ALONE
    (stand,) = look(ground.deployer(), ground)
    assert (f"{A}/switch", "", "nothing runs") == (stand.item, stand.running.digest, stand.why)
    first, second = ground.deployed("one"), ground.deployed("two")
    (stand,) = look(ground.deployer(), ground)
    assert (second, first, "") == (stand.running.digest, stand.running.previous, stand.why)
    ground.host.sick = True
    assert [True] == [bool(stand.why) for stand in look(ground.deployer(), ground)]


def test_waited_for(ground: Ground) -> None:
    """S2: how long everything waited for one that cannot run beside the one before stands below the table."""
    ground.config = ALONE.replace("port = 8123", 'port = 8123\nstrategy = "recreate"')
    ground.deployed("one")
    ground.deployed("two")
    stands = look(ground.deployer(), ground)
    gap = json.loads(ground.host.files[f"{ROOT}/state.json"])["gap"]
    assert gap > 0
    assert [f"{A}/switch: requests waited {gap:g} s for it"] == [*table(stands, []).remarks]


def test_looked_elsewhere(ground: Ground) -> None:
    """Each service, the sick one with its reason."""
    platform = Platform(running={item.id: OLD[item.id] for item in (INDEX, PAGE)}, sick={(PAGE.id, "old")})

    def why(item: Item) -> str:
        return {INDEX.id: "", PAGE.id: "503"}.get(item.id, "nothing runs")

    found = look(PlatformDeployer(platform, ALL), ground)
    assert [(item.id, why(item)) for item in ALL] == [(each.item, each.why) for each in found]


def test_looked_at_silent_hosts(ground: Ground) -> None:
    """F7: a host that does not answer has a row that says so, and what is known of the others is there."""
    wanted = ground.deployed("one")
    found = [
        [(each.item.split("/")[1], each.running.digest, each.why) for each in look(ground.deployer(), ground)]
        for ground in (ground, replace(ground, silent={"b:2222"}))
    ]
    silent = ("b:2222", "", "cannot be asked: b:2222: does not answer")
    well = [(host, wanted, "") for host in ("a", "b:2222", "c")]
    assert [well, [well[0], silent, well[2]]] == found


def test_silent_hosts_hold_nothing(ground: Ground) -> None:
    """F7: each host that answers is told, in whatever place it is; nothing is deployed while one is not asked."""
    made = holds(replace(ground, silent={"a"}))
    answers = anyio.run(partial(made.put, **HOLD))
    assert (("b:2222", "c"), ["a: does not answer"]) == (answers.hosts, [str(each) for each in answers.problems])
    with pytest.raises(Held, match="b:2222/beat: is held by eve"):
        anyio.run(made.refuse)
    answers = anyio.run(made.release)
    assert (["b:2222/beat", "c/beat"], 1) == ([each.service for each in answers.holds], len(answers.errors))
    with pytest.raises(Transient, match="a: does not answer"):
        anyio.run(made.refuse)
    anyio.run(holds(ground).refuse)


@pytest.fixture
def shore(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Harbour:
    """The hosts of the verbs, of which the second is silent, and their project as the current folder."""
    made = Harbour(ground.hosts, {"b:2222"})
    monkeypatch.setattr(doors, "LateHosts", lambda: made)
    monkeypatch.setattr(wire, "clock", ManualClock)
    monkeypatch.chdir(ground.folder)
    ground.folder.joinpath("shipways.toml").write_text(ground.config)
    return made


@pytest.mark.usefixtures("shore")
def test_verbs_with_a_silent_host(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    """F7: what is known is the result, on standard output; which host is not, is the error, and exit code 5."""
    assert [] == [row for row in ground.deploy(ground.wanted("one")).rows if row.problems]
    for words, lines in (
        (
            ("deployments",),
            ["deploy.prod/a/beat/switch ", "deploy.prod/b:2222/beat/switch  cannot be asked: b:2222: d"],
        ),
        (("logs", "prod"), ["==> deploy.prod/b:2222/beat/switch <==", "(cannot be asked: b:2222: does", "(nothing)"]),
        (("hold", "prod", "--reason", "the audit"), ["deploy.prod: is held on a, c; nothing is deployed"]),
        (("hold", "prod", "--release"), ["deploy.prod: is not held any more on a, c\n"]),
    ):
        capsys.readouterr()
        assert 5 == run(words)
        out, err = capsys.readouterr()
        assert [] == [line for line in lines if line not in out], out
        assert 1 == err.count("error: b:2222: does not answer\n"), err


@pytest.mark.usefixtures("shore")
def test_deployments_as_json(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    """The table is the one line of standard output; whatever else is told, errors too, is lines of the other one."""
    ground.deployed("one")
    capsys.readouterr()
    assert 5 == run(("deployments", "--log", "json"))
    out, err = (list(map(json.loads, text.splitlines())) for text in capsys.readouterr())
    assert ["table"] == [line["event"] for line in out]
    assert "2 of 3 healthy" == out[0]["title"]
    assert {"event": "error", "path": "b:2222", "what": "does not answer"}.items() <= err[-1].items()


CONFIG = """
[project]
name = "beats"
[package.beat]
build = "go"
[image.beat]
package = "beat"
repositories = ["ghcr.io/example/beat"]
[service.beat]
image = "beat"
port = 8123
[deploy.prod]
kind = "compose"
"""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("hold", "prod"), 2, "say either --reason TEXT or --release"),
        (("hold", "prod", "--reason", "x", "--release"), 2, "say either"),
        (("hold", "prdo", "--reason", "x"), 2, "did you mean prod?"),
        (("hold", "prod", "--reason", "the audit"), 0, "deploy.prod: is held"),
        (("hold", "prod", "--reason", " "), 2, "--reason: say why"),
        (("hold", "prod", "--reason", "one\x1b[2Jtwo"), 2, "--reason: say why"),
        (("hold", "prod", "--reason", "x" * 501), 2, "no more than 500 characters"),
        (("hold", "prod", "--release"), 0, "deploy.prod: is not held"),
        (("logs", "prod", "--service", "bear"), 2, "has no service bear"),
        (("deployments", "prdo"), 2, "did you mean prod?"),
    ],
)
def test_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    """What the verbs say, and how they end."""
    (tmp_path / "shipways.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    assert code == run(words)
    assert said in "".join(capsys.readouterr())


@pytest.mark.parametrize("verb", ["deployments", "hold"])
def test_no_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    """Where there is none nothing is healthy: it is an error."""
    (tmp_path / "shipways.toml").write_text(CONFIG.partition("[deploy.prod]")[0])
    monkeypatch.chdir(tmp_path)
    assert 2 == run((verb, *(("prod", "--release") if verb == "hold" else ())))
    assert "there is no such" in capsys.readouterr().err


def test_held_and_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A hold of the command line is there until it is taken back."""
    (tmp_path / "shipways.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USER", "eve")
    assert 0 == run(("hold", "prod", "--reason", "the audit"))
    found = json.loads((tmp_path / "dist/deploy.prod.hold.json").read_bytes())
    assert ("the audit", "eve") == (found["reason"], found["by"])
    assert 0 == run(("hold", "prod", "--release"))
    assert "is not held any more" in capsys.readouterr().out
