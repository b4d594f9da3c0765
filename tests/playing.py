"""A cell of the fault matrix from its beginning to its end: a deployment with a fault, then once more without."""

import time
from collections.abc import Mapping
from typing import Any

from cells import Ground, answered, audited
from disturbing import BAD, INJECTED, cured, parted, sicken
from matrix import record
from served import LATE, SHOPS, Deployer, Shop
from sshhosts import link

_LISTEN = """
import socket, sys, time
taken = socket.create_server(("0.0.0.0", int(sys.argv[1])))
time.sleep(600)
"""


_REMOVE = """
cd /opt/services/$1/releases
for each in *; do
  [ "releases/$each" = "$(readlink ../current)" ] || { rm -rf "$each"; docker image rm "$1:$each" 2>/dev/null; }
done
true
"""
_TRUE = (
    ("F12 listens after 25 s of 30 s", "Verify Health", "after 25", "completed", 0),
    ("F12 listens after 35 s of 30 s", "Verify Health", "after 35", "failed", 0),
    ("F7 link cut for 60 s", "Build", "builds", "completed", 60),
    ("F13 a build without end, 10 min", "Build", "hangs in its build", "failed", 0),
)
"""What is played with true times: fault, phase, behaviour, how it ends, for how many seconds the link is cut."""


def played(ground: Ground, cell: tuple[str, str, str]) -> None:
    """One with a release that is not well, or one to which something is done."""
    begin = time.monotonic()
    ended = _bad(ground, cell) if cell[0] in BAD else _injected(ground, cell)
    record(cell, ended, time.monotonic() - begin)


def _bad(ground: Ground, cell: tuple[str, str, str]) -> str:
    """The next good release goes well."""
    bad, shop = BAD[cell[0]], SHOPS[cell[2]]
    by: Deployer = getattr(ground, bad.by)
    well = ground.three if bad.by == "three" else ground.true
    old = ground.stood(well, shop)
    if bad.by == "three":
        sicken(ground)
    source, new = ground.tree(by, bad.behaviour)
    job = by.ended(by.submit(source, shop))
    if bad.by == "three":
        cured(ground)
    assert "failed" == job["status"] or not bad.fails, job
    _whole(ground, by, shop, job, {"failed": old, "completed": new})
    source, version = ground.tree(well)
    _again(ground, well, shop, (source, version))
    return str(job["status"])


def _injected(ground: Ground, cell: tuple[str, str, str]) -> str:
    """The same once more goes well: it brings it then, or has nothing to do.

    Where something could not be taken back the old version serves, and the next one leaves nothing of it.
    """
    (fault, phase, method), by = cell, ground.true
    shop = SHOPS[method]
    old = ground.stood(by, shop)
    source, new = ground.tree(by, "builds" if phase == "Build" else "well")
    id = by.submit(source, shop)  # noqa: A001 - the word of the API
    met = by.reached(id, phase)
    try:
        INJECTED[fault].act(ground, id)
        job = by.ended(id)
        met = met and not (INJECTED[fault].lurks and ground.victim.run("test", "-e", "/run/met").code)
    finally:
        cured(ground)
    if INJECTED[fault].keeps and "could not be taken back" in str(job["error"]):
        audited(by, job)
        assert [old] * 2 == [answered(host, shop)["version"] for host in by.hosts], job
        source, new = ground.tree(by)
    else:
        _whole(ground, by, shop, job, {"failed": old, "completed": new})
    _again(ground, by, shop, (source, new))
    return str(job["status"]) if met else f"missed, {job['status']}"


def stolen(ground: Ground, method: str) -> None:
    """F14: somebody takes the public port of a service that is new, after it was seen to be free."""
    begin, by, shop = time.monotonic(), ground.true, LATE[method]
    source, version = ground.tree(by)
    id = by.submit(source, shop)  # noqa: A001 - the word of the API
    met = by.reached(id, "Transfer")
    ground.victim.out("systemd-run", "--quiet", "--collect", "--unit=fault", "python3", "-c", _LISTEN, str(shop.port))
    job = by.ended(id)
    cured(ground)
    assert "failed" == job["status"], job
    audited(by, job)
    ground.nothing(by, shop)
    _again(ground, by, shop, (source, version))
    ended = "failed" if met else "missed, failed"
    record(("F14 port stolen", "Transfer", method), ended, time.monotonic() - begin)


def severed(ground: Ground, method: str, phase: str) -> None:
    """F7: a host is gone for good: the other one returns, and the next deployment finds both as it has to."""
    begin, by, shop = time.monotonic(), ground.true, SHOPS[method]
    old = ground.stood(by, shop)
    source, version = ground.tree(by)
    id = by.submit(source, shop)  # noqa: A001 - the word of the API
    met = by.reached(id, phase)
    link(ground.victim, "down")
    job = by.ended(id)
    assert "failed" == job["status"], job
    audited(by, job)
    assert old == answered(by.hosts[0], shop)["version"], job
    cured(ground)
    record(("F7 link cut for good", phase, method), "failed" if met else "missed, failed", time.monotonic() - begin)
    _again(ground, by, shop, (source, version))


def returned(ground: Ground, method: str) -> None:
    """F28: back, and back from that; F27: not to what somebody has removed by hand, and what runs runs on."""
    begin, by, shop = time.monotonic(), ground.true, SHOPS[method]
    old = ground.stood(by, shop)
    source, new = ground.tree(by)
    job = by.ended(by.submit(source, shop))
    for version in (new, old, new):
        assert "completed" == job["status"], job
        _whole(ground, by, shop, job, {"completed": version})
        answer = by.client.post(f"/deploy/{job['deploy_job_id']}/rollback", timeout=120)
        assert 200 == answer.status_code, answer.text
        job = by.ended(answer.json()["deploy_job_id"])
    record(("F28 rollback of a rollback", "", method), "completed", time.monotonic() - begin)
    begin = time.monotonic()
    ground.victim.out("sh", "-c", _REMOVE, "sh", shop.name)
    refused = by.client.post(f"/deploy/{job['deploy_job_id']}/rollback")
    assert 409 == refused.status_code, refused.text
    record(("F27 what ran before was removed", "", method), "refused", time.monotonic() - begin)
    ground.served(by, shop, old)
    _again(ground, by, shop, ground.tree(by))


def waited(ground: Ground) -> None:
    """Each time of the specification once as it is, on a host of its own: it takes a quarter of an hour."""
    by, shop, old = ground.last, SHOPS["docker"], ""
    for fault, phase, behaviour, ends, cut in _TRUE:
        begin = time.monotonic()
        source, new = ground.tree(by, behaviour)
        id = by.submit(source, shop)  # noqa: A001 - the word of the API
        by.reached(id, phase)
        if cut:
            parted(ground.hosts[3][1], cut)
        job = by.ended(id, 1200)
        assert ends == job["status"], job
        _whole(ground, by, shop, job, {"failed": old, "completed": new})
        record((fault, phase, shop.method), ends, time.monotonic() - begin)
        old = new if ends == "completed" else old


def _whole(ground: Ground, by: Deployer, shop: Shop, job: Mapping[str, Any], version: Mapping[str, str]) -> None:
    """What serves is what the job says, and the trail says the same."""
    try:
        audited(by, job)
        ground.served(by, shop, version[str(job["status"])])
    except AssertionError as error:
        raise AssertionError(f"{error}\n{job}") from error


def _again(ground: Ground, by: Deployer, shop: Shop, tree: tuple[Any, str]) -> None:
    """What serves in the end is what the next cell begins with."""
    source, version = tree
    job = by.ended(by.submit(source, shop))
    assert "completed" == job["status"], job
    audited(by, job)
    ground.served(by, shop, version)
    ground.stays(by, shop, version)
