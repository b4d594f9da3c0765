"""Builds the real world. Late imports are here, so that a verb pays only for what it uses."""

import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from shipways.adapters.files import DiskFiles
from shipways.adapters.process import OsProcess
from shipways.adapters.shell import OsClock, OsShell
from shipways.adapters.store import DiskStore
from shipways.config.engines import chosen_mirror
from shipways.config.schema import Config
from shipways.facts import Asked, gather, read_dockerfiles
from shipways.gitfacts import Repository, open_repository, read_git
from shipways.late import LateImages, LateInspector
from shipways.model.facts import Facts, Rust
from shipways.model.lock import Lock
from shipways.outside.upstream import Images, Index
from shipways.ports import Clock, Console, Engine, Process, Shell, Sources, World
from shipways.settings import settings

if TYPE_CHECKING:
    from shipways.drafts import Tree
    from shipways.model.daemon import Machine
    from shipways.news import History
    from shipways.run.trials import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every verb that reads the config has at hand."""

    config: Config
    lock: Lock
    facts: Facts
    repository: Repository
    sources: Sources
    store: DiskStore
    files: DiskFiles
    cache: Path
    engine: Engine
    engine_reason: str
    """Why it is this one; empty when somebody asked for it by name."""


def console(log: str, *, result: bool = False) -> Console:
    """The console that `--log` names, and the step summary of GitHub Actions. A `result` goes to standard output."""
    shown, summary = _console(log, sys.stdout if result else sys.stderr), OsShell().env().get("GITHUB_STEP_SUMMARY")
    if not summary:
        return shown
    from shipways.adapters.summary import SummaryConsole

    return SummaryConsole(shown, Path(summary))


def _console(log: str, stream: TextIO) -> Console:
    """`auto` is live on a terminal and plain elsewhere."""
    if log == "json":
        from shipways.adapters.console import JsonConsole

        return JsonConsole(sys.stdout, stream)
    if log == "auto" and stream.isatty() and OsShell().env().get("TERM") != "dumb":
        from shipways.adapters.live import LiveConsole

        return LiveConsole(sys.stdout, stream)
    from shipways.adapters.console import PlainConsole

    return PlainConsole(sys.stdout, stream)


def has_terminal() -> bool:
    """Whether a person sees what this process prints, and types what it reads."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def files() -> DiskFiles:
    """This machine's disk."""
    return DiskFiles()


def process() -> Process:
    """Commands of this machine."""
    return OsProcess()


def machine() -> "Machine":
    """This machine, as services are installed on it."""
    from shipways.adapters.machine import this_machine

    return this_machine()


def become(argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Go on as another program. Raises OSError."""
    from shipways.adapters.machine import become

    become(argv, env)


def environment() -> Mapping[str, str]:
    """The variables of this process."""
    return OsShell().env()


async def trial_host(registry: str) -> "Host":
    """This machine, for what is installed on it, from this registry of crates. Raises Unfinished."""
    import platform

    from packaging.tags import sys_tags

    from shipways.adapters.cargoaddresses import CargoAddresses
    from shipways.outside.crates import CRATES_IO
    from shipways.run.trials import Host

    machine = platform.machine().lower()
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    index = "" if registry in CRATES_IO else await CargoAddresses(OsProcess(), OsShell()).index(registry)
    return Host(python=sys.executable, tags=frozenset(sys_tags()), goarch=names.get(machine, machine), crates=index)


def clock() -> Clock:
    """The machine's clock."""
    return OsClock()


def shell() -> Shell:
    """The environment of this process, with the user's tokens."""
    return OsShell()


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/shipways`, by default below ~/.cache (XDG Base Directory Specification)."""
    env = OsShell().env()
    base = env.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "shipways"


def store(root: Path | None = None) -> DiskStore:
    """The store of this user, or one in another folder."""
    return DiskStore(root or cache_folder())


def here() -> Path:
    """The folder the command was started in."""
    return OsShell().cwd()


def home() -> Path:
    """The home folder of this user."""
    return Path.home()


def survey(folder: Path) -> "Tree":
    """The files of a repository, as far as `init` looks."""
    from shipways.adapters.survey import survey as look

    return look(folder)


async def rust_here() -> "tuple[str, tuple[Rust, ...]]":
    """The release of rustc that this folder is built with, empty where there is none; and every compiler there is."""
    from shipways.adapters.survey import rust_here as ask

    return await ask(OsProcess(), OsShell())


@contextlib.asynccontextmanager
async def workshop(
    *, engine: str | None = "host", volumes: bool = True, tell: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Workshop]:
    """Read config and lock, ask git and the tools. Raises ConfigError or PreflightError.

    `engine` is what `--engine` says, None when it says nothing; `volumes`: whether builds may use caches; `tell` gets
    a sentence when one of several engines is gone.
    """
    said = settings(here())
    lock = said.lock or Lock()
    shell, process, cache, files = OsShell(), OsProcess(), cache_folder(), DiskFiles()
    from shipways.adapters.gitsource import GitSources
    from shipways.engines import Bench, chosen, has_images, opened

    repository = await open_repository(process, shell, cache / "git")
    sources = GitSources(repository.root, repository.env)
    git, source = await read_git(process, repository)
    dockerfiles = read_dockerfiles(said.config, lock, source, sources)
    choice = await chosen(said.config.engine, engine, process, shell, locked=has_images(said.config, lock))
    bench = Bench(
        process=process,
        shell=shell,
        sources=sources,
        lock=lock,
        dockerfiles=dockerfiles.toolchains,
        cache=cache,
        root=repository.root,
        volumes=volumes,
    )
    async with opened(choice, bench, said.config.engine, tell) as made:
        asked = Asked(
            git=git,
            source=source,
            dockerfiles=dockerfiles,
            process=process,
            shell=shell,
            sources=sources,
            repository=repository,
            files=files,
            engine=made,
        )
        yield Workshop(
            config=said.config,
            lock=lock,
            facts=await gather(said.config, lock, asked),
            repository=repository,
            sources=sources,
            store=store(),
            files=files,
            cache=cache,
            engine=made,
            engine_reason=choice.reason,
        )


async def notes(shop: Workshop) -> tuple[tuple[str, str], ...]:
    """What is new in this release, by tag; asked only where a channel says it. Raises PreflightError."""
    from shipways.news import release_notes

    return await release_notes(shop.config, shop.facts, OsProcess(), shop.repository, shop.sources)


async def tags_before(shop: Workshop) -> tuple[str, ...]:
    """The tag before each tag of this commit that has one. Raises PreflightError."""
    from shipways.news import tags_before as ask

    return await ask(shop.config, shop.facts, OsProcess(), shop.repository)


@contextlib.asynccontextmanager
async def checked_out(tag: str, folder: Path) -> AsyncIterator[str]:
    """The tag, by default that of the newest release, which the current folder is a clone of meanwhile.

    Empty, and nothing is changed, where there is no release yet. Raises ConfigError or PreflightError.
    """
    from shipways.gitfacts import clone
    from shipways.news import last_release

    process = OsProcess()
    repository = await open_repository(process, OsShell(), cache_folder() / "git")
    tag = tag or await last_release(settings(here()).config, process, repository)
    if not tag:
        yield ""
        return
    await clone(process, repository, tag, folder)
    with contextlib.chdir(folder):
        yield tag


async def histories(shop: Workshop, groups: Sequence[tuple[str, ...]]) -> "dict[tuple[str, ...], History]":
    """What git has of packages that are released together, for each group of them. Raises PreflightError."""
    from shipways.news import history

    tables = {group: [shop.config.package[name] for name in group] for group in groups}
    return {
        group: await history(
            OsProcess(), shop.repository, list(dict.fromkeys(t.tag for t in found)), [t.path for t in found]
        )
        for group, found in tables.items()
    }


def world(shop: Workshop) -> World:
    """The ports that steps use."""
    return World(
        engine=shop.engine,
        files=shop.files,
        sources=shop.sources,
        inspector=LateInspector(),
        images=images(mirror(shop.config)),
    )


def index() -> Index:
    """The package index of this user's pip."""
    from shipways.adapters.locker import PipIndex

    return PipIndex(OsProcess(), OsShell())


def mirror(config: Config) -> str:
    """The registry that is asked for the images of docker.io; empty for docker.io. Raises ConfigError."""
    return chosen_mirror(config.engine, OsShell().env())


def images(mirror: str) -> Images:
    """Image registries, with the logins of this user; those of docker.io at the mirror, if there is one."""
    return LateImages(mirror)
