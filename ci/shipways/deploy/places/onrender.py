"""Render: services that run an image, by its API."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shipways.config.schema import Config
from shipways.deploy.wanted import chosen, images, items, reference, service_of, terms, version
from shipways.errors import Moved, Problem
from shipways.model.daemon import Machine
from shipways.model.deployment import Pulse, Running, Terms
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.service import CONTAINER, Service
from shipways.outside.platforms import Hosted, Release, Site

_LIVE: Final = "live"
_REPLACED: Final = "deactivated"
"""It was live, until another one was."""
_FAILED: Final = frozenset({"build_failed", "update_failed", "pre_deploy_failed", "canceled"})
"""What ended without ever being live; whatever else there is, is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderDeployer:
    """Deploys of images. Render asks for health itself, and lets what ran run on until the new one is live.

    What ran before is what Render remembers: the last image but this one that was live. `ids` are those of services.
    """

    name: str
    ids: Mapping[str, str]
    services: tuple[Service, ...]
    terms: Terms

    def items(self) -> tuple[Item, ...]:
        """A service each."""
        return items(self.name, self.services)

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The image of each service."""
        return images(self.name, self.services, manifest)

    async def preflight(self, site: Site) -> tuple[Problem, ...]:
        """Each service is there, runs, and takes this image: Render refuses one of another repository."""
        found = [(each, await site.render().service(self.ids[each.name])) for each in self.services]
        return tuple(problem for service, hosted in found for problem in self._problems(service, hosted))

    async def observe(self, site: Site, items: Sequence[Item]) -> Mapping[str, Running]:
        """What is live, or will be when the deploy that is under way has come to its end."""
        found = {}
        for item in items:
            service = service_of(item, self.services)
            hosted = await site.render().service(self.ids[service.name])
            releases = await site.render().releases(self.ids[service.name])
            found[item.id] = _running(service, hosted, releases)
        return found

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """End what is under way, and begin a deploy if what is live is not what should be."""
        del previous  # Render remembers it
        service, api = service_of(item, self.services), site.render()
        name, image = self.ids[service.name], reference(service, item.want)
        releases = await api.releases(name)
        if _stamp(releases) != seen.stamp:
            raise Moved(Problem(path=item.id, what="somebody else has deployed since it was looked at"))
        for each in filter(_under_way, releases):
            await api.cancel(name, each.id)
        current = _current(await api.releases(name))  # one that was as good as live is live now
        if current is None or (current.image, current.status) != (image, _LIVE):
            await api.release(name, image)
        return seen.url

    async def probe(self, site: Site, item: Item) -> Pulse:
        """What is live, or is becoming it, is of this image; else why the newest deploy of it is not."""
        service = service_of(item, self.services)
        releases = await site.render().releases(self.ids[service.name])
        image, current = reference(service, item.want), _current(releases)
        if current and (current.image, current.status) == (image, _LIVE):
            return Pulse(healthy=True)
        newest = next((each for each in releases if each.image == image or each.status not in _FAILED), None)
        if newest is None:
            return Pulse(healthy=False, why="it has never been deployed", lost=True)
        if newest.image != image:
            return Pulse(healthy=False, why=f"{version(service, newest.image)} is {newest.status}", lost=True)
        return Pulse(healthy=False, why=f"deploy {newest.id} is {newest.status}", lost=not _under_way(newest))

    async def withdraw(self, site: Site, item: Item) -> None:
        """End what is under way, and suspend the service: somebody has to resume it where Render shows it."""
        name = self.ids[service_of(item, self.services).name]
        releases = await site.render().releases(name)
        for each in filter(_under_way, releases):
            await site.render().cancel(name, each.id)
        if _current(await site.render().releases(name)):
            await site.render().suspend(name)

    async def logs(self, site: Site, item: Item) -> str:
        """What Render keeps of all instances."""
        name = self.ids[service_of(item, self.services).name]
        hosted = await site.render().service(name)
        return await site.render().logs(name, hosted.owner) if hosted else ""

    def _problems(self, service: Service, hosted: Hosted | None) -> Iterator[Problem]:
        path = f"{self.name}.render.services.{service.name}"
        if hosted is None:
            yield Problem(path=path, what=f"there is no {self.ids[service.name]} at Render")
            return
        if hosted.suspended:
            yield Problem(path=path, what="is suspended", hint="resume it where Render shows it")
        if not hosted.image:
            hint = "make it again from an image, as the rendered Blueprint says it"
            yield Problem(path=path, what="runs what Render builds itself, not an image", hint=hint)
        elif _repository(hosted.image) != service.repository:
            why = f"the service is made from {hosted.image}, and Render keeps to its repository"
            yield Problem(path=path, what=f"does not take {service.repository}", why=why)


def _running(service: Service, hosted: Hosted | None, releases: Sequence[Release]) -> Running:
    """A service that is suspended runs nothing, and what it ran is what ran before."""
    stamp, url = _stamp(releases), hosted.url if hosted else ""
    current = _current(releases)
    if current is None:
        return Running(stamp=stamp, url=url)
    if hosted is None or hosted.suspended:
        return Running(previous=version(service, current.image), stamp=stamp)
    older = (each for each in releases if each.status in {_LIVE, _REPLACED} and each.image != current.image)
    previous = next(older, None)
    return Running(
        digest=version(service, current.image),
        previous=version(service, previous.image) if previous else "",
        stamp=stamp,
        url=url,
    )


def _current(releases: Sequence[Release]) -> Release | None:
    """What is live, or will be."""
    return next((each for each in releases if each.status == _LIVE or _under_way(each)), None)


def _under_way(release: Release) -> bool:
    return release.status not in _FAILED | {_LIVE, _REPLACED}


def _stamp(releases: Sequence[Release]) -> str:
    return releases[0].id if releases else ""


def _repository(image: str) -> str:
    """An image without its tag and digest; a port of the host is no tag."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def plan(config: Config, machine: Machine) -> Iterator[RenderDeployer]:  # noqa: ARG001 - the shape of every place
    """The deployments of this kind."""
    for name, table in config.deploy.items():
        if table.kind == "render":
            yield RenderDeployer(
                name=f"deploy.{name}",
                ids=table.render.services,
                services=chosen(config, name, CONTAINER),
                terms=terms(table, 5.0),
            )
