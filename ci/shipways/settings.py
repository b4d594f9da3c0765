"""The project's own files: where the config is, and what it and the lock say."""

from dataclasses import dataclass
from pathlib import Path

from shipways.adapters.files import DiskFiles
from shipways.config.load import FILE_NAMES, decode, has_table, parse
from shipways.config.lockfile import FILE_NAME, parse_lock
from shipways.config.schema import Config
from shipways.errors import ConfigError, Problem
from shipways.model.lock import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the project's own files say; `lock` is None where there is no such file."""

    folder: Path
    config: Config
    lock: Lock | None


def write(path: Path, text: str) -> None:
    """Write a small file of the project."""
    with DiskFiles().create(path) as stream:
        stream.write(text.encode())


def read(path: Path) -> str:
    """The text of a small file of the project. Raises ConfigError when it cannot be read."""
    try:
        return decode(path.read_bytes(), path.name)
    except OSError as error:
        raise ConfigError(Problem(path=str(path), what="cannot be read", why=error.strerror or str(error))) from None


def find_config(folder: Path) -> tuple[Path, str]:
    """The config file of a folder or the nearest one above, and its text. Raises ConfigError when there is none."""
    for parent in (folder, *folder.parents):
        for name in FILE_NAMES:
            path = parent / name
            if path.is_file():
                text = read(path)
                if name == "shipways.toml" or has_table(text):
                    _at_the_top(path)
                    return path, text
        if (parent / ".git").exists():
            break
    raise ConfigError(
        Problem(path=str(folder), what="there is no shipways.toml", hint="`shipways init` writes one for this project")
    )


def _at_the_top(path: Path) -> None:
    """Paths in the config are the repository's, so it lies at its top. Raises ConfigError where it does not."""
    top = next((parent for parent in path.parents if (parent / ".git").exists()), path.parent)
    if top != path.parent:
        raise ConfigError(
            Problem(
                path=str(path),
                what="does not lie at the top of the repository",
                why=f"that is {top}; a package in a folder has it as its package.NAME.path",
                hint="move it there",
            )
        )


def settings(folder: Path, *, relock: bool = False) -> Settings:
    """Read config and lock of the project that a folder is in.

    Raises ConfigError with the problems of both, of the lock only when it is to be used.
    """
    path, text = find_config(folder)
    problems: list[Problem] = []
    config = lock = None
    try:
        config = parse(text, path.name)
    except ConfigError as error:
        problems += error.problems
    try:
        lock_path = path.parent / FILE_NAME
        lock = parse_lock(read(lock_path)) if lock_path.exists() else None
    except ConfigError as error:
        problems += () if relock else error.problems
    if config is None or problems:
        raise ConfigError(*problems)
    return Settings(folder=path.parent, config=config, lock=lock)
