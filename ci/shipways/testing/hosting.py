"""Render in memory: deploys come to their end as they are asked for, and one after the other is live."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shipways.errors import Problem, Unfinished
from shipways.outside.platforms import Hosted, Release

_STEPS: Final = ("queued", "build_in_progress", "update_in_progress", "live")


@dataclass(slots=True)
class Hosting:
    """The `RenderApi` port over services by their ids. Deploys of an image that is `sick` fail in the end."""

    services: dict[str, Hosted]
    deploys: dict[str, list[Release]] = field(default_factory=dict)
    sick: set[str] = field(default_factory=set)
    printed: str = ""

    async def service(self, service: str) -> Hosted | None:
        """What it is."""
        return self.services.get(service)

    async def releases(self, service: str) -> Sequence[Release]:
        """As they are; each that is under way is one step further afterwards."""
        found = tuple(self.deploys.get(service, ()))
        for each in found:
            if each.status in _STEPS[:-1]:
                self._step(service, each)
        return found

    async def release(self, service: str, image: str) -> None:
        """Another one, which is the newest."""
        if self.services[service].suspended:
            raise Unfinished(Problem(path=service, what="is suspended"))
        made = self.deploys.setdefault(service, [])
        made.insert(0, Release(id=f"dep-{len(made)}", image=image, status=_STEPS[0]))

    async def cancel(self, service: str, release: str) -> None:
        """If it is under way."""
        for each in self.deploys[service]:
            if each.id == release and each.status in _STEPS[:-1]:
                self._put(service, each, "canceled")

    async def suspend(self, service: str) -> None:
        """From now on."""
        self.services[service] = replace(self.services[service], suspended=True)

    async def logs(self, service: str, owner: str) -> str:
        """The same for all of them."""
        del service, owner
        return self.printed

    def _step(self, service: str, release: Release) -> None:
        status = _STEPS[_STEPS.index(release.status) + 1]
        if status == "live" and release.image in self.sick:
            status = "update_failed"
        if status == "live":
            for each in tuple(self.deploys[service]):
                if each.status == "live":
                    self._put(service, each, "deactivated")
        self._put(service, release, status)

    def _put(self, service: str, release: Release, status: str) -> None:
        all_of_them = self.deploys[service]
        all_of_them[all_of_them.index(release)] = replace(release, status=status)
