"""Sees from a repository's files what it would release: the first draft of its config. Pure."""

import json
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from shipways import cargodrafts
from shipways.drafts import CARGO, PYPROJECT, Draft, Table, Tree, join, known, slug, string, table
from shipways.manifestfacts import dynamic, scm_backend

MANIFESTS: Final = (CARGO, "go.mod", PYPROJECT, "build.zig", "package.json")
READ: Final = (*MANIFESTS, "build.zig.zon", "go.work")
"""The names of the files whose text is read, besides `.git/config` and `.gitignore` at the top; and `COMMAND`."""
DEPTH: Final = 2
"""How many folders below the top a manifest may be; a member of a cargo workspace may be deeper."""
PASSED: Final = frozenset(
    (
        *("build", "dist", "docs", "example", "examples", "fixtures", "node_modules", "out"),
        *("target", "test", "testdata", "tests", "third_party", "vendor", "venv", "zig-out"),
    )
)
"""Folders whose manifests are not what a repository releases."""
COMMAND: Final = re.compile(r"(?:.*/)?cmd/(?:[^/]+/)?[^/]+(?<!_test)\.go")
"""A file of Go that may be a package main."""

BUN_LOCK: Final = "bun.lock"
_BUN_MAIN: Final = "index.ts"
_ORIGIN: Final = re.compile(
    r'\[remote "origin"\][^\[]*?url = \S*?([\w.-]+)(?::\d+)?[/:]([A-Za-z0-9][\w.-]*/[\w.-]+?)(?:\.git)?\s'
)
_MODULE: Final = re.compile(r'^module\s+"?([^\s"]+)', re.MULTILINE)
_USED: Final = re.compile(r"^\s*(?:use\s+)?\"?(\.[\w./-]*)", re.MULTILINE)
_REPLACED: Final = re.compile(r"=>\s*\"?(\.[\w./-]*)")
_MAIN: Final = re.compile(r"^package\s+main\b", re.MULTILINE)
_TAG: Final = re.compile(r"[\w./-]*")
_ZON_NAME: Final = re.compile(r'^\s*\.name\s*=\s*[."]+([\w.-]+)', re.MULTILINE)
_ZIG_PROGRAM: Final = re.compile(r'addExecutable\s*\(.*?\.name\s*=\s*"([^"]+)"', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A repository as it looks from outside. `host` is its forge's; `notes` tell what was left out, and why."""

    name: str
    host: str
    repository: str
    license: str
    packages: tuple[Draft, ...]
    notes: tuple[str, ...]

    @property
    def needs_rust(self) -> bool:
        """Whether a package is built by cargo."""
        return any(package.build in ("rust", "maturin") for package in self.packages)

    @property
    def has_crates(self) -> bool:
        """Whether there is something for a registry of crates."""
        return any(package.build == "rust" and package.published for package in self.packages)

    @property
    def has_wheels(self) -> bool:
        """Whether there is something for an index of Python packages."""
        return any(package.build in ("python", "maturin") for package in self.packages)


def detect(title: str, tree: Tree) -> Project:
    """What the repository in a folder of this name would release; no packages when nothing is recognised."""
    drafts: list[Draft] = []
    notes: list[str] = []
    members = cargodrafts.members(tree)
    for file in sorted(tree.files, key=lambda file: (file.count("/"), file)):
        folder, name = PurePosixPath(file).parent, PurePosixPath(file).name
        near = len(folder.parts) <= DEPTH or (name == CARGO and str(folder) in members)
        if name in MANIFESTS and near and not PASSED.intersection(folder.parts):
            found = _READERS[name](tree, str(folder))
            if isinstance(found, str):
                notes.append(f"{file}: {found}; it is left out")
            else:
                drafts += found
    origin = _ORIGIN.search(tree.texts.get(".git/config", ""))
    top = [slug(draft.title) for draft in drafts if draft.path == "."]
    called = top[0] if len(top) == 1 else slug(title)
    packages = _tagged(_wrapping(tuple(_named(sorted(drafts, key=lambda draft: bool(draft.wraps))))), called)
    return Project(
        name=called,
        host=origin[1] if origin else "",
        repository=origin[2] if origin else "",
        license=next((draft.license for draft in drafts if draft.license), ""),
        packages=packages,
        notes=(*notes, *(note for draft in packages for note in draft.notes)),
    )


def _named(drafts: Iterable[Draft]) -> Iterator[Draft]:
    """With names that differ: the second of a name says what builds it, and where."""
    taken: set[str] = set()
    for draft in drafts:
        name = slug(draft.title)
        options = (name, f"{name}-{draft.build}", slug(f"{name}-{draft.build}-{draft.path}"))
        chosen = next((option for option in options if option not in taken), f"{name}-{len(taken)}")
        taken.add(chosen)
        yield replace(draft, name=chosen)


def _wrapping(drafts: Sequence[Draft]) -> tuple[Draft, ...]:
    """Wheels around programs know the package that makes them."""
    crates = {draft.path: draft.name for draft in drafts if draft.build == "rust" and draft.programs}
    return tuple(replace(draft, binary=crates.get(draft.wraps, "") if draft.wraps else "") for draft in drafts)


def _tagged(drafts: Sequence[Draft], project: str) -> tuple[Draft, ...]:
    """With a tag for all packages whose version stands in one place; the default one where that is all of them."""
    sharing = Counter(draft.line for draft in drafts)
    if len(sharing) < 2:
        return tuple(drafts)
    lines = {}
    for line in sharing:
        first = next(draft for draft in drafts if draft.line == line)
        folder = posixpath.dirname(line)
        if first.build == "go" and folder and _TAG.fullmatch(folder):
            lines[line] = f"{folder}/v{{version}}"  # Go Modules Reference, "Mapping versions to commits"
        elif sharing[line] == 1:
            lines[line] = f"{first.name}-v{{version}}"
        else:
            lines[line] = f"{slug(posixpath.basename(folder) or project)}-v{{version}}"
    taken = Counter(lines.values())
    return tuple(
        replace(draft, tag=tag if taken[tag := lines[draft.line]] == 1 else f"{draft.name}-v{{version}}")
        for draft in drafts
    )


def _go(tree: Tree, folder: str) -> list[Draft] | str:
    """A package for each package main, which by convention lies at the top of the module or in cmd/NAME."""
    module = _MODULE.search(tree.text(folder, "go.mod"))
    title = re.sub(r"/v\d+$", "", module[1] if module else folder).rpartition("/")[2]
    mains = dict.fromkeys(
        posixpath.dirname(file) or "."
        for file in tree.below(folder)
        if (file == "main.go" or (re.fullmatch(COMMAND, file) and file.startswith("cmd/")))
        and _is_main(tree, folder, file)
    )
    return [
        Draft(
            build="go",
            path=folder,
            title=(name := title if main in (".", "cmd") else posixpath.basename(main)),
            line=join(folder, "go.mod"),
            programs=known([name]),
            main=main,
            source=_go_source(tree, folder),
        )
        for main in mains
    ] or "there is no main.go"


def _is_main(tree: Tree, folder: str, file: str) -> bool:
    text = tree.text(folder, file)
    return bool(_MAIN.search(text)) if text else posixpath.basename(file) == "main.go"


def _go_source(tree: Tree, folder: str) -> tuple[str, ...]:
    """All that a build sees, where that is more than its folder: modules beside it, by go.work or `replace`."""
    used = {posixpath.normpath(place) for place in _USED.findall(tree.text(".", "go.work"))}
    replaced = {posixpath.normpath(join(folder, place)) for place in _REPLACED.findall(tree.text(folder, "go.mod"))}
    found = {folder, *replaced}
    if folder in used:
        found |= {*used, "go.work", *(["go.work.sum"] if "go.work.sum" in tree.files else [])}
    inside = sorted(place for place in found if not place.startswith(".."))
    return tuple(inside) if len(inside) > 1 and "." not in inside else (".",) if len(inside) > 1 else ()


def _python(tree: Tree, folder: str) -> list[Draft] | str:
    manifest = tree.toml(folder, PYPROJECT)
    project = manifest.get("project")
    if not isinstance(project, dict):
        return "it has no [project]"
    tool = table(manifest, "tool", "uv")
    if tool.get("package") is False or ("workspace" in tool and "build-system" not in manifest):
        return "it is the root of a uv workspace, and no package"
    maturin, crate = cargodrafts.is_maturin(tree, folder), cargodrafts.crate_of(tree, folder)
    moving, path = dynamic(manifest), join(folder, PYPROJECT)
    programs = string(table(manifest, "tool", "maturin"), "bindings") == "bin"
    notes = []
    if moving and not maturin and not scm_backend(manifest):
        notes.append(f"{path}: leaves its version to the build backend; write project.version, or package.NAME.version")
    if maturin and not tree.text(crate, CARGO):
        return f"there is no {join(crate, CARGO)} for maturin"
    return [
        Draft(
            build="maturin" if maturin and not programs else "python",
            path=folder,
            title=string(project, "name") or folder,
            line=cargodrafts.line(tree, crate) if maturin and (moving or programs) else path,
            description=string(project, "description").strip(),
            license=string(project, "license"),
            wraps=crate if maturin and programs else "",
            notes=tuple(notes),
        )
    ]


def _zig(tree: Tree, folder: str) -> list[Draft] | str:
    """Names are read by eye: build.zig is a program."""
    programs = _ZIG_PROGRAM.findall(tree.text(folder, "build.zig"))
    name = _ZON_NAME.search(tree.text(folder, "build.zig.zon"))
    if not programs:
        return "it makes no program"
    title = name[1] if name else programs[0]
    line = join(folder, "build.zig.zon")
    return [Draft(build="zig", path=folder, title=title, line=line, programs=known(programs))]


def _bun(tree: Tree, folder: str) -> list[Draft] | str:
    """A package for each program of `bin`; without them a private one has the file that it begins with."""
    above = (str(place) for place in (PurePosixPath(folder), *PurePosixPath(folder).parents))
    if not any(join(place, BUN_LOCK) in tree.files for place in above):
        return f"there is no {BUN_LOCK}"
    manifest = _json(tree.text(folder, "package.json"))
    title, named = string(manifest, "name").rpartition("/")[2] or folder, manifest.get("bin")
    found = {title: named} if isinstance(named, str) else table(manifest, "bin")
    if not found and manifest.get("private") is True:
        found = {title: string(manifest, "module") or string(manifest, "main") or _BUN_MAIN}
    there = frozenset(tree.below(folder))
    mains = {name: posixpath.normpath(str(file)) for name, file in found.items()}
    return [
        Draft(
            build="bun",
            path=folder,
            title=name,
            line=join(folder, "package.json"),
            programs=known([name]),
            description=string(manifest, "description"),
            license=string(manifest, "license"),
            main="." if main == _BUN_MAIN else main,
        )
        for name, main in mains.items()
        if main in there
    ] or "it names no program: `bin`, and a file that is there"


def _json(text: str) -> Table:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


_READERS: Final[Mapping[str, Callable[[Tree, str], list[Draft] | str]]] = {
    CARGO: cargodrafts.drafts,
    "go.mod": _go,
    PYPROJECT: _python,
    "build.zig": _zig,
    "package.json": _bun,
}
