"""One service on one host: what is there of it, and how its items stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shipways.deploy.berths import Berth, Instance, instance_of, short
from shipways.deploy.fenced import Fenced, digests
from shipways.deploy.fronts import Front
from shipways.deploy.records import Record, record_of
from shipways.deploy.runners import Runner, runner
from shipways.deploy.sources import Source
from shipways.deploy.values import READ, told, written
from shipways.model.deployment import Running
from shipways.model.digest import digest_bytes
from shipways.outside.hosts import Host
from shipways.outside.platforms import Site

IMAGES: Final = 'cd -- "$1" 2>/dev/null && grep -lsE "\\"image\\": \\"[^\\"]" -- */release.json; true'
"""The releases that are images."""
ANEW: Final = "anew"
"""The stamp of one that runs and has to be started again."""


class Phase(StrEnum):
    """The items of a service on a host, each of which needs the one before."""

    TRANSFER = "transfer"
    BUILD = "build"
    START = "start"
    VERIFY = "verify"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen at once: what is remembered, and what is started, by ids: `there`."""

    want: str
    record: Record
    there: Mapping[str, str]

    @property
    def others(self) -> tuple[str, ...]:
        """The ids of what runs and is neither wanted nor remembered."""
        return tuple(each for each in self.there if each not in {short(self.want), short(self.record.running)})

    def up(self, digest: str) -> bool:
        """Whether it runs, or is about to."""
        return self.there.get(short(digest), "").startswith(("active", "activating", "reloading"))


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A look, and what takes longer to see. `whole` and `built` are the releases whose content is there.

    `right`: the wanted one runs from what it should; `led`: the public port leads to the one that is remembered.
    """

    look: Look
    whole: frozenset[str]
    built: frozenset[str]
    right: bool
    led: bool

    def running(self, phase: Phase) -> Running:
        """How an item stands. What ran before counts as long as it is still there, whole."""
        look, want, now = self.look, self.look.want, self.look.record.running
        previous = look.record.previous if look.record.previous in self.whole else ""
        if phase in {Phase.TRANSFER, Phase.BUILD}:
            if want in (self.whole if phase is Phase.TRANSFER else self.built):
                return Running(digest=want, previous=previous)
            mine = want == now
            return Running(digest=now if mine else "", previous=previous, torn=mine)
        if phase is Phase.START and short(want) in look.there:
            anew = not self.right or (want == now and want not in self.whole & self.built)
            torn = anew or bool(look.others) or not look.up(want) or (want == now and not self.led)
            return Running(digest=want, previous=previous, torn=torn, stamp=ANEW if anew else "")
        if phase is Phase.START:
            return Running(digest=now, previous=previous, torn=bool(now) and not look.up(now))
        torn = phase is Phase.SWITCH and bool(now) and not self.led
        return Running(digest=now, previous=previous, torn=torn, gap=look.record.gap)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mooring:
    """A service on a host, while a deployment works on it. `tender` is a path there."""

    site: Site
    host: Host
    tender: str
    berth: Berth
    source: Source
    front: Front

    @property
    def fenced(self) -> Fenced:
        """The host, for what changes something."""
        return Fenced(host=self.host, tender=self.tender, lock=self.berth.lock)

    async def look(self, want: str) -> Look:
        """Without a `want`: at what is remembered. Raises Transient, Unfinished."""
        record = await self.record()
        return Look(want=want or record.running, record=record, there=await self.there())

    async def view(self, want: str) -> View:
        """Without a `want`: of what is remembered. Raises Transient, Unfinished."""
        look = await self.look(want)
        want, record = look.want, look.record
        kept = dict.fromkeys(each for each in (want, record.running, record.previous) if each)
        found = {each: await self.instance(short(each)) for each in kept}
        whole = {each for each, instance in found.items() if await self._whole(each, instance)}
        built = {each for each in whole if await self._built(found[each])}
        return View(
            look=look,
            whole=frozenset(whole),
            built=frozenset(built),
            right=short(want) not in look.there or await self.right(found[want]),
            led=bool(record.running) and await self.led(found[record.running]),
        )

    async def record(self) -> Record:
        """What is remembered; nothing where that cannot be read."""
        return await record_of(self.host, self.berth)

    async def instance(self, id_: str) -> Instance:
        """A release by its id; one without anything where it is not there."""
        return await instance_of(self.host, self.berth, id_)

    async def there(self) -> Mapping[str, str]:
        """What is started of the service: the state of each by its id. Its method may be another than it was."""
        found = dict(await runner(docker=False).there(self.host, self.source.name))
        images = self.source.docker or (await self.host.run(("sh", "-c", IMAGES, "sh", self.berth.releases))).stdout
        return {**found, **await runner(docker=True).there(self.host, self.source.name)} if images else found

    async def state(self, instance: Instance) -> str:
        """That of one; empty where it is not there."""
        return (await self.runner(instance).there(self.host, self.source.name)).get(instance.id, "")

    def runner(self, instance: Instance) -> Runner:
        """What keeps it running; what is not known any more is of the method of now."""
        known = bool(instance.release.content)
        return runner(docker=bool(instance.release.image) if known else self.source.docker)

    async def beside(self, instance: Instance) -> Mapping[str, bytes]:
        """What lies in the folder of a release and is not part of what it is: texts by their paths below that.

        Variables that are not given here stay as they are, at first as those of what runs.
        """
        found = {f"files/{name}": self.site.files.read(path) for name, path in self.source.files(self.site).items()}
        if names := (*instance.release.variables, *instance.release.secrets):
            given = {name: value.open() for name, value in (await self.source.environment(self.site)).items()}
            values = {**(await self.values(instance.folder) or await self.values(self.berth.current)), **given}
            found["environment"] = written({name: values[name] for name in names if name in values})
            found |= {
                f"secrets/{name}": values.get(name, "").encode(errors="surrogateescape")
                for name in instance.release.secrets
            }
        return found

    async def values(self, folder: str) -> Mapping[str, str]:
        """Of the variables that lie in the folder of a release; nothing where there are none."""
        return told((await self.host.run((*READ, f"{folder}/environment"))).stdout)

    async def _whole(self, digest: str, instance: Instance) -> bool:
        return instance.release.digest == digest and await self.source.present(
            self.host, instance.release, instance.folder
        )

    async def _built(self, instance: Instance) -> bool:
        return not self.source.builds or await self.source.built(self.host, instance.release, instance.folder)

    async def right(self, instance: Instance) -> bool:
        """Whether it runs from what it should."""
        wanted = {
            f"{instance.folder}/{name}": digest_bytes(text) for name, text in (await self.beside(instance)).items()
        }
        there = await digests(self.host, tuple(wanted))
        return there == wanted and await self.runner(instance).right(self.host, instance)

    async def led(self, instance: Instance) -> bool:
        """Whether the link and the public port lead to it."""
        link = (await self.host.run(("readlink", "--", self.berth.current))).stdout.strip()
        if link != f"releases/{instance.id}":
            return False
        return not instance.release.listen or (await self.front.status(self.host)).get("backend") == instance.backend
