"""Reads .crate files, and says of one what cargo says to a registry when it publishes (Cargo Book, "Web API")."""

import gzip
import io
import tarfile
import tomllib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shipways.errors import BuildError, Problem
from shipways.pack.cargowords import cfg_text, requirement_text

_NORMAL: Final = ("dependencies", "normal")
_BUILD: Final = ("build-dependencies", "build")
_DEV: Final = ("dev-dependencies", "dev")
_READMES: Final = ("README.md", "README.txt", "README")
"""What cargo takes when a manifest does not say (Cargo Book, "The readme field")."""

Table = Mapping[str, Any]
"""A table of TOML that cargo has written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedCrate:
    """A .crate: its Cargo.toml as cargo has normalized it, and its readme."""

    manifest: Table
    readme_file: str | None
    readme: str | None

    @property
    def package(self) -> Table:
        """`[package]`."""
        package: Table = self.manifest["package"]
        return package

    @property
    def dependencies(self) -> tuple[Table, ...]:
        """Every dependency, with its key as `key`, and `kind` and `target`, in cargo's order."""
        return tuple(_dependencies(self.manifest))


def index_path(name: str) -> str:
    """Where a crate's file lies in an index, which has the name in lower case (Cargo Book, "Index files")."""
    if len(name) <= 2:
        return f"{len(name)}/{name}"
    return f"3/{name[0]}/{name}" if len(name) == 3 else f"{name[:2]}/{name[2:4]}/{name}"


def read_crate(data: bytes, name: str) -> PackedCrate:
    """The crate in a file of this name. Raises BuildError when it is none."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            top = archive.getnames()[0].partition("/")[0]
            manifest = tomllib.loads(_text(archive, f"{top}/Cargo.toml"))
            file = _readme_file(manifest["package"].get("readme"), archive, top)
            readme = None if file is None else _text(archive, f"{top}/{file}")
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, IndexError, KeyError, ValueError) as error:
        raise BuildError(Problem(path=name, what="is not a .crate that cargo has packed", why=str(error))) from None
    return PackedCrate(manifest=manifest, readme_file=file, readme=readme)


def upload_metadata(crate: PackedCrate, *, index: str, crates_io: str) -> dict[str, Any]:
    """The JSON of an upload to the registry with this index.

    `crates_io` is what cargo calls the index of crates.io; empty when it is this registry.
    """
    package = crate.package
    return {
        "name": package["name"],
        "vers": package["version"],
        "deps": [_dependency(entry, index, crates_io) for entry in crate.dependencies],
        "features": dict(crate.manifest.get("features", {})),
        "authors": list(package.get("authors", ())),
        "description": package.get("description"),
        "documentation": package.get("documentation"),
        "homepage": package.get("homepage"),
        "readme": crate.readme,
        "readme_file": crate.readme_file,
        "keywords": list(package.get("keywords", ())),
        "categories": list(package.get("categories", ())),
        "license": package.get("license"),
        "license_file": package.get("license-file"),
        "repository": package.get("repository"),
        "badges": dict(crate.manifest.get("badges", {})),
        "links": package.get("links"),
        "rust_version": package.get("rust-version"),
    }


def _text(archive: tarfile.TarFile, path: str) -> str:
    stream = archive.extractfile(path)
    if stream is None:
        raise KeyError(path)
    return stream.read().decode()


def _readme_file(said: object, archive: tarfile.TarFile, top: str) -> str | None:
    if isinstance(said, str):
        return said
    there = archive.getnames()
    candidates: Sequence[str] = () if said is False else _READMES
    return next((name for name in candidates if f"{top}/{name}" in there), None)


def _dependencies(manifest: Table) -> Iterator[Table]:
    """A manifest's own tables first, then those of each target; cargo reads the two in different orders."""
    own = (("", manifest, (_NORMAL, _DEV, _BUILD)),)
    targets = ((name, tables, (_NORMAL, _BUILD, _DEV)) for name, tables in manifest.get("target", {}).items())
    for target, tables, kinds in (*own, *targets):
        for table, kind in kinds:
            for key, value in tables.get(table, {}).items():
                entry = {"version": value} if isinstance(value, str) else value
                yield {**entry, "key": key, "kind": kind, "target": target}


def _dependency(entry: Table, index: str, crates_io: str) -> dict[str, Any]:
    """One of `deps`. A registry is named only when it is not the one that is published to."""
    registry = entry.get("registry-index") or crates_io
    found = {
        "optional": entry.get("optional", False),
        "default_features": entry.get("default-features", True),
        "name": entry.get("package", entry["key"]),
        "features": list(entry.get("features", ())),
        "version_req": requirement_text(entry.get("version", "*")),
        "target": cfg_text(entry["target"]) or None,
        "kind": entry["kind"],
    }
    if registry and registry.rstrip("/") != index.rstrip("/"):
        found["registry"] = registry
    if "package" in entry:
        found["explicit_name_in_toml"] = entry["key"]
    return found
