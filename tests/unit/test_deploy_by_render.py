"""Deploying to Render: what its API is asked to do, over one in memory; Render itself is not asked here."""

from dataclasses import replace
from typing import Final

import anyio
import pytest
import yaml

from deploying import HEAD, MACHINE, SHOP, rendered
from shipways.config.load import parse
from shipways.deploy import onrender
from shipways.deploy.places.onrender import RenderDeployer, plan
from shipways.errors import ConfigError, DeployFailed, Moved
from shipways.model.deployment import Running
from shipways.model.outcome import Outcome
from shipways.outside.platforms import Hosted, Release, Site
from shipways.run.deploying import Crew, deploy, failure
from shipways.run.returning import rollbacks
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED_SITE
from shipways.testing.hosting import Hosting

OLD, NEW = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
IMAGE: Final = "ghcr.io/example/shop"
ID: Final = "srv-c0ffee"
DEPLOY: Final = f'\n[deploy.prod]\nkind = "render"\nwait = "60s"\nrender.services.shop = "{ID}"\n'
SERVICE: Final = Hosted(image=f"{IMAGE}:latest", suspended=False, url="https://shop.onrender.com", owner="tea-1")


@pytest.fixture
def render() -> Hosting:
    """A service that has never been deployed."""
    return Hosting({ID: SERVICE}, printed="no room left\n")


def deployer() -> RenderDeployer:
    """The one of the config."""
    (found,) = plan(parse(HEAD + SHOP + DEPLOY, "shipways.toml"), MACHINE)
    return found


def site(render: Hosting) -> Site:
    """What the deployer gets."""
    return replace(CLOSED_SITE, render=lambda: render)


def go(render: Hosting, want: str = NEW) -> Outcome:
    """Deploy by the core."""
    item = replace(deployer().items()[0], want=want)
    crew = Crew(site=site(render), console=RecordingConsole(), clock=ManualClock())
    return anyio.run(lambda: deploy(deployer(), (item,), crew))


def observed(render: Hosting) -> Running:
    """What is seen to run."""
    found = anyio.run(lambda: deployer().observe(site(render), deployer().items()))
    return found["deploy.prod/shop"]


def live(render: Hosting) -> list[str]:
    """The images that are live."""
    return [each.image for each in render.deploys[ID] if each.status == "live"]


def test_the_first_time_and_another_one(render: Hosting) -> None:
    """By digest; the same is left alone; what was live before is what is returned to, and back again."""
    assert failure(go(render, OLD)) is None
    count = len(render.deploys[ID])
    go(render, OLD)
    assert count == len(render.deploys[ID])
    outcome = go(render)
    assert (None, "https://shop.onrender.com") == (failure(outcome), outcome.rows[0].url)
    assert [f"{IMAGE}@{NEW}"] == live(render)
    for want in (OLD, NEW):
        item = deployer().items()[0]
        (back,) = rollbacks((item,), {item.id: observed(render)})
        assert want == back.want
        assert failure(go(render, back.want)) is None


def test_one_that_does_not_work(render: Hosting) -> None:
    """What was live never ended; the error has what was printed, and a failed one is nothing to return to."""
    go(render, f"sha256:{'2' * 64}")
    go(render, OLD)
    render.sick.add(f"{IMAGE}@{NEW}")
    error = failure(go(render))
    assert isinstance(error, DeployFailed)
    assert "is update_failed" in str(error)
    assert "no room left" in str(error)
    assert [f"{IMAGE}@{OLD}"] == live(render)
    assert (OLD, f"sha256:{'2' * 64}") == (observed(render).digest, observed(render).previous)


@pytest.mark.parametrize(
    ("status", "then", "count"), [("queued", "canceled", 2), ("update_in_progress", "deactivated", 3)]
)
def test_one_that_takes_too_long(render: Hosting, status: str, then: str, count: int) -> None:
    """A deploy under way is canceled, or it would be live later; one that could not be any more is replaced."""
    go(render, OLD)
    render.deploys[ID].insert(0, Release(id="dep-7", image=f"{IMAGE}@{NEW}", status=status))
    item, seen = replace(deployer().items()[0], want=OLD), Running(digest=NEW, stamp="dep-7")
    anyio.run(lambda: deployer().apply(site(render), item, seen, ""))
    assert failure(go(render, OLD)) is None
    assert [then] == [each.status for each in render.deploys[ID] if each.id == "dep-7"]
    assert (count, [f"{IMAGE}@{OLD}"]) == (len(render.deploys[ID]), live(render))


def test_a_first_one_that_is_taken_back(render: Hosting) -> None:
    """It is suspended: nothing runs, and what it ran is what ran before."""
    go(render)
    anyio.run(lambda: deployer().withdraw(site(render), deployer().items()[0]))
    assert ("", NEW) == (observed(render).digest, observed(render).previous)


def test_a_first_one_under_way_is_taken_back(render: Hosting) -> None:
    """It is canceled, and the service is as it was."""
    anyio.run(lambda: render.release(ID, f"{IMAGE}@{NEW}"))
    anyio.run(lambda: deployer().withdraw(site(render), deployer().items()[0]))
    assert (Running(stamp="dep-0", url=SERVICE.url), False) == (observed(render), render.services[ID].suspended)


def test_somebody_else_deploys(render: Hosting) -> None:
    """A deploy since it was looked at is not canceled."""
    go(render, OLD)
    seen, item = observed(render), replace(deployer().items()[0], want=NEW)
    anyio.run(lambda: render.release(ID, f"{IMAGE}:theirs"))
    with pytest.raises(Moved):
        anyio.run(lambda: deployer().apply(site(render), item, seen, OLD))
    assert "canceled" != render.deploys[ID][0].status


@pytest.mark.parametrize(
    ("deploys", "why", "lost"),
    [
        ([], "it has never been deployed", True),
        ([("live", NEW)], "", False),
        ([("pre_deploy_in_progress", NEW), ("live", OLD)], "deploy dep-0 is pre_deploy_in_progress", False),
        ([("build_failed", NEW), ("live", OLD)], "deploy dep-0 is build_failed", True),
        ([("canceled", NEW)], "deploy dep-0 is canceled", True),
        ([("update_failed", OLD), ("live", NEW)], "", False),
        ([("update_failed", NEW), ("live", NEW)], "", False),
        ([("live", OLD), ("deactivated", NEW)], f"{OLD} is live", True),
        ([("deactivated", NEW)], "deploy dep-0 is deactivated", True),
    ],
)
def test_health(render: Hosting, deploys: list[tuple[str, str]], why: str, lost: bool) -> None:
    """The newest that may be live counts; one of another image that failed does not."""
    render.deploys[ID] = [
        Release(id=f"dep-{at}", image=f"{IMAGE}@{digest}", status=status) for at, (status, digest) in enumerate(deploys)
    ]
    item = replace(deployer().items()[0], want=NEW)
    found = anyio.run(lambda: deployer().probe(site(render), item))
    assert (why, lost, not why) == (found.why, found.lost, found.healthy)


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (SERVICE, None),
        (replace(SERVICE, image=f"{IMAGE}@{OLD}"), None),
        (None, f"there is no {ID} at Render"),
        (replace(SERVICE, suspended=True), "is suspended"),
        (replace(SERVICE, image=""), "runs what Render builds itself, not an image"),
        (replace(SERVICE, image="localhost:5000/shop"), f"does not take {IMAGE}"),
    ],
)
def test_preflight(render: Hosting, made: Hosted | None, what: str | None) -> None:
    """What Render would refuse is known before anything is touched."""
    render.services = {ID: made} if made else {}
    found = anyio.run(lambda: deployer().preflight(site(render)))
    assert [what] * bool(what) == [each.what for each in found]


def test_config() -> None:
    """Each service has an id, and the Blueprint takes images where they are deployed."""
    with pytest.raises(ConfigError, match=r"deploy\.prod\.render\.services\.shop: is not said"):
        parse(HEAD + SHOP + '[deploy.prod]\nkind = "render"\n', "shipways.toml")
    with pytest.raises(ConfigError, match="this one is of the kind compose"):
        parse(HEAD + SHOP + DEPLOY.replace('"render"', '"compose"'), "shipways.toml")
    (service,) = yaml.safe_load(rendered(onrender, SHOP + DEPLOY)["deployment/render/render.yaml"])["services"]
    assert ("image", {"url": f"{IMAGE}:latest"}) == (service["runtime"], service["image"])
