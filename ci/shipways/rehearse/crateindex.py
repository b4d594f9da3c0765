"""The line that an index of crates has for an upload, for the stand-in of a registry."""

from collections.abc import Mapping
from typing import Any

from shipways.model.digest import digest_bytes


def index_entry(metadata: Mapping[str, Any], data: bytes) -> dict[str, Any]:
    """The line of the index for an upload (Cargo Book, "Index Format", "JSON schema")."""
    old: dict[str, list[str]] = {}
    new: dict[str, list[str]] = {}
    for name, values in metadata["features"].items():
        modern = any(value.startswith("dep:") or "?/" in value for value in values)
        (new if modern else old)[name] = values
    return {
        "name": metadata["name"],
        "vers": metadata["vers"],
        "deps": [_index_dependency(dep) for dep in metadata["deps"]],
        "cksum": digest_bytes(data).removeprefix("sha256:"),
        "features": old,
        **({"features2": new} if new else {}),
        "yanked": False,
        "links": metadata["links"],
        "v": 2 if new else 1,
        "rust_version": metadata["rust_version"],
    }


def _index_dependency(dep: Mapping[str, Any]) -> dict[str, Any]:
    """In the index the name is the one of the manifest's key, and `package` the crate's."""
    renamed = dep.get("explicit_name_in_toml")
    return {
        "name": renamed or dep["name"],
        "req": dep["version_req"],
        "features": dep["features"],
        "optional": dep["optional"],
        "default_features": dep["default_features"],
        "target": dep["target"],
        "kind": dep["kind"],
        "registry": dep.get("registry"),
        "package": dep["name"] if renamed else None,
    }
