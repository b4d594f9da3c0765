"""The services of this machine, for deployers that bring programs to it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from shipways import wire
from shipways.errors import Problem
from shipways.model.daemon import Daemon, Scope, Text
from shipways.outside.platforms import Services
from shipways.verbs.machines import Asked, Found, found, profile_of


class MachineServices:
    """The `Services` port, over what keeps services here."""

    def __init__(self, found: Found) -> None:
        self._found = found

    def lacks(self) -> tuple[Problem, ...]:
        """Programs of units that are not those of the services themselves."""
        own = {Path(service.command[0]) for service in self._found.services}
        return tuple(
            problem
            for daemon in self._found.daemons
            for problem in self._found.keeper.absent(daemon)
            if Path(problem.path) not in own
        )

    def texts(self, service: str) -> Mapping[str, str]:
        """Units or property lists, and what goes with them."""
        return {each.path: each.text for each in self._daemon(service).texts}

    async def bring(self, service: str, texts: Mapping[str, str]) -> None:
        """What is not as it should be is written; one that ran before is started anew, once."""
        keeper, daemon = self._found.keeper, _with(self._daemon(service), texts)
        await keeper.carry_out(await keeper.installing(daemon, force=False, anew=True))

    async def standing(self, service: str) -> str:
        """In the words of its manager."""
        state = await self._found.keeper.state(self._daemon(service))
        return "" if state.active else state.words

    async def end(self, service: str) -> None:
        """Its data stay."""
        keeper = self._found.keeper
        await keeper.carry_out(await keeper.uninstalling(self._daemon(service), force=False))

    async def log(self, service: str) -> str:
        """As `service logs` shows it."""
        argv = self._found.manager.logs(self._daemon(service), 50, follow=False)
        return (await wire.process().run(argv)).stdout

    def _daemon(self, service: str) -> Daemon:
        return next(daemon for daemon in self._found.daemons if daemon.service == service)


def _with(daemon: Daemon, texts: Mapping[str, str]) -> Daemon:
    """A service with other files, and only those units beside it that it has then."""
    names = {Path(path).name for path in texts}
    units = (each for each in daemon.units if each in names or not each.endswith((".socket", ".timer")))
    return replace(daemon, units=tuple(units), texts=tuple(Text(path=path, text=text) for path, text in texts.items()))


def machine_services(scope: Scope) -> Services:
    """Raises ConfigError, or PreflightError where nobody keeps services."""
    asked = Asked(system=scope.system, programs=scope.programs, profile=profile_of(scope.profile))
    return MachineServices(found(asked, ()))
