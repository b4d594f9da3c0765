"""Builds the real world. Late imports are here, so that a verb pays only for what it uses."""

import sys
from dataclasses import dataclass
from pathlib import Path

from shipways.adapters.files import DiskFiles
from shipways.adapters.process import OsProcess
from shipways.adapters.shell import OsClock, OsShell
from shipways.adapters.store import DiskStore
from shipways.config.load import FILE_NAMES, decode, has_table, parse
from shipways.config.lockfile import FILE_NAME, parse_lock
from shipways.config.schema import Config
from shipways.errors import ConfigError, Problem
from shipways.facts import Asked, gather, host
from shipways.gitfacts import Repository, open_repository
from shipways.model.artifact import Linkage
from shipways.model.facts import Facts
from shipways.model.lock import Lock
from shipways.ports import Clock, Console, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every verb that reads the config has at hand."""

    config: Config
    lock: Lock
    facts: Facts
    repository: Repository
    store: DiskStore
    files: DiskFiles
    cache: Path


def console(log: str) -> Console:
    """The console that `--log` names: `auto` is live on a terminal and plain elsewhere."""
    if log == "json":
        from shipways.adapters.console import JsonConsole

        return JsonConsole(sys.stdout, sys.stderr)
    if log == "auto" and sys.stderr.isatty():
        from shipways.adapters.live import LiveConsole

        return LiveConsole(sys.stdout, sys.stderr)
    from shipways.adapters.console import PlainConsole

    return PlainConsole(sys.stdout, sys.stderr)


def clock() -> Clock:
    """The machine's clock."""
    return OsClock()


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/shipways`, by default below ~/.cache (XDG Base Directory Specification)."""
    env = OsShell().env()
    base = env.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "shipways"


def store() -> DiskStore:
    """The store of this user."""
    return DiskStore(cache_folder())


def find_config(folder: Path) -> tuple[Path, str]:
    """The config file of a folder or the nearest one above, and its text. Raises ConfigError when there is none."""
    for parent in (folder, *folder.parents):
        for name in FILE_NAMES:
            path = parent / name
            if path.is_file():
                text = _read(path)
                if name == "shipways.toml" or has_table(text):
                    return path, text
        if (parent / ".git").exists():
            break
    raise ConfigError(
        Problem(path=str(folder), what="there is no shipways.toml", hint="`shipways init` writes one for this project")
    )


def _read(path: Path) -> str:
    try:
        return decode(path.read_bytes(), path.name)
    except OSError as error:
        raise ConfigError(Problem(path=str(path), what="cannot be read", why=error.strerror or str(error))) from None


async def workshop() -> Workshop:
    """Read config and lock, ask git and the tools. Raises ConfigError or PreflightError."""
    shell, process, cache = OsShell(), OsProcess(), cache_folder()
    path, text = find_config(shell.cwd())
    config = parse(text, path.name)
    lock_path = path.parent / FILE_NAME
    lock = parse_lock(_read(lock_path)) if lock_path.exists() else Lock()
    from shipways.adapters.gitsource import GitSources

    repository = await open_repository(process, shell, cache / "git")
    sources = GitSources(repository.root, repository.env)
    asked = Asked(process=process, shell=shell, sources=sources, repository=repository, files=DiskFiles())
    return Workshop(
        config=config,
        lock=lock,
        facts=await gather(config, lock, asked),
        repository=repository,
        store=store(),
        files=DiskFiles(),
        cache=cache,
    )


def world(shop: Workshop) -> World:
    """The ports that steps use, with the host engine."""
    from shipways.adapters.gitsource import GitSources
    from shipways.adapters.host import HostEngine
    from shipways.adapters.toolchains import Toolchains

    process, shell = OsProcess(), OsShell()
    sources = GitSources(shop.repository.root, shop.repository.env)
    toolchains = Toolchains(process=process, shell=shell, root=shop.cache / "toolchains", lock=shop.lock, host=host())
    return World(
        engine=HostEngine(
            process=process, shell=shell, sources=sources, toolchains=toolchains, caches=shop.cache / "caches"
        ),
        files=shop.files,
        sources=sources,
        inspector=_Inspector(),
    )


class _Inspector:
    """The `Inspector` port; lief takes half a second to import, which a run that builds nothing does not pay."""

    def linkage(self, path: Path) -> Linkage | None:
        """What a binary says of itself."""
        from shipways.adapters.inspect import LiefInspector

        return LiefInspector().linkage(path)
