"""Which crates of a repository depend on each other: a registry must have one before those that need it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_ALWAYS: Final = ("dependencies", "build-dependencies", "build_dependencies")
_TESTS: Final = ("dev-dependencies", "dev_dependencies")
TABLES: Final = (*_ALWAYS, *_TESTS)
"""Tables of dependencies in a Cargo.toml, and in `target.…`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Names of crates: what is needed always, and what only tests need."""

    always: frozenset[str]
    tests: frozenset[str]


def dependencies(manifest: object, workspace: object) -> Dependencies:
    """What a Cargo.toml says, with what it inherits from that of the workspace."""
    shared = _table(_table(workspace, "workspace"), "dependencies")
    scopes = (manifest, *_table(manifest, "target").values())
    return Dependencies(
        always=frozenset(name for scope in scopes for table in _ALWAYS for name, _ in _names(scope, table, shared)),
        # cargo leaves those without a version out of what it packs (Cargo Book, "Development dependencies")
        tests=frozenset(
            name for scope in scopes for table in _TESTS for name, kept in _names(scope, table, shared) if kept
        ),
    )


def needs(names: Mapping[str, str], said: Mapping[str, Dependencies]) -> dict[str, tuple[str, ...]]:
    """The packages that each package needs, from the name of its crate. No package needs itself in the end.

    Crates may need each other in a circle for their tests alone; such a need is left out, for no order meets it.
    """
    by_crate = {crate: package for package, crate in names.items()}

    def packages(crates: frozenset[str], package: str) -> set[str]:
        return {by_crate[crate] for crate in crates if crate in by_crate} - {package}

    always = {package: packages(found.always, package) for package, found in said.items()}
    everything = {package: always[package] | packages(found.tests, package) for package, found in said.items()}
    return {
        package: tuple(
            sorted(need for need in found if need in always[package] or package not in _reached(need, everything))
        )
        for package, found in everything.items()
    }


def _reached(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    """Everything that a package needs, however far."""
    found, todo = {start}, [start]
    while todo:
        new = edges[todo.pop()] - found
        found |= new
        todo += new
    return found


def _names(scope: object, table: str, shared: Mapping[str, object]) -> Iterator[tuple[str, bool]]:
    """The crates of one table, and whether a version is named."""
    for key, value in _table(scope, table).items():
        entry = shared.get(key) if isinstance(value, dict) and value.get("workspace") is True else value
        if isinstance(entry, dict):
            yield str(entry.get("package", key)), "version" in entry
        else:
            yield key, True


def _table(data: object, key: str) -> Mapping[str, object]:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}
