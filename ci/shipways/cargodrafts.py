"""Sees what a cargo workspace would release: its programs, and the libraries that a registry must have before them."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from shipways.drafts import CARGO, PYPROJECT, Draft, Table, Tree, join, known, string, strings, table
from shipways.manifestfacts import maturin_crate

_TABLES: Final = ("dependencies", "build-dependencies")
_BINARY: Final = re.compile(r"src/bin/([^/]+?)(\.rs|/main\.rs)")
_CHORES: Final = frozenset(("xtask",))
"""Members that by convention are scripts of the project itself (matklad/cargo-xtask)."""


def members(tree: Tree) -> frozenset[str]:
    """The folders of all crates that are members of a workspace, or its root."""
    return frozenset(folder for folder in _crates(tree) if folder in _members(tree, _root(tree, folder)))


def drafts(tree: Tree, folder: str) -> list[Draft] | str:
    """The package of one Cargo.toml, or why it is none."""
    manifest = tree.toml(folder, CARGO)
    if not isinstance(manifest.get("package"), dict):
        return [] if "workspace" in manifest else "it has no [package]"
    title = string(table(manifest, "package"), "name") or folder
    programs, lacking = _programs(tree, folder, title)
    private = _private(tree, folder, frozenset((folder,)))
    if why := _not_released(tree, folder, title) or ("" if programs else _no_library(tree, folder, private)):
        return why
    if not programs and folder in wrapped(tree):
        return []
    return [_draft(tree, folder, title, programs, private, lacking)]


def wrapped(tree: Tree) -> frozenset[str]:
    """The folders of the crates that maturin makes wheels of."""
    return frozenset(
        crate_of(tree, str(PurePosixPath(file).parent))
        for file in tree.texts
        if PurePosixPath(file).name == PYPROJECT and is_maturin(tree, str(PurePosixPath(file).parent))
    )


def is_maturin(tree: Tree, folder: str) -> bool:
    """Whether the Python project in a folder is built by maturin."""
    return string(table(tree.toml(folder, PYPROJECT), "build-system"), "build-backend") == "maturin"


def crate_of(tree: Tree, folder: str) -> str:
    """The folder of the crate of a maturin project."""
    return posixpath.dirname(maturin_crate(folder, tree.toml(folder, PYPROJECT))) or "."


def line(tree: Tree, folder: str) -> str:
    """The Cargo.toml that says the version of a crate: its own, or that of its workspace."""
    said = table(tree.toml(folder, CARGO), "package").get("version")
    root = _root(tree, folder)
    return join(root or folder if isinstance(said, dict) else folder, CARGO)


def _not_released(tree: Tree, folder: str, title: str) -> str:
    root = _root(tree, folder)
    if root and folder not in _members(tree, root):
        return f"it is no member of the workspace in {join(root, CARGO)}"
    return "it is a chore of the project, and no program for others" if title in _CHORES else ""


def _no_library(tree: Tree, folder: str, private: str) -> str:
    if "lib" not in tree.toml(folder, CARGO) and "src/lib.rs" not in tree.below(folder):
        return "it has neither a program nor a library"
    needed = private and folder not in wrapped(tree)
    return f"it is a library without a program, and {private}" if needed else ""


def _draft(tree: Tree, folder: str, title: str, programs: tuple[str, ...], private: str, lacking: str) -> Draft:
    package = table(tree.toml(folder, CARGO), "package")
    notes = [lacking] if lacking else []
    if private and package.get("publish") not in (False, []):
        notes.append(f"{title} is not made a .crate: {private}")
    return Draft(
        build="rust",
        path=folder,
        title=title,
        line=line(tree, folder),
        programs=programs,
        library=not programs,
        published=not private,
        description=_inherited(tree, folder, package, "description").strip(),
        license=_inherited(tree, folder, package, "license"),
        notes=tuple(f"{join(folder, CARGO)}: {note}" for note in notes),
    )


def _inherited(tree: Tree, folder: str, package: Table, key: str) -> str:
    root = _root(tree, folder)
    shared = table(tree.toml(root, CARGO), "workspace", "package") if root else {}
    return string(shared if isinstance(package.get(key), dict) else package, key)


def _programs(tree: Tree, folder: str, title: str) -> tuple[tuple[str, ...], str]:
    """Cargo Book, "Cargo Targets": `[[bin]]`, src/main.rs, src/bin/NAME.rs and src/bin/NAME/main.rs.

    Beside them what is left out: programs that cargo builds only with features that are not asked for.
    """
    manifest = tree.toml(folder, CARGO)
    said = manifest.get("bin")
    bins: list[Table] = [entry for entry in said if isinstance(entry, dict)] if isinstance(said, list) else []
    default = set(strings(table(manifest, "features"), "default"))
    closed = {string(entry, "name") for entry in bins if set(strings(entry, "required-features")) - default}
    found = [string(entry, "name") for entry in bins]
    if table(manifest, "package").get("autobins") is not False:
        for file in tree.below(folder):
            if match := _BINARY.fullmatch(file):
                found.append(match[1])
            elif file == "src/main.rs" and not bins:
                found.append(title)
    left = (
        f"{', '.join(sorted(closed))}: needs features that are not among the default ones; left out" if closed else ""
    )
    return known([program for program in found if program not in closed]), left


def _private(tree: Tree, folder: str, seen: frozenset[str]) -> str:
    """Why no registry can have a crate; empty when one can (Cargo Book, "Specifying Dependencies")."""
    manifest = tree.toml(folder, CARGO)
    if table(manifest, "package").get("publish") in (False, []):
        return "Cargo.toml says publish = false"
    for name, said in _needs(tree, folder):
        if "git" in said and "version" not in said:
            return f"it needs {name} from git"
        if "path" in said and "version" not in said:
            return f"it needs {name} by its path, without a version"
        place = string(said, "folder")
        if place and place not in seen and _private(tree, place, seen | {place}):
            return f"it needs {name}, which is private"
    return ""


def _needs(tree: Tree, folder: str) -> Iterator[tuple[str, Table]]:
    """The dependencies that a user of a crate has too; `folder` is where one of the same repository lies."""
    manifest = tree.toml(folder, CARGO)
    root = _root(tree, folder)
    shared = table(tree.toml(root, CARGO), "workspace", "dependencies") if root else {}
    for scope in (manifest, *table(manifest, "target").values()):
        for name, value in ((name, value) for key in _TABLES for name, value in table(scope, key).items()):
            ours = isinstance(value, Mapping) and value.get("workspace") is True
            said = shared.get(name) if ours else value
            if isinstance(said, Mapping) and "path" in said:
                place = posixpath.normpath(join((root or ".") if ours else folder, string(said, "path")))
                yield name, {**said, "folder": place}
            elif isinstance(said, Mapping):
                yield name, said


def _crates(tree: Tree) -> tuple[str, ...]:
    return tuple(str(PurePosixPath(file).parent) for file in tree.texts if PurePosixPath(file).name == CARGO)


def _root(tree: Tree, folder: str) -> str:
    """The nearest folder at or above with a `[workspace]`; empty where there is none."""
    path = PurePosixPath(folder)
    above = (str(place) for place in (path, *path.parents))
    return next((place for place in above if "workspace" in tree.toml(place, CARGO)), "")


def _members(tree: Tree, root: str) -> frozenset[str]:
    """The root, what `members` names without what `exclude` does, and every crate below that one of them needs."""
    if not root:
        return frozenset()
    said = table(tree.toml(root, CARGO), "workspace")
    patterns, excluded = strings(said, "members"), tuple(join(root, name) for name in strings(said, "exclude"))
    crates = [folder for folder in _crates(tree) if not any(f"{folder}/".startswith(f"{name}/") for name in excluded)]
    found = {folder for folder in crates if folder == root or any(_fits(folder, join(root, p)) for p in patterns)}
    todo = list(found)
    while todo:
        folder = todo.pop()
        new = {string(said, "folder") for _, said in _needs(tree, folder)} & set(crates) - found
        found |= new
        todo += new
    return frozenset(found)


def _fits(folder: str, pattern: str) -> bool:
    wanted = PurePosixPath(posixpath.normpath(pattern))
    return len(PurePosixPath(folder).parts) == len(wanted.parts) and PurePosixPath(folder).match(str(wanted) or "*")
