"""Sees from a repository's files what it would release: the first draft of its config. Pure."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

MANIFESTS: Final = ("Cargo.toml", "go.mod", "pyproject.toml", "build.zig", "package.json")
READ: Final = (*MANIFESTS, "build.zig.zon")
"""The names of the files whose text is looked into, besides `.git/config` and `.gitignore` at the top."""
DEPTH: Final = 2
"""How many folders below the top a manifest may be."""
PASSED: Final = frozenset(
    (
        *("build", "dist", "docs", "example", "examples", "fixtures", "node_modules", "out"),
        *("target", "test", "testdata", "tests", "third_party", "vendor", "venv", "zig-out"),
    )
)
"""Folders whose manifests are not what a repository releases."""

_ORIGIN: Final = re.compile(r'\[remote "origin"\][^\[]*?url = \S+?[/:]([A-Za-z0-9][\w.-]*/[\w.-]+?)(?:\.git)?\s')
_MODULE: Final = re.compile(r'^module\s+"?([^\s"]+)', re.MULTILINE)
_ZON_NAME: Final = re.compile(r'^\s*\.name\s*=\s*[."]+([\w.-]+)', re.MULTILINE)
_ZIG_PROGRAM: Final = re.compile(r'addExecutable\s*\(.*?\.name\s*=\s*"([^"]+)"', re.DOTALL)
_PROGRAM: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A package to be. `title` is its own name for itself, `main` the folder of Go's package main below `path`."""

    name: str
    build: str
    path: str
    title: str
    programs: tuple[str, ...] = ()
    description: str = ""
    license: str = ""
    main: str = "."

    @property
    def binaries(self) -> tuple[str, ...]:
        """What the config must say of them: nothing where it is the package's name."""
        return self.programs if self.programs != (self.name,) else ()

    @property
    def crate(self) -> str:
        """The crate's name, where it is not the package's."""
        return self.title if self.build == "rust" and self.title != self.name else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A repository as it looks from outside. `notes` tell what was seen and left out, and why."""

    name: str
    repository: str
    license: str
    packages: tuple[Draft, ...]
    notes: tuple[str, ...]

    @property
    def needs_rust(self) -> bool:
        """Whether a package is built by cargo."""
        return any(package.build == "rust" for package in self.packages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of a repository, and the text of those that `READ` names."""

    files: Sequence[str]
    texts: Mapping[str, str]

    def text(self, folder: str, name: str) -> str:
        return self.texts.get(_join(folder, name), "")

    def toml(self, folder: str, name: str) -> dict[str, object]:
        try:
            return tomllib.loads(self.text(folder, name))
        except (ValueError, RecursionError):
            return {}

    def below(self, folder: str) -> Iterator[str]:
        """Files below a folder, seen from there."""
        prefix = "" if folder == "." else f"{folder}/"
        return (file.removeprefix(prefix) for file in self.files if file.startswith(prefix))


def detect(title: str, tree: Tree) -> Project:
    """What the repository in a folder of this name would release; no packages when nothing is recognised."""
    drafts: list[Draft] = []
    notes: list[str] = []
    for file in sorted(tree.files, key=lambda file: (file.count("/"), file)):
        folder, name = PurePosixPath(file).parent, PurePosixPath(file).name
        if name in MANIFESTS and len(folder.parts) <= DEPTH and not PASSED.intersection(folder.parts):
            found = _READERS[name](tree, str(folder))
            if isinstance(found, str):
                notes.append(f"{file}: {found}; it is left out")
            else:
                drafts += found
    origin = _ORIGIN.search(tree.texts.get(".git/config", ""))
    top = [slug(draft.title) for draft in drafts if draft.path == "."]
    return Project(
        name=top[0] if len(top) == 1 else slug(title),
        repository=origin[1] if origin else "",
        license=next((draft.license for draft in drafts if draft.license), ""),
        packages=tuple(_named(drafts)),
        notes=tuple(notes),
    )


def slug(title: str) -> str:
    """A title as the name of a package: the nearest that the config allows."""
    return re.sub(r"[^a-z0-9_]+", "-", title.lower())[:60].strip("-_") or "project"


def _named(drafts: Iterable[Draft]) -> Iterator[Draft]:
    """With names that differ: the second of a name says what builds it, and where."""
    taken: set[str] = set()
    for draft in drafts:
        name = slug(draft.title)
        options = (name, f"{name}-{draft.build}", slug(f"{name}-{draft.build}-{draft.path}"))
        chosen = next((option for option in options if option not in taken), f"{name}-{len(taken)}")
        taken.add(chosen)
        yield replace(draft, name=chosen)


def _cargo(tree: Tree, folder: str) -> list[Draft] | str:
    """Cargo Book, "Cargo Targets": programs are `[[bin]]`, src/main.rs, src/bin/NAME.rs and src/bin/NAME/main.rs."""
    manifest = tree.toml(folder, "Cargo.toml")
    package = manifest.get("package")
    if not isinstance(package, dict):
        return [] if "workspace" in manifest else "it has no [package]"
    title = _string(package, "name") or folder
    bins = manifest.get("bin")
    programs = [_string(entry, "name") for entry in bins if isinstance(entry, dict)] if isinstance(bins, list) else []
    for file in tree.below(folder):
        if match := re.fullmatch(r"src/bin/([^/]+?)(\.rs|/main\.rs)", file):
            programs.append(match[1])
        elif file == "src/main.rs" and not bins:
            programs.append(title)
    if not programs:
        return "it is a library without a program"
    return [_draft("rust", folder, title, package, programs)]


def _go(tree: Tree, folder: str) -> list[Draft] | str:
    """A package for each main.go, which by convention lies at the top of the module or in cmd/NAME."""
    module = _MODULE.search(tree.text(folder, "go.mod"))
    title = re.sub(r"/v\d+$", "", module[1] if module else folder).rpartition("/")[2]
    drafts = []
    for file in tree.below(folder):
        if match := re.fullmatch(r"(cmd/([^/]+)/)?main\.go", file):
            name = match[2] or title
            draft = _draft("go", folder, name, {}, [name])
            drafts.append(replace(draft, main=f"cmd/{match[2]}" if match[2] else "."))
    return drafts or "there is no main.go"


def _python(tree: Tree, folder: str) -> list[Draft] | str:
    manifest = tree.toml(folder, "pyproject.toml")
    project = manifest.get("project")
    if not isinstance(project, dict):
        return "it has no [project]"
    return [_draft("python", folder, _string(project, "name") or folder, project, [])]


def _zig(tree: Tree, folder: str) -> list[Draft] | str:
    """Names are read by eye: build.zig is a program."""
    programs = _ZIG_PROGRAM.findall(tree.text(folder, "build.zig"))
    name = _ZON_NAME.search(tree.text(folder, "build.zig.zon"))
    if not programs:
        return "it makes no program"
    return [_draft("zig", folder, name[1] if name else programs[0], {}, programs)]


def _bun(_: Tree, __: str) -> str:
    return "building with bun is not supported yet"


_READERS: Final[Mapping[str, Callable[[Tree, str], list[Draft] | str]]] = {
    "Cargo.toml": _cargo,
    "go.mod": _go,
    "pyproject.toml": _python,
    "build.zig": _zig,
    "package.json": _bun,
}


def _draft(build: str, path: str, title: str, table: Mapping[str, object], programs: Iterable[str]) -> Draft:
    return Draft(
        name="",
        build=build,
        path=path,
        title=title,
        programs=tuple(dict.fromkeys(program for program in programs if _PROGRAM.fullmatch(program))),
        description=_string(table, "description").strip(),
        license=_string(table, "license"),
    )


def _string(table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    return value if isinstance(value, str) else ""


def _join(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}/{name}"
