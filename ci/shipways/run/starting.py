"""What `init` writes for a repository, and what it says about it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shipways import __version__
from shipways.config.load import has_table, parse
from shipways.detect import MANIFESTS, Project
from shipways.drafts import Tree
from shipways.errors import ConfigError, Problem
from shipways.model.facts import Rust
from shipways.model.target import ALL, GNULLVM
from shipways.render.text import render

_GITHUB: Final = "github.com"
_TARGETS: Final = frozenset(GNULLVM.triple if target.libc == "msvc" else target.triple for target in ALL)
"""What a Rust package is built for: windows-msvc needs an SDK with a licence, which nobody can accept for a user."""
_UNTRACKED: Final = {
    "/dist/": re.compile(r"^/?dist/?\s*$", re.MULTILINE),
    "__pycache__/": re.compile(r"^(\*\*/)?(__pycache__/?|\*\.py(c|\[\w+\]))\s*$", re.MULTILINE),
}
"""Lines of .gitignore, and what does the same: nox leaves its noxfile's bytecode, which would make a release dirty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The texts of the files to write, by name, and lines for the reader."""

    texts: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """The Rust that a config names: a release, empty for none, and whether it has to build its own library."""

    version: str = ""
    build_std: bool = False
    note: str = ""


def compiler(own: str, found: Sequence[Rust], *, pinned: bool) -> Compiler:
    """The one that builds for every target. `own` is the release of this folder; where that is `pinned`, no other.

    It is the first that has the libraries of all targets, then the first with the sources of its library.
    """
    able = [rust for rust in found if (rust.version == own or not pinned) and _whole(rust)]
    chosen = next((rust for rust in able if rust.version == own), None) or next(iter(able), None)
    if chosen is None:
        there = {triple for rust in found if rust.version == own for triple in rust.targets}
        command = f"rustup target add --toolchain {own} {' '.join(sorted(_TARGETS - there))}"
        why = f"rustc {own} has no library for the other targets"
        return Compiler(version=own, note=f"Cargo.toml: {why}: `{command}`" if own else "")
    built = not set(chosen.targets) >= _TARGETS
    told = f"toolchain.rust: {chosen.version}, for {own} builds only for some targets" if chosen.version != own else ""
    return Compiler(version=chosen.version, build_std=built, note=told)


def _whole(rust: Rust) -> bool:
    return bool(rust.sources) or set(rust.targets) >= _TARGETS


def start(project: Project, tree: Tree, *, rust: Compiler, force: bool) -> Start:
    """A config that `check` passes, a noxfile, and a .gitignore that keeps what a run leaves out of the sources.

    A noxfile that is there stays, unless `force`. `rust` is the compiler to name.
    Raises ConfigError where nothing is recognised, or a config is there already and `force` is not set.
    """
    _check(project, tree, rust=rust.version, force=force)
    config = config_text(project, rust)
    parse(config, "shipways.toml")
    texts, notes = {"shipways.toml": config}, [*project.notes, *([rust.note] if rust.note else [])]
    if project.host != _GITHUB:
        where = f"{project.host} is not {_GITHUB}" if project.host else "git has no origin yet"
        notes.append(f"publish.github: is left out, for {where}; the comment in shipways.toml shows it")
    if "noxfile.py" in tree.files and not force:
        notes.append("noxfile.py: is there and stays; give it a session that runs `shipways release`")
    else:
        texts["noxfile.py"] = render("init/noxfile.py", version=__version__)
    ignored = tree.texts.get(".gitignore", "")
    if lines := [line for line, there in _UNTRACKED.items() if not there.search(ignored)]:
        begin = ignored + ("\n" if ignored and not ignored.endswith("\n") else "")
        texts[".gitignore"] = begin + "".join(f"{line}\n" for line in lines)
        notes.append(f".gitignore: gets {', '.join(lines)}, for what a release leaves is no source of the next one")
    return Start(texts=texts, notes=tuple(notes))


def config_text(project: Project, rust: Compiler) -> str:
    """The config of a project."""
    return render(
        "init/shipways.toml",
        project=project,
        rust=rust.version if project.needs_rust else "",
        build_std=rust.build_std,
        github=project.host == _GITHUB,
        gnullvm=GNULLVM.triple,
        bun=tuple(target.triple for target in ALL if target.libc != "musl" and target.triple != "x86_64-apple-darwin"),
        unix=tuple(target.triple for target in ALL if target.system != "windows"),
    )


def _check(project: Project, tree: Tree, *, rust: str, force: bool) -> None:
    if not project.packages:
        raise ConfigError(
            Problem(
                what="nothing that shipways can build is here",
                why="; ".join(project.notes) or f"there is none of {', '.join(MANIFESTS)}, here or two folders below",
                hint='change to the project, or write shipways.toml with build = "command": `shipways explain package`',
            )
        )
    problems = []
    if not force and "shipways.toml" in tree.files:
        problems.append(Problem(path="shipways.toml", what="is there already", hint="--force writes over it"))
    if has_table(tree.texts.get("pyproject.toml", "")):
        problems.append(
            Problem(path="pyproject.toml", what="has [tool.shipways] already", hint="take it out, or keep it as it is")
        )
    if project.needs_rust and not rust:
        why = "[toolchain] rust says which release builds, and that has to be one that is installed"
        problems.append(Problem(path="Cargo.toml", what="there is no rustc", why=why, hint="install Rust"))
    if problems:
        raise ConfigError(*problems)
