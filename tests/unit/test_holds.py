"""Holds of API and command line: they are the same, on the hosts, and nothing is deployed against any."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest

from aftermath import HOSTS, checked, request
from moored import Ground, ashore
from shipways.adapters.files import DiskFiles
from shipways.adapters.sourcetrees import DiskTrees
from shipways.config.serve import Serve
from shipways.deploy.requested import TreeBringer
from shipways.errors import Held, Transient
from shipways.model.job import Hold, JobStatus, PhaseName, PhaseStatus
from shipways.run.holding import Holds
from shipways.run.jobs import Jobs
from shipways.testing.console import ManualClock
from shops import Shop, deployed, ended, left_at_verify

HOLD = Hold(service="pulse", reason="the audit", by="eve", since=17.5)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """Three hosts."""
    return ashore(tmp_path)


def bringer() -> TreeBringer:
    """Of the API, for the same hosts."""
    serve = Serve.model_validate({"sources": ("/srv",), "hosts": ("a", "b:2222", "c"), "ssh": {"tender": "tender"}})
    files, clock = DiskFiles(), ManualClock(7.0)
    return TreeBringer(serve=serve, trees=DiskTrees(), files=files, clock=clock, registrar=None, key=b"k")


def test_the_same_for_both(ground: Ground) -> None:
    """What the API holds the command line refuses, shows and takes back, and the other way round."""
    api, cli = bringer(), Holds(deployer=ground.deployer(), site=ground.site, folder=ground.folder)
    made = replace(HOLD, service="beat")
    for host in api.hosts:
        anyio.run(api.hold, ground.site, host, made)
    with pytest.raises(Held, match=r"a/beat: is held by eve[\s\S]*the audit"):
        anyio.run(cli.refuse)
    anyio.run(cli.release)
    assert {} == anyio.run(api.holds, ground.site, "a")
    anyio.run(partial(cli.put, reason="the moon", by="bob", since=18.25))
    found = [anyio.run(api.holds, ground.site, host) for host in api.hosts]
    assert [{"beat": Hold(service="beat", reason="the moon", by="bob", since=18.25)}] * 3 == found
    for host in api.hosts:
        anyio.run(api.release, ground.site, host, "beat")
    anyio.run(cli.refuse)


def test_of_what_runs_nowhere(ground: Ground) -> None:
    """Every hold of a host is found, also one whose file cannot be read, and the command line sees its own alone."""
    api, cli = bringer(), Holds(deployer=ground.deployer(), site=ground.site, folder=ground.folder)
    anyio.run(api.hold, ground.site, "a", replace(HOLD, service="atlas"))
    ground.host.files["/opt/shipways/boat/hold.json"] = b"{"
    assert [("atlas", "the audit"), ("boat", "its file cannot be read")] == [
        (name, hold.reason) for name, hold in anyio.run(api.holds, ground.site, "a").items()
    ]
    assert () == anyio.run(cli.found).holds


def test_refused_in_validation() -> None:
    """Somebody holds it from a command line while a job waits: the job fails in Validation, and says who and why."""
    shop = Shop()

    async def play(desk: Jobs) -> None:
        shop.bringer.open = anyio.Event()
        first, second = [await desk.submit(request(folder), by="ann") for folder in ("one", "two")]
        await anyio.wait_all_tasks_blocked()
        shop.bringer.held["host-2"] = {"pulse": HOLD}
        shop.bringer.open.set()
        assert JobStatus.COMPLETED is (await ended(desk, first)).status
        job = await ended(desk, second)
        assert (PhaseName.VALIDATION, PhaseStatus.FAILED) == (job.phases[0].name, job.phases[0].status)
        assert ("is held by eve" in job.error, "the audit" in job.error) == (True, True)
        for asked in (desk.submit(request("three"), by="ann"), desk.rollback(first.id, by="ann")):
            with pytest.raises(Held, match="the audit"):
                await asked
        assert [HOLD] == [*await desk.holds()]
        assert {"host-1": None, "host-2": HOLD} == {each.host: each.hold for each in await desk.placed()}
        assert await desk.release("pulse", by="bob")
        assert JobStatus.COMPLETED is (await deployed(desk, "three")).status

    shop.open(play)
    checked(shop.journal, shop.book, shop.platform, 3)


def test_a_host_is_silent() -> None:
    """F7: a request is taken, and its job waits until all hosts have said whether it is held; the others hold it."""
    shop = Shop()

    async def play(desk: Jobs) -> None:
        shop.bringer.silent = {"host-2"}
        with pytest.raises(Transient, match="host-2"):
            await desk.hold("pulse", reason="the audit", by="eve")
        assert [("pulse", "the audit", "eve")] == [(each.service, each.reason, each.by) for each in await desk.holds()]
        job = await ended(desk, await desk.submit(request("one"), by="ann"))
        assert (JobStatus.FAILED, "host-2: does not answer") == (job.status, job.error[:23])
        shop.bringer.silent.clear()
        with pytest.raises(Held, match="the audit"):
            await desk.submit(request("one"), by="ann")

    shop.open(play)


def test_what_was_begun_goes_on() -> None:
    """F1: a job that was begun before it was held is finished when our service is back: nothing stays half done."""
    shop = Shop()
    left_at_verify(shop)

    async def later(desk: Jobs) -> None:
        (job, *_) = await desk.jobs()
        assert JobStatus.COMPLETED is (await ended(desk, job)).status

    shop.platform.sick.clear()
    shop.bringer.held = {host: {"pulse": HOLD} for host in HOSTS}
    shop.open(later)
    checked(shop.journal, shop.book, shop.platform, 2)
