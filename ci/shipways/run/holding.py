"""Holds of deployments: nothing is deployed to what somebody holds as it is, with a reason, until it is taken back."""

import functools
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from shipways.deploy import holds
from shipways.deploy.holds import encoded, told
from shipways.errors import Held, PreflightError, Problem, ShipwaysError, Unfinished
from shipways.model.job import Hold
from shipways.outside.hosts import Address, Host
from shipways.outside.platforms import Deployer, Site
from shipways.tasks import together

_Act: TypeAlias = Callable[[Host, str, Sequence[str]], Coroutine[Any, Any, Sequence[Hold]]]
"""With a host, the root of its services and their names: the holds that it is about."""


@runtime_checkable
class OnHosts(Protocol):
    """A deployer whose services lie on hosts, below a root: a hold lies there too, and everybody sees it."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The hosts."""
        ...

    @property
    def root(self) -> str:
        """Where services lie."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Of the hosts that answered their names, and the holds that were there; of each other one the error."""

    hosts: tuple[str, ...] = ()
    holds: tuple[Hold, ...] = ()
    errors: tuple[ShipwaysError, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why those that did not answer did not."""
        return tuple(problem for error in self.errors for problem in error.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """The holds of one deployment. Those of what does not lie on hosts are in `folder`, and known only there.

    All hosts are asked or told at once, also where some do not answer. In what is answered `service` is HOST/SERVICE
    on hosts, else the name of the deployment.
    """

    deployer: Deployer
    site: Site
    folder: Path

    async def found(self) -> Answers:
        """Each that there is."""
        if isinstance(self.deployer, OnHosts):
            return await self._everywhere(self.deployer, self._there)
        kept = self.site.files.exists(self._file)
        return Answers(holds=(told(self._name, self.site.files.read(self._file)),) if kept else ())

    async def refuse(self) -> None:
        """Raises Held with each that there is; Transient, PreflightError, Unfinished of a host that did not say."""
        answers = await self.found()
        if answers.holds:
            hint = f"`shipways hold {self._name} --release` takes it back"
            raise Held(*(refusal(each, hint) for each in answers.holds))
        if answers.errors:
            raise answers.errors[0]

    async def put(self, *, reason: str, by: str, since: float) -> Answers:
        """Everywhere; another one replaces it."""
        hold = Hold(service=self._name, reason=reason, by=by, since=since)

        async def there(host: Host, root: str, services: Sequence[str]) -> Sequence[Hold]:
            made = [replace(hold, service=service) for service in services]
            for each in made:
                await holds.put(host, root, each)
            return made

        if isinstance(self.deployer, OnHosts):
            return await self._everywhere(self.deployer, there)
        with self.site.files.create(self._file) as stream:
            stream.write(encoded(hold))
        return Answers(holds=(hold,))

    async def release(self) -> Answers:
        """Everywhere. Those that were there until then."""

        async def there(host: Host, root: str, services: Sequence[str]) -> Sequence[Hold]:
            were = await self._there(host, root, services)
            for service in services:
                await holds.remove(host, root, service)
            return were

        if isinstance(self.deployer, OnHosts):
            return await self._everywhere(self.deployer, there)
        were = await self.found()
        self.site.files.remove(self._file)
        return were

    @property
    def _name(self) -> str:
        return self.deployer.name.removeprefix("deploy.")

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.deployer.name}.hold.json"

    async def _there(self, host: Host, root: str, services: Sequence[str]) -> Sequence[Hold]:
        found = await holds.holds(host, root)
        return [found[service] for service in services if service in found]

    async def _everywhere(self, deployer: OnHosts, act: _Act) -> Answers:
        done: dict[str, tuple[Hold, ...]] = {}
        errors: dict[str, ShipwaysError] = {}

        async def ask(address: Address, services: Sequence[str]) -> None:
            name = address.name
            try:
                found = await act(await self.site.hosts.reach(address), deployer.root, services)
                done[name] = tuple(replace(each, service=f"{name}/{each.service}") for each in found)
            except (Unfinished, PreflightError) as error:
                errors[name] = error

        await together(functools.partial(ask, *place) for place in self._places(deployer))
        hosts = [address.name for address in deployer.addresses]
        return Answers(
            hosts=tuple(name for name in hosts if name in done),
            holds=tuple(hold for name in hosts for hold in done.get(name, ())),
            errors=tuple(errors[name] for name in hosts if name in errors),
        )

    def _places(self, deployer: OnHosts) -> Iterator[tuple[Address, Sequence[str]]]:
        """Each host, and the services that are deployed to it."""
        names = dict.fromkeys(tuple(item.id.split("/")[1:3]) for item in self.deployer.items())
        for address in deployer.addresses:
            yield address, [service for host, service in names if host == address.name]


def refusal(hold: Hold, hint: str) -> Problem:
    """Why nothing is deployed."""
    return Problem(path=hold.service, what=f"is held by {hold.by}", why=hold.reason, hint=hint)
