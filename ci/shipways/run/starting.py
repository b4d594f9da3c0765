"""What `init` writes for a repository, and what it says about it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shipways import __version__
from shipways.config.load import has_table, parse
from shipways.detect import MANIFESTS, Project, Tree
from shipways.errors import ConfigError, Problem
from shipways.render.text import render

_IGNORES_DIST: Final = re.compile(r"^/?dist/?\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The texts of the files to write, by name, and lines for the reader."""

    texts: Mapping[str, str]
    notes: tuple[str, ...]


def start(project: Project, tree: Tree, *, rust: str, force: bool) -> Start:
    """A config that `check` passes, a noxfile, and a .gitignore that keeps dist/ out of the sources.

    A noxfile that is there stays, unless `force`. `rust` is the release of rustc here, or empty.
    Raises ConfigError where nothing is recognised, or a config is there already and `force` is not set.
    """
    _check(project, tree, rust=rust, force=force)
    config = render("init/shipways.toml", project=project, rust=rust)
    parse(config, "shipways.toml")
    texts, notes = {"shipways.toml": config}, list(project.notes)
    if "noxfile.py" in tree.files and not force:
        notes.append("noxfile.py: is there and stays; give it a session that runs `shipways release`")
    else:
        texts["noxfile.py"] = render("init/noxfile.py", version=__version__)
    ignored = tree.texts.get(".gitignore", "")
    if not _IGNORES_DIST.search(ignored):
        texts[".gitignore"] = ignored + ("\n" if ignored and not ignored.endswith("\n") else "") + "/dist/\n"
        notes.append(".gitignore: gets /dist/, for what a release makes is no source of the next one")
    return Start(texts=texts, notes=tuple(notes))


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
