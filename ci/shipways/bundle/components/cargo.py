"""Rust: what Cargo links for one target, with the checksums of Cargo.lock.

`cargo tree` resolves features as `cargo build` does. `cargo metadata` does not: what only a development dependency
switches on would be listed (rust-lang/cargo#7754, CycloneDX/cyclonedx-rust-cargo#760).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from anyio import to_thread

from shipways.bundle.components.contents import Contents, Part, Purl, decode_toml, unreadable
from shipways.model.artifact import Artifact
from shipways.model.build import Build
from shipways.model.digest import Json
from shipways.model.source import SourceFile
from shipways.ports import Inbox, World

TREE: Final = "tree.txt"
"""Where the build leaves what `cargo tree` prints."""
ENVIRONMENT: Final = (
    # The compiler is named, because rustup's proxies obey settings.
    ("CARGO", "{tool:rust}/cargo"),
    ("RUSTC", "{tool:rust}/rustc"),
    ("CARGO_TERM_COLOR", "never"),
)
CACHES: Final = (("CARGO_HOME", "cargo"),)
"""Where the build of the programs has put the sources of their crates."""
_TOLD: Final = "Cargo.lock, without build and development dependencies, for this target (cargo tree --edges normal)"

Crate: TypeAlias = tuple[str, str]
"""Name and version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoReader:
    """The crate whose tree `build` prints into TREE."""

    build: Build
    lock: SourceFile
    version: str

    def record(self) -> Json:
        """The build with the sources, the lock in them, and the version that is released.

        Of the toolchain only the version: who has compiled a cargo makes no difference to what it says.
        """
        tools = tuple(replace(tool, identity="") for tool in self.build.tools)
        return ["cargo", replace(self.build, tools=tools).record(), self.lock.oid, self.version]

    async def read(self, world: World, inbox: Inbox, artifact: Artifact) -> Contents:  # noqa: ARG002 - sources tell it
        """Ask cargo, and look up what it names."""
        (tree,) = await world.engine.run(self.build, inbox)
        printed = await to_thread.run_sync(world.files.read, tree)
        lock = await to_thread.run_sync(world.sources.read, self.lock)
        return linked(printed.decode(errors="replace"), lock.decode(errors="replace"), self.lock.path, self.version)


def commands(crate: str, triple: str, features: tuple[str, ...], default_features: bool) -> tuple[tuple[str, ...], ...]:
    """The command that prints the tree: a line for each crate, its depth first (cargo-tree(1))."""
    chosen = ("--features", ",".join(features)) if features else ()
    defaults = () if default_features else ("--no-default-features",)
    form = ("--edges", "normal", "--prefix", "depth", "--format", " {p}")
    return (
        ("{tool:rust}/cargo", "tree", "--locked", "--package", crate, "--target", triple, *form, *chosen, *defaults),
    )


@dataclass(frozen=True, slots=True)
class _Locked:
    name: str
    version: str
    source: str = ""
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class _Lock:
    package: tuple[_Locked, ...] = field(default=())


def linked(tree: str, lock: str, path: str, version: str) -> Contents:
    """The contents by what `cargo tree` prints and Cargo.lock says; `path` is that of the lock, for errors."""
    locked = {(entry.name, entry.version): entry for entry in decode_toml(lock, path, _Lock).package}
    graph = _graph(tree)
    if missing := [f"{name} {number}" for name, number in graph if (name, number) not in locked]:
        raise unreadable(path, f"it lacks {', '.join(missing)}, which cargo links")
    purls = {crate: _purl(locked[crate]) for crate in graph}
    root, *others = graph
    main = Purl(type="cargo", name=root[0], version=version)
    return Contents(
        main=Part(purl=main, needs=tuple(purls[need] for need in graph[root])),
        version=version,
        parts=tuple(_part(locked[crate], tuple(purls[need] for need in graph[crate])) for crate in others),
        told=_TOLD,
    )


def _graph(tree: str) -> dict[Crate, list[Crate]]:
    """Each crate with those it needs; the one that was asked for is first."""
    graph: dict[Crate, list[Crate]] = {}
    above: list[Crate] = []
    for depth, crate in _lines(tree):
        del above[depth:]
        if above and crate not in graph[above[-1]]:
            graph[above[-1]].append(crate)
        graph.setdefault(crate, [])
        above.append(crate)
    return graph


def _lines(tree: str) -> Iterator[tuple[int, Crate]]:
    """`2 itoa v1.0.18 …`: depth, name, version; what follows is a path, a kind, or the mark of a repetition."""
    for line in tree.splitlines():
        depth, name, version, *_ = line.split()
        yield int(depth), (name, version.removeprefix("v"))


def _part(entry: _Locked, needs: tuple[Purl, ...]) -> Part:
    return Part(
        purl=_purl(entry),
        digests=(f"sha256:{entry.checksum}",) if entry.checksum else (),
        properties=(("shipways:cargo:source", entry.source or "path"),),
        needs=needs,
    )


def _purl(entry: _Locked) -> Purl:
    git = (("vcs_url", entry.source),) if entry.source.startswith("git+") else ()
    return Purl(type="cargo", name=entry.name, version=entry.version, qualifiers=git)
