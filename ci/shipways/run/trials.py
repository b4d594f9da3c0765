"""What users would do to install a release, as commands: which follow from its manifest. Nothing runs here."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from packaging.tags import Tag
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from shipways.config.schema import Config
from shipways.model.artifact import Kind
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry
from shipways.model.names import image_folder
from shipways.model.oci import MANIFEST
from shipways.model.target import BY_TRIPLE

FOLDER: Final = "{folder}"
"""Stands in commands for an empty folder."""
TAP: Final = "shipways/verify"
Argv = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The machine that tries: its Python, the tags of wheels for it, and its architecture as OCI calls it.

    `crates` is the index of the config's registry of crates; empty where cargo knows it anywhere.
    """

    python: str
    tags: frozenset[Tag]
    goarch: str
    crates: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One installation. When `probe` fails there is no such tool; `why` says what keeps it from being tried at all.

    `files` are written first, then `steps` run. `prints` must print one of `versions`, as must the first program of
    `programs` that was installed. `copies` are artifacts, by path, that lie below the folder under their names.
    `needless` is what the tool says where there is nothing to install.
    """

    name: str
    tool: str
    versions: tuple[str, ...]
    probe: Argv = ()
    why: str = ""
    files: tuple[tuple[str, str], ...] = ()
    copies: tuple[str, ...] = ()
    steps: tuple[Argv, ...] = ()
    prints: tuple[Argv, ...] = ()
    programs: tuple[str, ...] = ()
    needless: str = ""


def trials(config: Config, manifest: Manifest, host: Host) -> tuple[Trial, ...]:
    """An installation for each package, from each kind of place that the config names."""
    found: list[Trial] = []
    for package in manifest.packages:
        mine = [entry for entry in manifest.artifacts if entry.package == package.name]
        programs = _programs(config, manifest, package.name)
        if config.publish.pypi:
            found += _distributions(config.publish.pypi.simple, mine, programs, host)
        if config.publish.crates:
            found += _crates(host.crates, package, mine, programs)
        if config.publish.registry:
            found += _images(config, package, manifest, host)
        found += (_formula(package, entry, programs) for entry in mine if entry.kind == Kind.FORMULA)
    return tuple(found)


def tells(text: str, versions: Sequence[str]) -> bool:
    """Whether a text has one of these versions as a word of its own."""
    words = "|".join(map(re.escape, versions))
    return re.search(rf"(?<![0-9A-Za-z.+-])v?({words})(?![0-9A-Za-z+-]|\.[0-9A-Za-z])", text) is not None


def _programs(config: Config, manifest: Manifest, name: str) -> tuple[str, ...]:
    """What the programs of a package may be called, the likeliest first."""
    table = config.package.get(name)
    owners = {name, table.python.binary or "" if table else ""}
    made = (e.name.removesuffix(".exe") for e in manifest.artifacts if e.kind == Kind.BINARY and e.package in owners)
    said = (table.python.distribution or "" if table else "", name)
    return tuple(dict.fromkeys(program for program in (*made, *said) if program))


def _distributions(simple: str, mine: Sequence[ArtifactEntry], programs: Sequence[str], host: Host) -> Iterator[Trial]:
    """A new environment; our own package comes from its index, and its hashes are ours."""
    files = [entry for entry in mine if entry.kind in (Kind.WHEEL, Kind.SDIST)]
    for (name, version), group in groupby(sorted(files, key=_named), key=_named):
        entries = tuple(group)
        wheels = [entry for entry in entries if entry.kind == Kind.WHEEL]
        fits = any(parse_wheel_filename(entry.name)[3] & host.tags for entry in wheels)
        lines = "".join(f" --hash={entry.digest}" for entry in entries)
        python = f"{FOLDER}/venv/bin/python"
        pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir")
        index = ("--index-url", simple) if simple else ()
        only = ("--only-binary", ":all:") if fits else ()
        yield Trial(
            name=f"pypi/{name} {version}",
            tool="python",
            versions=(version,),
            probe=(host.python, "--version"),
            why="" if len(wheels) < len(entries) or fits else "no wheel is for this machine",
            files=(("requirements.txt", f"{name}=={version}{lines}\n"),),
            steps=(
                (host.python, "-m", "venv", f"{FOLDER}/venv"),
                (*pip, "--no-deps", "--require-hashes", *index, *only, "-r", f"{FOLDER}/requirements.txt"),
                (*pip, f"{name}=={version}"),  # what it depends on, from where this user gets packages
            ),
            prints=((python, "-I", "-c", f"import importlib.metadata as m; print(m.version({name!r}))"),),
            programs=tuple(f"{FOLDER}/venv/bin/{program}" for program in programs),
        )


def _named(entry: ArtifactEntry) -> tuple[str, str]:
    wheel = entry.kind == Kind.WHEEL
    name, version = parse_wheel_filename(entry.name)[:2] if wheel else parse_sdist_filename(entry.name)
    return name, str(version)


def _crates(
    index: str, package: PackageEntry, mine: Sequence[ArtifactEntry], programs: Sequence[str]
) -> Iterator[Trial]:
    """By its index, since `cargo install` does not read the config of the folder it is started in."""
    place = ("--index", index) if index else ()
    for entry in mine:
        if entry.kind == Kind.CRATE:
            name = entry.name.removesuffix(f"-{package.version}.crate")
            target = ("--root", f"{FOLDER}/root", "--target-dir", f"{FOLDER}/target")
            wanted = (name, "--version", f"={package.version}")
            yield Trial(
                name=f"crates/{name} {package.version}",
                tool="cargo",
                versions=(package.version,),
                probe=("cargo", "--version"),
                steps=(("cargo", "install", "--quiet", *wanted, *target, *place),),
                programs=tuple(f"{FOLDER}/root/bin/{program}" for program in dict.fromkeys((*programs, name))),
                needless="there is nothing to install",
            )


def _images(config: Config, package: PackageEntry, manifest: Manifest, host: Host) -> Iterator[Trial]:
    for image, table in config.image.items():
        parts = [entry for entry in manifest.artifacts if entry.path.startswith(image_folder(image))]
        index = next((entry for entry in parts if entry.kind == Kind.IMAGE), None)
        if table.package != package.name or index is None:
            continue
        made = {BY_TRIPLE[e.target].goarch for e in parts if e.media_type == MANIFEST and e.target in BY_TRIPLE}
        for repository in table.repositories:
            name = f"{repository}@{index.digest}"
            yield Trial(
                name=f"registry/{repository} {package.version}",
                tool="docker",
                versions=(package.version,),
                probe=("docker", "version"),
                why="" if host.goarch in made else f"it has no platform of this machine ({host.goarch})",
                prints=(("docker", "run", "--rm", "--network=none", "--quiet", name, "--version"),),
            )


def _formula(package: PackageEntry, entry: ArtifactEntry, programs: Sequence[str]) -> Trial:
    """In a Homebrew of its own: the user's programs stay as they are."""
    brew, tap = f"{FOLDER}/brew/bin/brew", f"{FOLDER}/brew/Library/Taps/{TAP.replace('/', '/homebrew-')}/Formula"
    name = entry.name.removesuffix(".rb")
    return Trial(
        name=f"formula/{name} {package.version}",
        tool="brew",
        versions=(package.version,),
        probe=("brew", "--version"),
        copies=(entry.path,),
        steps=(
            ("sh", "-c", 'git clone --quiet "$(brew --repository)" "$0"', f"{FOLDER}/brew"),
            (brew, "tap-new", "--no-git", TAP),
            ("cp", f"{FOLDER}/{entry.name}", f"{tap}/{entry.name}"),
            (brew, "install", f"{TAP}/{name}"),
            (brew, "test", f"{TAP}/{name}"),
        ),
        programs=tuple(f"{FOLDER}/brew/bin/{program}" for program in programs),
    )
