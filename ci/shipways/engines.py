"""Which engine builds, and how each is put together."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio

from shipways.adapters.dagger import CLI, RUNNER
from shipways.adapters.store import DiskStore
from shipways.adapters.toolchains import Toolchains
from shipways.config.engines import DOCKERFILE, chosen_mirror
from shipways.config.engines import Engine as Table
from shipways.config.schema import Config
from shipways.errors import PreflightError, Problem
from shipways.facts import host
from shipways.model.image import ImageBuild
from shipways.model.lock import Lock
from shipways.ports import Engine, Process, Shell, Sources

_PATIENCE: Final = 5.0
"""Seconds in which a container engine answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The engine of a run. `reason` says why auto took it; empty when somebody named it."""

    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What engines are put together from. `dockerfiles` are the images to build in that come of one, by their names."""

    process: Process
    shell: Shell
    sources: Sources
    lock: Lock
    cache: Path
    root: Path
    volumes: bool
    dockerfiles: Mapping[str, ImageBuild] = field(default_factory=dict)


async def chosen(table: Table, asked: str | None, process: Process, shell: Shell, *, locked: bool) -> Choice:
    """What the caller asks for, else the config, else what there is.

    `locked`: there are digests of the images that builds run in. Without any, nothing could be built in containers.
    """
    name = asked or table.use
    if name != "auto":
        return Choice(name=name)
    if table.runners or shell.env().get(RUNNER):
        if not _cli(shell):
            raise PreflightError(_no_program())
        return Choice(name="dagger", reason="a runner is set")
    if not _cli(shell):
        return Choice(name="host", reason="no dagger program is on PATH, and no runner is set")
    if not await _containers(process, shell):
        return Choice(name="host", reason="no container engine answers, and no runner is set")
    if not locked:
        return Choice(name="host", reason="no image to build in is locked (`shipways lock`), and no runner is set")
    return Choice(name="dagger", reason="a dagger program is on PATH, and a container engine answers")


def has_images(config: Config, lock: Lock) -> bool:
    """Whether the lock has an image that a package is built in, or one comes of a Dockerfile."""
    images = (config.toolchain_image(name) for name in config.package)
    return any(image.startswith(DOCKERFILE) or lock.image(image) is not None for image in images)


@contextlib.asynccontextmanager
async def opened(choice: Choice, bench: Bench, table: Table, tell: Callable[[str], None]) -> AsyncIterator[Engine]:
    """The engine, not yet connected; disconnected at the end."""
    if choice.name == "host":
        from shipways.adapters.host import HostEngine

        caches = bench.cache / "caches"
        with contextlib.ExitStack() as stack:
            if not bench.volumes:
                caches = stack.enter_context(DiskStore(bench.cache).scratch())
            yield HostEngine(
                process=bench.process,
                shell=bench.shell,
                sources=bench.sources,
                toolchains=_toolchains(bench, host()),
                caches=caches,
            )
    else:
        async with _dagger(bench, table, tell) as engine:
            yield engine


@contextlib.asynccontextmanager
async def _dagger(bench: Bench, table: Table, tell: Callable[[str], None]) -> AsyncIterator[Engine]:
    from shipways.adapters.dagger.engine import DaggerEngine, Setting
    from shipways.adapters.dagger.grounds import Grounds
    from shipways.adapters.dagger.pool import opened as pooled
    from shipways.adapters.dagger.process import WorkerProcess
    from shipways.adapters.dagger.terminal import Client

    env = dict(bench.shell.env()) | ({CLI: cli} if (cli := _cli(bench.shell)) else {})
    arch = host().rpartition("-")[2]
    platform = f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(arch, arch) }"
    addresses = table.runners or (env.get(RUNNER, ""),)
    with DiskStore(bench.cache).scratch() as scratch:
        setting = Setting(
            shell=bench.shell,
            sources=bench.sources,
            toolchains=_toolchains(bench, f"linux-{arch}"),
            scratch=scratch,
            kits=bench.cache / "kits",
            volumes=bench.volumes,
            client=Client(program=_cli(bench.shell), address=addresses[0], env=env),
        )
        workers = [(address, WorkerProcess(address, env)) for address in addresses]
        async with pooled(workers, tell) as pool:
            mirror = chosen_mirror(table, bench.shell.env())
            grounds = Grounds(lock=bench.lock, platform=platform, mirror=mirror, dockerfiles=bench.dockerfiles)
            yield DaggerEngine(setting, grounds, pool, runners=len(addresses))


def _no_program() -> Problem:
    return Problem(
        path="engine.runners",
        what="a runner is set, but there is no dagger program to speak to it",
        why="the SDK would download one, and auto downloads nothing",
        hint=f"put it on PATH, let {CLI} name it, or ask for it: `--engine dagger`",
    )


def _toolchains(bench: Bench, kind: str) -> Toolchains:
    root = bench.cache / "toolchains"
    return Toolchains(process=bench.process, shell=bench.shell, root=root, lock=bench.lock, host=kind)


def _cli(shell: Shell) -> str:
    """The program that the SDK starts; without one it would download it."""
    found = shell.find("dagger")
    return shell.env().get(CLI) or (str(found[0]) if found else "")


async def _containers(process: Process, shell: Shell) -> bool:
    """Whether a container engine answers here: the dagger program starts the engine in it."""
    for program in ("docker", "podman", "nerdctl"):
        with anyio.move_on_after(_PATIENCE):
            if shell.find(program) and (await process.run((program, "version"), env=shell.env())).code == 0:
                return True
    return False
