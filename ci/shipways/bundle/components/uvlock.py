"""uv.lock: the versions that uv has resolved, and who needs whom.

The format is uv's own (docs.astral.sh, "Resolution", "Universal resolution"); only what is read here is described.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked

from shipways.bundle.components.contents import Download, Part, Purl, decode_toml, unreadable

_LENIENT = ConfigDict(frozen=True, populate_by_name=True)


@checked(config=_LENIENT)
class _Edge:
    name: str
    version: str = ""
    extra: tuple[str, ...] = ()


@checked(config=_LENIENT)
class _File:
    url: str = ""
    path: str = ""
    hash: str = ""


@checked(config=_LENIENT)
class _Package:
    name: str
    version: str = ""
    source: Mapping[str, str] = field(default_factory=dict)
    dependencies: tuple[_Edge, ...] = ()
    extras: Mapping[str, tuple[_Edge, ...]] = Field(default_factory=dict, alias="optional-dependencies")
    sdist: _File | None = None
    wheels: tuple[_File, ...] = ()


@checked(config=_LENIENT)
class _Lock:
    packages: tuple[_Package, ...] = Field(alias="package", default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Graph:
    """The packages of a lock, and what is reached so far: for each, those it needs."""

    packages: tuple[_Package, ...]
    reached: dict[int, set[int]]

    def find(self, edge: _Edge) -> Iterator[int]:
        """The packages an edge leads to: several, where platforms differ in the version."""
        for number, package in enumerate(self.packages):
            if package.name == edge.name and edge.version in ("", package.version):
                yield number

    def reach(self, edges: Iterable[_Edge]) -> None:
        """Follow edges to the end, through the extras that they ask for."""
        todo, seen = list(edges), set[_Edge]()
        while todo:
            edge = todo.pop()
            if edge in seen:
                continue
            seen.add(edge)
            for number in self.find(edge):
                package = self.packages[number]
                wanted = [*package.dependencies, *(e for name in edge.extra for e in package.extras.get(name, ()))]
                self.reached.setdefault(number, set()).update(n for e in wanted for n in self.find(e))
                todo += wanted


def uv_lock(text: str, path: str, name: str) -> tuple[tuple[Purl, ...], tuple[Part, ...]]:
    """Direct and all components of the project `name`, those of its extras as optional. Development groups stay out.

    Raises BuildError for a lock that does not have the project.
    """
    packages = decode_toml(text, path, _Lock).packages
    root = next((package for package in packages if package.name == name), None)
    if root is None:
        raise unreadable(path, f"it does not list {name}")
    required = _Graph(packages=packages, reached={})
    required.reach(root.dependencies)
    everything = _Graph(packages=packages, reached={number: set(needs) for number, needs in required.reached.items()})
    extras = [edge for edges in root.extras.values() for edge in edges]
    everything.reach(extras)
    own = packages.index(root)
    parts = tuple(
        _part(packages[number], tuple(_purl(packages[need]) for need in sorted(needs)), number not in required.reached)
        for number, needs in sorted(everything.reached.items())
        if number != own
    )
    direct = {n for edge in (*root.dependencies, *extras) for n in everything.find(edge)} - {own}
    return tuple(_purl(packages[number]) for number in sorted(direct)), parts


def _part(package: _Package, needs: tuple[Purl, ...], optional: bool) -> Part:
    files = (*((package.sdist,) if package.sdist else ()), *package.wheels)
    downloads = tuple(
        Download(url=file.url or file.path, digests=(file.hash,) if file.hash else ())
        for file in files
        if file.url or file.path
    )
    local = ((kind, place) for kind, place in package.source.items() if kind in ("path", "directory", "editable"))
    properties = tuple(("shipways:python:source", f"{kind} {place}") for kind, place in local)
    return Part(purl=_purl(package), downloads=downloads, properties=properties, needs=needs, optional=optional)


def _purl(package: _Package) -> Purl:
    """`git = "https://…?rev=…#COMMIT"` is written with an @ as a package URL."""
    git = package.source.get("git", "")
    place, _, commit = git.partition("#")
    qualifiers = (("vcs_url", f"git+{place.partition('?')[0]}@{commit}"),) if git else ()
    return Purl(type="pypi", name=package.name, version=package.version, qualifiers=qualifiers)
