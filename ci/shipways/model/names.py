"""The names of steps and files: one place, so that a step can name what it needs without knowing its maker."""

from collections.abc import Sequence
from typing import Final

from shipways.model.target import Target

COMPILED = frozenset({"rust", "go", "zig", "bun", "prebuilt"})
"""Builders that make a program for each target."""


def binary_step(package: str, triple: str) -> str:
    """The step that builds a package's programs for a target."""
    return f"builders/{package}/{triple}"


def sdist_step(package: str) -> str:
    """The step that makes the source distribution of a Python package."""
    return f"builders/{package}/sdist"


def crate_step(package: str) -> str:
    """The step that packs a Rust package for a registry."""
    return f"builders/{package}/crate"


def crate_file(crate: str, version: str) -> str:
    """The file that cargo makes (Cargo Book, "cargo package")."""
    return f"{crate}-{version}.crate"


def binary_folder(package: str, triple: str) -> str:
    """Where those programs lie below `dist/`."""
    return f"bin/{package}-{triple}/"


def stem(package: str, version: str, target: Target) -> str:
    """The name of an archive without its suffix, and of the one folder in it."""
    return f"{package}-{version}-{target.triple}"


def sbom_step(package: str, artifact: str) -> str:
    """The step that lists what is in an archive or platform wheel (by its triple), the `sdist` or the `wheel`."""
    return f"bundle/sbom/{package}/{artifact}"


def archive_step(package: str, triple: str) -> str:
    """The step that packs a package's programs for a target."""
    return f"bundle/archive/{package}/{triple}"


def release_stem(project: str, versions: Sequence[tuple[str, str]]) -> str:
    """How the files begin that are about the whole release, from the names and versions of its packages.

    Packages that are released one by one may come to the same version, so each then gives its own name.
    """
    name, version = versions[0]
    return f"{name if len(versions) == 1 else project}-{version}"


def image_step(image: str, platform: str = "") -> str:
    """The step that makes an image's index, or with a platform (`linux/amd64`) its manifest."""
    return f"images/{image}/{platform.replace('/', '-')}".rstrip("/")


def image_folder(image: str) -> str:
    """Where an image lies below `dist/`, as an OCI image layout."""
    return f"images/{image}/"


def image_tag(version: str) -> str:
    """A version as a tag of an image: `+` cannot be in one (distribution-spec, "Pulling manifests")."""
    return version.replace("+", "_")


GITHUB: Final = "https://github.com"
"""The site of the public forge."""


def forge_url(repository: str, site: str = GITHUB) -> str:
    """The web page of `owner/name`."""
    return f"{site}/{repository}"


def site_of(api: str) -> str:
    """The site of the forge that has this base URL for its API (GitHub Enterprise documentation, "Using the API").

    `https://HOST/api/v3` belongs to `https://HOST`, `https://api.HOST` too; empty to the public forge.
    """
    scheme, _, rest = api.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host if path.strip('/') else host.removeprefix('api.')}" if api else GITHUB


FORMULAS: Final = "formula/"
"""Where formulas lie below `dist/`."""


def formula_file(name: str) -> str:
    """A formula below `dist/`."""
    return f"{FORMULAS}{name}.rb"
