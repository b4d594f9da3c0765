"""What is done on a host for each item of a service, and what is taken back."""

import datetime
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

import anyio

from shipways.deploy.berths import Instance, free, short
from shipways.deploy.fenced import digests, must
from shipways.deploy.hostchecks import listening
from shipways.deploy.mooring import ANEW, Look, Mooring
from shipways.deploy.pulses import refused
from shipways.deploy.records import Record
from shipways.errors import Problem, Transient, Unfinished
from shipways.model.deployment import Running
from shipways.model.digest import digest_bytes
from shipways.model.item import Item

_PORTS: Final = "cat -- */releases/*/port 2>/dev/null || true"


async def transfer(mooring: Mooring, item: Item) -> None:
    """Bring the content, then what says that it is whole. Nothing is left of what cannot be brought."""
    instance = await mooring.instance(short(item.want))
    if instance.release.digest != item.want:
        instance = replace(instance, release=await mooring.source.release(mooring.site, item))
    if instance.release.digest != item.want:
        why = "it is not on the host any more, and what is here is another"
        raise Unfinished(Problem(path=item.id, what=f"{item.want} cannot be brought", why=why))
    await must(mooring.fenced, "mkdir", "-p", "--", instance.folder)
    if not instance.release.image:
        await must(mooring.fenced, "ln", "-fT", "--", mooring.tender, f"{instance.folder}/tender")
    try:
        await mooring.source.bring(mooring.site, mooring.host, item, instance.release, instance.folder)
    except (Unfinished, anyio.get_cancelled_exc_class()):
        with anyio.CancelScope(shield=True):
            await discard(mooring, item)
        raise
    await mooring.fenced.put(instance.release.encoded, f"{instance.folder}/release.json", mode=0o644)


async def build(mooring: Mooring, item: Item) -> None:
    """Build what is started."""
    instance = await mooring.instance(short(item.want))
    await must(mooring.fenced, "true")
    await mooring.source.build(mooring.site, mooring.host, item, instance.release, instance.folder)


async def unbuild(mooring: Mooring, item: Item) -> None:
    """Remove what was built, but never of a release that runs, ran before or is pinned."""
    if instance := await _unneeded(mooring, item):
        await mooring.source.discard(mooring.fenced, instance.release, instance.folder)


async def discard(mooring: Mooring, item: Item) -> None:
    """Remove a release, but never one that runs, ran before or is pinned."""
    if instance := await _unneeded(mooring, item):
        await mooring.source.discard(mooring.fenced, instance.release, instance.folder)
        if (await mooring.host.run(("test", "-d", instance.folder))).code:
            return  # it was refused before anything of it was written
        await must(mooring.fenced, "rm", "-rf", "--", instance.folder)
        folder = mooring.berth.releases
        await must(mooring.fenced, "rmdir", "--ignore-fail-on-non-empty", "--", folder, fine=frozenset({0, 1}))


async def start(mooring: Mooring, item: Item, seen: Running) -> None:
    """Let it run beside the one that serves, or after that where it has to be alone; anything else is ended.

    Where the one that serves is started anew, what comes waits until it answers. Raises Transient while it does not.
    """
    look, instance = await mooring.look(item.want), await _whole(mooring, item)
    serves = item.want == look.record.running
    others = tuple(each for each in look.there if each != instance.id) if instance.release.alone else look.others
    told = seen.digest == item.want and seen.stamp == ANEW
    anew = serves and look.up(item.want) and (told or not await mooring.right(instance))
    if instance.release.listen and (anew or (instance.release.alone and others)):
        await mooring.front.pause(mooring.fenced, mooring.site.clock)
    try:
        await _ended(mooring, look, others)
    except Transient:  # what is remembered does not answer, so what serves does until the switch
        if instance.release.alone:
            raise
    try:
        await _started(mooring, look, instance, written=not serves or seen.digest == item.want, seen=seen)
    except Unfinished:
        if not serves:
            await mooring.runner(instance).stop(mooring.fenced, instance)
        raise
    if serves and instance.release.listen:
        instance = await mooring.instance(instance.id)
        if anew or not await mooring.led(instance):
            await _led(mooring, instance)


async def switch(mooring: Mooring, item: Item, previous: str) -> None:
    """Lead the public port there, remember it, and end what ran. Raises Transient while it does not answer."""
    look, instance, fenced = await mooring.look(item.want), await _whole(mooring, item), mooring.fenced
    if not look.up(item.want):
        if instance.release.alone:
            await _ended(mooring, look, tuple(look.there))
        await _started(mooring, look, instance, written=False, seen=Running())
        instance = await mooring.instance(instance.id)
    since, gap = mooring.site.clock.now(), 0.0
    await mooring.runner(instance).keep(fenced, instance)  # before the port, which leads there after a reboot, too
    if instance.release.listen:
        paused = await mooring.front.stand(fenced, instance.release)
        await _led(mooring, instance)
        gap = await _gap(mooring, paused) if look.record.running else 0.0
    before = look.record.previous if previous == item.want else previous
    await must(fenced, mooring.tender, "swap", mooring.berth.current, f"releases/{instance.id}")
    record = Record(running=item.want, previous=before, since=since, gap=gap)
    if (item.want, before) != (look.record.running, look.record.previous):  # a full disk must not be in the way back
        await fenced.put(record.encoded, mooring.berth.state, mode=0o644)
    others = tuple(each for each in look.there if each != instance.id)
    await _ended(mooring, replace(look, record=record, there={**look.there, instance.id: "active"}), others)


async def unstart(mooring: Mooring, item: Item) -> None:
    """End it; where nothing runs that is remembered, nothing is left."""
    look, instance = await mooring.look(item.want), await mooring.instance(short(item.want))
    await _ended(mooring, look, tuple(each for each in look.there if each != short(look.record.running)))
    if not look.record.running:
        await mooring.runner(instance).forget(mooring.fenced, instance)


async def unswitch(mooring: Mooring) -> None:
    """Close the public port, and forget what it led to."""
    await mooring.front.end(mooring.fenced)
    await must(mooring.fenced, "rm", "-f", "--", mooring.berth.current, mooring.berth.state)


async def _unneeded(mooring: Mooring, item: Item) -> Instance | None:
    """The wanted release; None for one that runs, ran before or is pinned."""
    record = await mooring.record()
    if item.want in {record.running, record.previous}:
        return None
    instance = await mooring.instance(short(item.want))
    pinned = not (await mooring.host.run(("test", "-e", f"{instance.folder}/pinned"))).code
    return None if pinned else instance


async def _led(mooring: Mooring, instance: Instance) -> None:
    """Lead the public port to one that is healthy: an engine accepts connections before its container does."""
    if why := await refused(mooring, instance, instance.backend):
        hint = "look at its log"
        raise Transient(Problem(path=instance.name, what="does not answer yet", why=why, hint=hint))
    await mooring.front.lead(mooring.fenced, instance)


async def _whole(mooring: Mooring, item: Item) -> Instance:
    instance = await mooring.instance(short(item.want))
    if instance.release.digest != item.want:
        raise Unfinished(Problem(path=item.id, what=f"{item.want} is not there", why="somebody has removed it"))
    return instance


async def _started(mooring: Mooring, look: Look, instance: Instance, *, written: bool, seen: Running) -> None:
    """With a port of its own, and, where they are to be `written`, with the variables and files of now."""
    up = look.up(look.want)
    if not up:
        instance = await _ported(mooring, instance)
    beside = await mooring.beside(instance)
    there = await digests(mooring.host, [f"{instance.folder}/{name}" for name in beside])
    changed = [
        name
        for name, text in beside.items()
        if (path := f"{instance.folder}/{name}") not in there or (written and there[path] != digest_bytes(text))
    ]
    if instance.release.secrets:
        await must(mooring.fenced, "install", "-d", "-m", "0700", f"{instance.folder}/secrets")
    for name in changed:
        mode = 0o600 if name == "environment" else 0o644
        await mooring.fenced.put(beside[name], f"{instance.folder}/{name}", mode=mode)
    anew = up and (bool(changed) or (seen.digest == look.want and seen.stamp == ANEW))
    await mooring.runner(instance).start(mooring.fenced, instance, anew=anew)


async def _ported(mooring: Mooring, instance: Instance) -> Instance:
    """With a port that nobody has: not another release, and not what listens.

    Another service that is deployed at the same time may take the same one: so it is looked once more when it is
    written.
    """
    while instance.port in (taken := await _taken(mooring, instance)):
        instance = replace(instance, port=free(instance.id, taken))
        await mooring.fenced.put(f"{instance.port}\n".encode(), f"{instance.folder}/port", mode=0o644)
    return instance


async def _taken(mooring: Mooring, instance: Instance) -> frozenset[int]:
    """The ports of other releases, those that something listens on, and none."""
    found = await mooring.host.run(("sh", "-c", f'cd -- "$1" && {_PORTS}', "sh", mooring.berth.root))
    others = [int(word) for word in found.stdout.split() if word.isdecimal()]
    if instance.port in others:
        others.remove(instance.port)
    return frozenset(others) | await listening(mooring.host) | {0}


async def _ended(mooring: Mooring, look: Look, ids: Collection[str]) -> None:
    """End releases, once nothing is under way at them any more."""
    if not ids:
        return
    if short(look.record.running) not in ids and look.up(look.record.running):  # else nothing leads there
        await _left(mooring, await mooring.instance(short(look.record.running)), ids)
    for each in ids:
        instance = await mooring.instance(each)
        await mooring.runner(instance).stop(mooring.fenced, instance)


async def _left(mooring: Mooring, running: Instance, ids: Collection[str]) -> None:
    """Let what goes to any of these go to the one that is remembered: a run that was killed has led it there."""
    if not running.release.listen:
        return
    backend = (await mooring.front.status(mooring.host)).get("backend")
    if backend in {(await mooring.instance(each)).backend for each in ids}:
        await _led(mooring, running)
    await mooring.front.drained(mooring.host, mooring.site.clock)


async def _gap(mooring: Mooring, before: Mapping[str, Any]) -> float:
    """For how many seconds everything has waited; 0 where the port was not paused."""
    if not before or before["backend"] or not before["since"]:
        return 0.0
    after = await mooring.front.status(mooring.fenced)
    begin, end = (datetime.datetime.fromisoformat(str(each["since"])) for each in (before, after))
    return round((end - begin).total_seconds(), 3)
