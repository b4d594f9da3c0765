"""What the verbs of services share: the services of the project, as this machine has them."""

import difflib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from shipways import wire
from shipways.config.services import PROFILES, Profile
from shipways.deploy import launchd, systemd
from shipways.deploy.managers import Launchd, Manager, Systemd
from shipways.deploy.services import services
from shipways.errors import ConfigError, Misconfigured, PreflightError, Problem
from shipways.model.daemon import Caller, Daemon, Machine, Text, place
from shipways.model.service import CONTAINER, Service
from shipways.run.environment import environment
from shipways.run.installing import Receipts
from shipways.run.servicing import Keeper
from shipways.settings import Settings, settings

_FILE: Final = ".env"
_PROFILE: Final = "ENV_PROFILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which services of the machine the command line is about."""

    system: bool
    programs: str
    profile: Profile


def where(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a verb the options that say which services of the machine it is about, as the argument `asked`."""

    @click.option("--system", is_flag=True, help="For the whole machine, as root; by default for you alone.")
    @click.option(
        "--programs", default="/usr/local/bin", metavar="DIR", help="Where the programs are.", show_default=True
    )
    @click.option("--profile", type=click.Choice(PROFILES), default="prod", help="Whose values of variables are used.")
    @functools.wraps(command)
    def with_asked(*, system: bool, programs: str, profile: Profile, **others: object) -> None:
        command(asked=Asked(system=system, programs=programs, profile=profile), **others)

    return with_asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The services, those that others need first, who keeps them, and the folder of what is remembered of them."""

    project: str
    services: tuple[Service, ...]
    daemons: tuple[Daemon, ...]
    manager: Manager
    keeper: Keeper
    state: Path


def found(asked: Asked, names: tuple[str, ...]) -> Found:
    """The services of these names, or all. Raises ConfigError, or PreflightError where nobody keeps services."""
    said, machine = settings(wire.here()), wire.machine()
    manager = _manager(machine, asked)
    problems = list(_problems(machine, asked, manager))
    if problems:
        raise PreflightError(*problems)
    known = services(said.config, place(machine, system=asked.system, programs=asked.programs), asked.profile)
    names = names or tuple(each.name for each in known)
    chosen = tuple(each for each in known if each.name in {_named(known, name).name for name in names})
    state = state_of(asked)
    return Found(
        project=said.config.project.name,
        services=chosen,
        daemons=tuple(_daemon(said, machine, each, asked) for each in chosen),
        manager=manager,
        keeper=Keeper(manager, wire.files(), wire.process(), wire.clock(), Receipts(wire.files(), state / "services")),
        state=state,
    )


def contained(asked: Asked, name: str) -> tuple[Service, Settings]:
    """A service as it is in its container, and what is said of the project. Raises ConfigError."""
    said = settings(wire.here())
    if not said.config.deployment.compose.file:
        raise ConfigError(Problem(path="deployment.compose.file", what="is empty: there is nothing by Compose"))
    return _named(services(said.config, CONTAINER, asked.profile), name), said


def state_of(asked: Asked) -> Path:
    """Where it is remembered what was installed, and where backups lie."""
    return Path(_state(wire.machine(), asked))


def runnable(
    name: str, profile: str | None, env_file: Path | None, *, system: bool, programs: str
) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """The command line and the environment of a service. Raises ConfigError and Misconfigured."""
    said = settings(wire.here())
    file = _variables(env_file or said.folder / _FILE, required=env_file is not None)
    chosen = profile_of(profile or file.get(_PROFILE) or "prod")
    there = place(wire.machine(), system=system, programs=programs)
    service = _named(services(said.config, there, chosen), name)
    env = environment(service, wire.environment(), file, wire.files())
    program = service.command[0]
    elsewhere = wire.shell().find(Path(program).name)
    if not wire.files().exists(Path(program)) and not elsewhere:
        hint = "put it there, or on PATH, or say with --programs where it is"
        raise Misconfigured(Problem(path=program, what="there is no such program", hint=hint))
    first = program if wire.files().exists(Path(program)) else str(elsewhere[0])
    return (first, *service.command[1:]), {**env, _PROFILE: chosen}


def _manager(machine: Machine, asked: Asked) -> Manager:
    if machine.system == "darwin":
        return Launchd(domain="system" if asked.system else f"gui/{machine.uid}")
    return Systemd(user=not asked.system)


def _problems(machine: Machine, asked: Asked, manager: Manager) -> Iterator[Problem]:
    if not wire.shell().find(manager.program):
        hint = "services run in containers too: see deployment.compose"
        yield Problem(path=manager.program, what="is not on PATH", why="it keeps the services", hint=hint)
    if asked.system and machine.uid != 0:
        yield Problem(path="--system", what="needs root", hint="sudo, or without --system for you alone")


def _daemon(said: Settings, machine: Machine, service: Service, asked: Asked) -> Daemon:
    home = "" if asked.system else machine.home
    if machine.system == "darwin":
        made = launchd.daemon(service, launchd.label_of(said.config, service), home)
    else:
        made = systemd.daemon(service, said.config.deployment.systemd.type, home, _caller(said, asked))
    return replace(made, texts=(*made.texts, *_sources(said.folder, service)))


def _caller(said: Settings, asked: Asked) -> Caller:
    """This shipways, and this project; by its name where it is nowhere, which systemd then says."""
    program = next(iter(wire.shell().find("shipways")), "shipways")
    return Caller(program=str(program), folder=str(said.folder), profile=asked.profile)


def _sources(root: Path, service: Service) -> Iterator[Text]:
    """Its config files, from the repository. Raises ConfigError for one that is not there."""
    files = wire.files()
    for kept in service.files:
        source = root / kept.source
        inside = files.list(source)
        if not inside and not source.is_file():
            raise ConfigError(
                Problem(path=f"service.{service.name}.files.{kept.name}", what=f"there is no {kept.source}")
            )
        for path in inside or (source,):
            to = Path(kept.path) / path.relative_to(source)
            yield Text(path=str(to), text=files.read(path).decode(errors="surrogateescape"))


def _state(machine: Machine, asked: Asked) -> str:
    if machine.system == "darwin":
        return f"{'' if asked.system else machine.home}/Library/Application Support/shipways"
    return "/var/lib/shipways" if asked.system else f"{machine.home}/.local/state/shipways"


def _named(known: tuple[Service, ...], name: str) -> Service:
    names = [each.name for each in known]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}"
        raise ConfigError(Problem(path=f"service.{name}", what="there is no such service", hint=hint))
    return known[names.index(name)]


def profile_of(text: str) -> Profile:
    """Raises Misconfigured for one that is none."""
    for profile in PROFILES:
        if text == profile:
            return profile
    hint = f"there are {', '.join(PROFILES)}"
    raise Misconfigured(Problem(path=_PROFILE, what=f"there is no profile {text!r}", hint=hint))


def _variables(path: Path, *, required: bool) -> Mapping[str, str]:
    """The variables of a file, as they stand there. Raises Misconfigured for one that cannot be read."""
    from dotenv import dotenv_values  # noqa: PLC0415 - only `service run` reads such files

    if not path.exists() and not required:
        return {}
    try:
        with path.open(encoding="utf-8") as stream:
            found = dotenv_values(stream=stream, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise Misconfigured(Problem(path=str(path), what="cannot be read", why=why)) from None
    return {name: value for name, value in found.items() if value is not None}
