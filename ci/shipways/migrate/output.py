"""The files of a migration: aisopod's configuration, variables and secrets, none of them readable to others."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from shipways.errors import BuildError, ConfigError, Problem
from shipways.migrate.mapping import Migration
from shipways.ports import Files


def secrets_folder(place: Path) -> Path:
    """Where secrets lie that no environment file can hold: aisopod.secrets beside aisopod.json."""
    return place.with_suffix(".secrets")


def texts(migration: Migration, place: Path) -> Mapping[Path, str]:
    """Every file with its text, the configuration last: what it refers to is there before it."""
    found = {secrets_folder(place) / name: value for name, value in migration.files.items()}
    if migration.variables:
        lines = (f"{name}={value}\n" for name, value in migration.variables.items())
        found[place.with_suffix(".env")] = "".join(lines)
    found[place] = json.dumps(migration.config, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return found


def write(found: Mapping[Path, str], files: Files, inputs: Collection[Path], *, force: bool) -> None:
    """Write all of them. Raises ConfigError for one that would replace an input, or, without force, something else."""
    for path, said in found.items():
        if files.real(path) in inputs:
            raise ConfigError(Problem(path=str(path), what="is what OpenClaw reads", hint="name another file"))
        if files.exists(path) and not force and files.read(path) != said.encode():
            hint = "--force replaces it"
            raise ConfigError(Problem(path=str(path), what="is there already, and is not what this makes", hint=hint))
    try:
        for path, said in found.items():
            with files.create(path, private=True) as stream:
                stream.write(said.encode())
    except BuildError as error:
        raise ConfigError(*error.problems) from None
