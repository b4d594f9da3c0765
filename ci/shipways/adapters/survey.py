"""Looks over a repository and its machine for `init`, before git or a config is there."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from shipways.detect import COMMAND, DEPTH, PASSED, READ
from shipways.drafts import Tree
from shipways.model.facts import Rust
from shipways.ports import Process, Shell
from shipways.rustfacts import installed

_DEEPEST: Final = DEPTH + 3  # src/bin/NAME/main.rs below a manifest
_LARGEST: Final = 1 << 20


def survey(root: Path) -> Tree:
    """The files of a repository, and the text of its manifests; hidden folders and those of `PASSED` are left out."""
    files = tuple(sorted(_files(root)))
    wanted = [file for file in files if file.rpartition("/")[2] in READ or COMMAND.fullmatch(file)]
    wanted += [".git/config", ".gitignore"]
    return Tree(files=files, texts={file: text for file in wanted if (text := _text(root / file)) is not None})


async def rust_here(process: Process, shell: Shell) -> tuple[str, tuple[Rust, ...]]:
    """The release of the rustc that this folder would be built with (empty where there is none), and all compilers."""
    own = await _rust_version(process, shell)
    return own, tuple(found.rust for found in await installed(process, shell, own)) if own else ()


async def _rust_version(process: Process, shell: Shell) -> str:
    env = dict(shell.env()) | {"RUSTUP_AUTO_INSTALL": "0"}
    try:
        answer = await process.run(("rustc", "--version"), cwd=shell.cwd(), env=env)
    except FileNotFoundError:
        return ""
    match = re.match(r"rustc (\d+\.\d+\.\d+\S*) ", answer.stdout)
    return match[1] if match and answer.code == 0 else ""


def _files(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        passed = len(here.parts) >= _DEEPEST
        folders[:] = [] if passed else [name for name in folders if name[0] != "." and name not in PASSED]
        yield from ((here / name).as_posix() for name in names)


def _text(path: Path) -> str | None:
    """The text of a file; None for one that is not there, not readable, or too large for a manifest."""
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size <= _LARGEST else None
    except OSError:
        return None
