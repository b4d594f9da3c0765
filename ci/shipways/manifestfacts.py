"""Where the version of each package is written: what is read there is what `version set` changes."""

import json
import posixpath
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shipways.config.packages import Package
from shipways.config.schema import Config
from shipways.errors import PreflightError, Problem

MANIFESTS: Final = {
    "rust": "Cargo.toml",
    "python": "pyproject.toml",
    "maturin": "pyproject.toml",
    "zig": "build.zig.zon",
    "bun": "package.json",
}
ZON_VERSION: Final = re.compile(r'(?P<key>\.version\s*=\s*)"(?P<said>[^"]+)"')
JSON_VERSION: Final = re.compile(r'(?P<key>"version"\s*:\s*)"(?P<said>[^"]+)"')
_SCM: Final = re.compile(r"(setuptools[-_.]scm|hatch[-_.]vcs)\b")
"""Build requirements that ask git: setuptools-scm, and hatch-vcs, which is built upon it."""
_WORKSPACE: Final = ("workspace", "package", "version")

Read = Callable[[str], str | None]
"""The text of a file of the repository by its path; None when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A version that is written: in which file (empty: that of the config), under which TOML keys, and what it says.

    `keys` are those from the top of a package's own config or manifest; none in a file that is not TOML.
    """

    path: str
    keys: tuple[str, ...]
    said: str


def place(config: Config, name: str, read: Read) -> Place | None:
    """Where the version of a package is written; None where only tags say it.

    A wheel around the program of another package has that one's. Raises PreflightError for a manifest that is no TOML.
    """
    own = config.package[name]
    named = own.python.binary if own.python.binary and not own.version else name
    package = config.package[named]
    if package.version:
        return Place(path="", keys=("package", named, "version"), said=package.version)
    return None if package.python.binary else _in_manifest(package, read)


def crate_place(path: str, read: Read) -> Place | None:
    """Where the version of the crate with this Cargo.toml is written: there, or in that of its workspace."""
    text = read(path)
    said = string_in(toml_of(path, text), "package", "version") if text is not None else None
    if said is not None:
        return Place(path=path, keys=("package", "version"), said=said)
    folder = Path(path).parent
    for at in (folder, *folder.parents) if text is not None else ():
        above = (at / "Cargo.toml").as_posix()
        found = read(above)
        if found and (said := string_in(toml_of(above, found), *_WORKSPACE)):
            return Place(path=above, keys=_WORKSPACE, said=said)
    return None


def _in_manifest(package: Package, read: Read) -> Place | None:
    if package.build not in MANIFESTS:
        return None
    path = Path(package.path, MANIFESTS[package.build]).as_posix()
    if package.build == "rust":
        return crate_place(path, read)
    text = read(path)
    if text is None:
        return None
    if package.build in ("zig", "bun"):
        match = ZON_VERSION.search(text)
        said = string_in(json_of(path, text), "version") if package.build == "bun" else match and match["said"]
        return Place(path=path, keys=(), said=said) if said else None
    said = string_in(toml_of(path, text), "project", "version")
    if said is None and package.build == "maturin":
        return crate_place(maturin_crate(package.path, toml_of(path, text)), read)
    return Place(path=path, keys=("project", "version"), said=said) if said is not None else None


def maturin_crate(folder: str, pyproject: object) -> str:
    """The Cargo.toml that maturin builds for the Python project in a folder (its guide, "Configuration")."""
    said = string_in(pyproject, "tool", "maturin", "manifest-path") or "Cargo.toml"
    return posixpath.normpath(posixpath.join(folder, said))


def dynamic(pyproject: object) -> bool:
    """Whether a pyproject.toml says that the backend finds the version (PEP 621, "dynamic")."""
    project = pyproject.get("project") if isinstance(pyproject, Mapping) else None
    said = project.get("dynamic") if isinstance(project, Mapping) else None
    return isinstance(said, list) and "version" in said


def scm_backend(pyproject: object) -> bool:
    """Whether the version of a Python project is that of the tag, by its build requirements."""
    system = pyproject.get("build-system") if isinstance(pyproject, Mapping) else None
    requires = system.get("requires") if isinstance(system, Mapping) else None
    return isinstance(requires, list) and any(_SCM.match(str(name).lower()) for name in requires)


def json_of(path: str, text: str) -> object:
    """What a JSON text says. Raises PreflightError when it is none."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PreflightError(Problem(path=path, what="is not valid JSON", why=str(error))) from None
    return found


def toml_of(path: str, text: str) -> object:
    """What a TOML text says. Raises PreflightError when it is none."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise PreflightError(Problem(path=path, what=f"not valid TOML: {error}")) from None


def string_in(data: object, *keys: str) -> str | None:
    """The string under these keys; None where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, str) else None
