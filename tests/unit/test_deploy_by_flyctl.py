"""Deploying to Fly.io: what flyctl is told, over transcripts; Fly.io itself is not asked here.

The shapes are those that flyctl prints with --json: `Machine` of fly-go 0.9.6, flyctl of August 2026.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from deploying import HEAD, MACHINE, SHOP, rendered
from shipways.adapters.files import DiskFiles
from shipways.config.load import parse
from shipways.deploy import fly
from shipways.deploy.places.fly import FlyDeployer, plan
from shipways.errors import ConfigError, DeployFailed, Moved, PreflightError, Transient
from shipways.model.deployment import Running
from shipways.model.outcome import Outcome
from shipways.outside.platforms import Site
from shipways.ports import Completed
from shipways.run.deploying import Crew, deploy, failure
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED_SITE
from shipways.testing.process import ScriptedProcess

OLD, NEW = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
IMAGE: Final = "ghcr.io/example/shop"
DEPLOY: Final = '\n[service.shop.fly]\napp = "eu-shop"\n[deploy.prod]\nkind = "fly"\nwait = "9s"\n'
FILE: Final = "deployment/fly/shop/fly.toml"
LEASE: Final = "Error: failed to acquire leases: machine 1857 lease currently held by somebody, expires at 2026"


class Fly:
    """An app with machines, as far as these tests see it."""

    def __init__(self, root: Path) -> None:
        self.machines: list[dict[str, Any]] = []
        self.count, self.version = 2, 0
        self.sick: set[str] = set()
        self.answers: dict[str, Completed] = {}
        self.process = ScriptedProcess(self.answer)
        self.site: Site = replace(CLOSED_SITE, root=root, files=DiskFiles(), process=self.process)
        (root / FILE).parent.mkdir(parents=True)
        (root / FILE).write_text(rendered(fly, SHOP + DEPLOY.partition("[deploy")[0])[FILE])

    def answer(self, argv: tuple[str, ...]) -> Completed | None:
        """How a command of flyctl ends."""
        words = " ".join(word for word in argv[1:] if not word.startswith("--"))
        for begin, done in self.answers.items():
            if words.startswith(begin):
                return done
        if words == "machine list":
            return Completed(code=0, stdout=json.dumps(self.machines), stderr="")
        if words == "secrets list":
            return Completed(code=0, stdout='[{"name": "SHOP_TOKEN", "digest": "1c"}]', stderr="")
        if words.startswith("machine destroy"):
            self.machines = [each for each in self.machines if each["id"] not in argv]
        if words == "deploy":
            said = dict(word[2:].split("=", 1) for word in argv if "=" in word and not word.startswith("--env"))
            env = dict(word.removeprefix("--env=").split("=", 1) for word in argv if word.startswith("--env"))
            return self.run(said["image"], env)
        return None

    def run(self, image: str, env: Mapping[str, str]) -> Completed | None:
        """Machines of a version, which end at once where that is sick; flyctl waits for their checks in vain."""
        self.version += 1
        digest = image.partition("@")[2]
        sick = digest in self.sick
        self.machines = [machine(number, self.version, image, env, sick=sick) for number in range(self.count)]
        wrong = "Error: timeout reached waiting for health checks to pass for machine 0"
        return Completed(code=1, stdout="", stderr=wrong) if sick else None


def machine(number: int, version: int, image: str, env: Mapping[str, str], *, sick: bool = False) -> dict[str, Any]:
    """One that Fly.io has pulled by a digest that is not the one of the manifest."""
    registry, _, rest = image.partition("/")
    status = "critical" if sick else "passing"
    return {
        "id": f"{number}857",
        "state": "started",
        "instance_id": f"01J{version}",
        "image_ref": {"registry": registry, "repository": rest.partition("@")[0], "digest": "sha256:of-one-platform"},
        "config": {"image": image, "env": dict(env), "metadata": {"fly_process_group": "app"}},
        "checks": [
            {"name": "servicecheck-00-http-8080", "status": status, "output": "503 no database"},
            {"name": "bg_deployments_compat", "status": "critical", "output": ""},
        ],
        "events": [{"type": "start", "status": "started"}],
    }


def deployer() -> FlyDeployer:
    """The one of the config."""
    (found,) = plan(parse(HEAD + SHOP + DEPLOY, "shipways.toml"), MACHINE)
    return found


def go(platform: Fly, want: str = NEW) -> Outcome:
    """Deploy by the core."""
    item = replace(deployer().items()[0], want=want)
    crew = Crew(site=platform.site, console=RecordingConsole(), clock=ManualClock())
    return anyio.run(lambda: deploy(deployer(), (item,), crew))


def observed(platform: Fly, want: str = "") -> Running:
    """What is seen to run."""
    item = replace(deployer().items()[0], want=want)
    return anyio.run(lambda: deployer().observe(platform.site, (item,)))[item.id]


def told(platform: Fly) -> tuple[str, bool]:
    """Why it is not healthy, and whether it is lost."""
    item = replace(deployer().items()[0], want=NEW)
    found = anyio.run(lambda: deployer().probe(platform.site, item))
    return found.why, found.lost


@pytest.fixture
def platform(tmp_path: Path) -> Fly:
    """An app without machines."""
    return Fly(tmp_path)


def test_the_first_time_and_another_one(platform: Fly) -> None:
    """S3-08: by digest, with the rendered file; what ran is remembered, though Fly.io tells a digest of its own."""
    assert Running() == observed(platform)
    assert failure(go(platform, OLD)) is None
    outcome = go(platform)
    assert (None, "https://eu-shop.fly.dev") == (failure(outcome), outcome.rows[0].url)
    url = "https://eu-shop.fly.dev"
    assert Running(digest=NEW, previous=OLD, stamp="0857/01J2 1857/01J2", url=url) == observed(platform)
    assert (
        *("flyctl", "deploy", "--app=eu-shop", f"--config={platform.site.root / FILE}", f"--image={IMAGE}@{NEW}"),
        *("--remote-only", "--yes", f"--env=SHIPWAYS_IMAGE={IMAGE}@{NEW}", f"--env=SHIPWAYS_PREVIOUS={OLD}"),
        "--wait-timeout=9s",
    ) == [argv for argv in platform.process.ran if "deploy" in argv][-1]


def test_one_that_does_not_work(platform: Fly) -> None:
    """flyctl waits in vain: it is not tried again, and what ran before runs again, with what it remembered."""
    platform.run(f"{IMAGE}@{OLD}", {"SHIPWAYS_IMAGE": f"{IMAGE}@{OLD}", "SHIPWAYS_PREVIOUS": "sha256:older"})
    platform.sick.add(NEW)
    error = failure(go(platform))
    assert isinstance(error, DeployFailed)
    assert "waiting for health checks" in str(error)
    assert (OLD, "sha256:older") == (observed(platform).digest, observed(platform).previous)
    assert 2 == len([argv for argv in platform.process.ran if "deploy" in argv])


def test_a_first_one_that_does_not_work(platform: Fly) -> None:
    """The machines are destroyed; nothing else is."""
    platform.sick.add(NEW)
    assert isinstance(failure(go(platform)), DeployFailed)
    assert [] == platform.machines
    assert ("flyctl", "machine", "destroy", "0857", "1857", "--app=eu-shop", "--force") in platform.process.ran


def test_nothing_to_withdraw(platform: Fly) -> None:
    """A deployment that flyctl refused has left no machine, and flyctl is not told to destroy none."""
    platform.answers["deploy"] = Completed(code=1, stdout="", stderr="no such image")
    assert "no such image" in str(failure(go(platform)))
    assert [] == [argv for argv in platform.process.ran if "destroy" in argv]


def test_a_mixture(platform: Fly) -> None:
    """What an interrupted deployment left is not what should run, so it is gone on with."""
    go(platform, OLD)
    new = machine(0, 9, f"{IMAGE}@{NEW}", {"SHIPWAYS_IMAGE": f"{IMAGE}@{NEW}", "SHIPWAYS_PREVIOUS": OLD})
    platform.machines[0] = new
    assert (OLD, NEW) == (observed(platform, NEW).digest, observed(platform, OLD).digest)
    assert (f"machine 1857: {OLD} runs", True) == told(platform)
    assert failure(go(platform)) is None
    assert ("", False) == told(platform)


def test_what_is_not_ours(platform: Fly) -> None:
    """What somebody else deployed is told whole, and the machine of a release command does not count."""
    platform.run("registry.fly.io/eu-shop@sha256:x", {})
    helper = machine(7, 1, f"{IMAGE}@{NEW}", {})
    helper["config"]["metadata"]["fly_process_group"] = "fly_app_release_command"
    platform.machines += [helper, machine(8, 1, f"{IMAGE}@{NEW}", {}) | {"state": "destroyed"}]
    assert "registry.fly.io/eu-shop@sha256:of-one-platform" == observed(platform).digest


@pytest.mark.parametrize(
    ("change", "why", "lost"),
    [
        ({"state": "failed"}, "machine 1857: it failed", True),
        ({"state": "replacing"}, "machine 1857: it is replacing", False),
        ({"state": "stopped"}, "", False),
        (
            {"state": "stopped", "events": [{"type": "exit", "request": {"exit_event": {"exit_code": 3}}}]},
            "machine 1857: it ended with 3",
            True,
        ),
        (
            {
                "state": "stopped",
                "events": [{"type": "exit", "request": {"exit_event": {"exit_code": 130, "requested_stop": True}}}],
            },
            "",
            False,
        ),
        (
            {"checks": [{"name": "http", "status": "critical", "output": "503 no database\n"}]},
            "machine 1857: http is critical: 503 no database",
            False,
        ),
    ],
    ids=["failed", "replacing", "resting", "crashed", "asked", "critical"],
)
def test_health(platform: Fly, change: dict[str, Any], why: str, lost: bool) -> None:
    """One that rests because nobody asks is well; each of the others is not."""
    go(platform)
    platform.machines[1] |= change
    assert (why, lost) == told(platform)


def test_nothing_runs(platform: Fly) -> None:
    """An app without machines is not healthy."""
    assert ("there is no machine", True) == told(platform)


def test_somebody_else_deploys(platform: Fly) -> None:
    """Other machines than those seen, or a lease of somebody else: looked at again."""
    go(platform, OLD)
    seen, item = observed(platform), replace(deployer().items()[0], want=NEW)
    platform.run(f"{IMAGE}@{OLD}", {})
    with pytest.raises(Moved):
        anyio.run(lambda: deployer().apply(platform.site, item, seen, OLD))
    seen = observed(platform)
    platform.answers["deploy"] = Completed(code=1, stdout="", stderr=LEASE)
    with pytest.raises(Moved, match="lease currently held"):
        anyio.run(lambda: deployer().apply(platform.site, item, seen, OLD))


def test_preflight(platform: Fly) -> None:
    """The rules of flyctl, the app, its secrets, and the file itself."""
    assert () == anyio.run(lambda: deployer().preflight(platform.site))
    platform.answers["secrets"] = Completed(code=0, stdout="null", stderr="")
    path = platform.site.root / FILE
    path.write_text(path.read_text().replace('auto_stop_machines = "stop"', 'auto_stop_machines = "sleep"'))
    found = anyio.run(lambda: deployer().preflight(platform.site))
    assert [(FILE, "http_service.auto_stop_machines: is none of off, stop, suspend")] == [
        (each.path, each.what) for each in found[:-1]
    ]
    assert "eu-shop has no such secret" == found[-1].what
    path.unlink()
    assert ["there is none"] == [each.what for each in anyio.run(lambda: deployer().preflight(platform.site))]


def test_no_app(platform: Fly) -> None:
    """It is said with the words of flyctl."""
    platform.answers["secrets"] = Completed(code=1, stdout="", stderr='Error: Could not find App "eu-shop"')
    (found,) = anyio.run(lambda: deployer().preflight(platform.site))
    assert ("no app eu-shop", 'Error: Could not find App "eu-shop"') == (found.what, found.why)
    platform.answers["machine"] = Completed(code=1, stdout="", stderr="Error: dial tcp: i/o timeout")
    with pytest.raises(Transient):
        observed(platform)


@pytest.mark.parametrize("there", ["fly", ""])
def test_the_program(platform: Fly, there: str) -> None:
    """It is `flyctl`, else `fly`, else said to be missing."""

    def only(argv: tuple[str, ...]) -> Completed | None:
        if argv[0] != there:
            raise FileNotFoundError(argv[0])
        return platform.answer(argv)

    site = replace(platform.site, process=ScriptedProcess(only))
    if there:
        assert () == anyio.run(lambda: deployer().preflight(site))
    else:
        with pytest.raises(PreflightError, match="there is no such program"):
            anyio.run(lambda: deployer().preflight(site))


def test_a_service_without_a_port() -> None:
    """Fly.io has no file for it, so the config is wrong."""
    with pytest.raises(ConfigError, match=r"service\.shop\.port: Fly\.io has only services with one"):
        parse(HEAD + '[service.shop]\nimage = "shop"\n' + DEPLOY, "shipways.toml")
