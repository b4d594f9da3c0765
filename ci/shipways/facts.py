"""Asks the world once, so that everything after is a function of values."""

import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from shipways import cratefacts
from shipways.config import released
from shipways.config.packages import Package
from shipways.config.recipes import filled, read_for, recipes, toolchain_recipes
from shipways.config.schema import Config
from shipways.errors import ConfigError, PreflightError, Problem
from shipways.gitfacts import Repository, last_tag
from shipways.manifestfacts import dynamic, json_of, maturin_crate, place, scm_backend, string_in, toml_of
from shipways.model.facts import Ci, Crate, Facts, Git, LocalFile, PythonProject, Rust
from shipways.model.formula import Formula
from shipways.model.image import ImageBuild
from shipways.model.lock import Lock
from shipways.model.source import SourceTree
from shipways.model.version import NONE, Version, is_semver, number_in
from shipways.ports import Engine, Files, Process, Shell, Sources

PEP_517: Final = ("python", "maturin")
"""Builders of Python projects, whose backends the lock file has."""
_DEPENDING: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "workspaces")
"""Keys of package.json that make bun write a lock file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whom the facts are asked of, and what git and the Dockerfiles of the work tree say."""

    git: Git
    source: SourceTree
    dockerfiles: "Dockerfiles"
    process: Process
    shell: Shell
    sources: Sources
    repository: Repository
    files: Files
    engine: Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfiles:
    """`texts` of those that the config names, by path, and the images to build in that come of them, by name."""

    texts: Mapping[str, str]
    toolchains: Mapping[str, ImageBuild]


def read_dockerfiles(config: Config, lock: Lock, source: SourceTree, sources: Sources) -> Dockerfiles:
    """Those of the work tree. Raises ConfigError with every one that cannot be built in."""
    reader = _Reader(source=source, sources=sources)
    found = {path: reader.text(path) for path in read_for(recipes(config))}
    texts = {path: text.removeprefix("\ufeff") for path, text in found.items() if text is not None}
    toolchains: dict[str, ImageBuild] = {}
    problems: list[Problem] = []
    for build in toolchain_recipes(config):
        try:
            toolchains[build.name] = filled(build, source, texts, lock)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return Dockerfiles(texts=texts, toolchains=toolchains)


async def gather(config: Config, lock: Lock, asked: Asked) -> Facts:
    """Everything a plan may depend on. Raises PreflightError with every package whose version cannot be told."""
    reader = _Reader(source=asked.source, sources=asked.sources)
    return Facts(
        git=asked.git,
        source=asked.source,
        versions=await _versions(config, asked.git, reader, asked),
        lock=lock,
        host=asked.engine.host,
        engine=asked.engine.name,
        ci=ci(asked.shell.env()),
        rust=await _rust(config, asked.engine),
        crates=tuple(_crates(config, reader)),
        python=tuple(
            reader.python(name, p) for name, p in config.package.items() if p.build in PEP_517 and not p.python.binary
        ),
        local=tuple(_local(config, asked)),
        released=tuple(reader.released(config)),
        dockerfiles=tuple(asked.dockerfiles.texts.items()),
        grounds=tuple((n, b.digest) for n, b in asked.dockerfiles.toolchains.items() if not b.unlocked),
        depending=frozenset(n for n, p in config.package.items() if p.build == "bun" and reader.depends(p)),
        xwin=any(
            (Path(asked.shell.env().get("XWIN_CACHE_DIR", "/nowhere")) / name).exists() for name in ("splat", "xwin")
        ),
    )


def host() -> str:
    """This machine as lock files name it: `linux-x86_64`, `darwin-aarch64`, `windows-x86_64` …"""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    return f"{platform.system().lower()}-{machine}"


def ci(env: Mapping[str, str]) -> Ci | None:
    """The CI run this is, by the variables that GitHub Actions sets in every job."""
    if env.get("GITHUB_ACTIONS") == "true":
        is_tag = env.get("GITHUB_REF_TYPE") == "tag" and env.get("GITHUB_EVENT_NAME") == "push"
        return Ci(provider="github", tag=env.get("GITHUB_REF_NAME", "") if is_tag else "")
    return Ci(provider="unknown") if env.get("CI") == "true" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads manifests out of the source tree, so that a fact and what is built can never differ."""

    source: SourceTree
    sources: Sources

    def text(self, path: str) -> str | None:
        file = next((file for file in self.source.files if file.path == path), None)
        return self.sources.read(file).decode(errors="replace") if file else None

    def released(self, config: Config) -> Iterator[Formula]:
        """The formulas in the records of the config's folders."""
        for folder in sorted({formula.folder for formula in config.formula.values()}):
            path = Path(folder, released.FILE_NAME).as_posix()
            text = self.text(path)
            if text is not None:
                yield from released.parse_released(text, path).formulas

    def crate(self, name: str, package: Package) -> Crate:
        """The crate; private when Cargo.toml says `publish = false`, or names no registry to publish to."""
        path = Path(package.path, "Cargo.toml").as_posix()
        manifest = toml_of(path, self.text(path) or "")
        table = manifest.get("package") if isinstance(manifest, dict) else None
        private = isinstance(table, dict) and table.get("publish") in (False, [])
        return Crate(
            package=name,
            path=package.path,
            name=package.rust.crate or name,
            private=private or not package.rust.publish_crate,
        )

    def dependencies(self, package: Package) -> cratefacts.Dependencies:
        """What the crate's Cargo.toml says, and for what it inherits the workspace's: the nearest from there up."""
        path = Path(package.path, "Cargo.toml")
        above = (self.text((folder / "Cargo.toml").as_posix()) for folder in (path.parent, *path.parent.parents))
        tables = [toml_of("Cargo.toml", text) for text in above if text]
        workspace = next((table for table in tables if isinstance(table, dict) and "workspace" in table), {})
        return cratefacts.dependencies(toml_of(path.as_posix(), self.text(path.as_posix()) or ""), workspace)

    def depends(self, package: Package) -> bool:
        """Whether a Bun package, or the workspace that it is of, has dependencies."""
        folder = Path(package.path)
        paths = ((each / "package.json").as_posix() for each in (folder, *folder.parents))
        found = [json_of(path, text) for path in paths if (text := self.text(path))]
        return any(isinstance(each, dict) and any(each.get(key) for key in _DEPENDING) for each in found)

    def python(self, name: str, package: Package) -> PythonProject:
        path = Path(package.path, "pyproject.toml").as_posix()
        text = self.text(path)
        if text is None:
            raise PreflightError(Problem(path=f"package.{name}.path", what=f"there is no {path}"))
        lock = Path(package.path, "requirements.txt").as_posix()
        return replace(python_project(name, package, text), lock=lock if " --hash=" in (self.text(lock) or "") else "")


def python_project(name: str, package: Package, text: str) -> PythonProject:
    """What the text of a package's pyproject.toml says. Raises PreflightError for one that is not valid."""
    path = Path(package.path, "pyproject.toml").as_posix()
    data = toml_of(path, text)
    system = data.get("build-system") if isinstance(data, dict) else None
    requires = system.get("requires") if isinstance(system, dict) else ["setuptools"]  # PEP 517, "Source trees"
    if not (isinstance(requires, list) and all(isinstance(requirement, str) for requirement in requires)):
        raise PreflightError(Problem(path=path, what="build-system.requires is not a list of strings"))
    title = package.python.distribution or string_in(data, "project", "name") or name
    return PythonProject(
        package=name,
        name=re.sub(r"[-_.]+", "_", title).lower(),
        requires=tuple(requires),
        scm=dynamic(data) and scm_backend(data),
        crate=maturin_crate(package.path, data) if package.build == "maturin" else "",
    )


async def _versions(config: Config, git: Git, reader: _Reader, asked: Asked) -> tuple[tuple[str, Version], ...]:
    versions: list[tuple[str, Version]] = []
    problems: list[Problem] = []
    for name, package in config.package.items():
        found = place(config, name, reader.text)
        if found is None and (problem := _left_to_backend(name, package, reader)):
            problems.append(problem)
            continue
        said = found.said if found else await _tagged(package, git, asked)
        if is_semver(said):
            versions.append((name, _version(package, said, git)))
        else:
            problems.append(
                Problem(
                    path=f"package.{name}",
                    what=f"{said!r} is not a version",
                    why="versions are MAJOR.MINOR.PATCH by Semantic Versioning",
                    hint="mend the manifest or the tag, or set package.NAME.version",
                )
            )
    if problems:
        raise PreflightError(*problems)
    return tuple(versions)


def _left_to_backend(name: str, package: Package, reader: _Reader) -> Problem | None:
    """A version that only the build would tell. One that is the tag's is known without it."""
    path = Path(package.path, "pyproject.toml").as_posix()
    data = toml_of(path, reader.text(path) or "") if package.build in PEP_517 and not package.python.binary else {}
    if not dynamic(data) or scm_backend(data):
        return None
    return Problem(
        path=path,
        what="leaves project.version to the build backend (project.dynamic)",
        why="files are named, and tags compared, before anything is built",
        hint=f'write project.version = "1.2.3" there; or say the same in package.{name}.version',
    )


async def _tagged(package: Package, git: Git, asked: Asked) -> str:
    """The version that the last tag of this package names; NONE before the first."""
    found = (number_in(tag, package.tag) for tag in git.tags)
    if here := next((number for number in found if number and is_semver(number)), None):
        return here
    tag = await last_tag(asked.process, asked.repository, package.tag.replace("{version}", "[0-9]*"))
    return (number_in(tag, package.tag) if tag else None) or NONE


def _version(package: Package, number: str, git: Git) -> Version:
    """At its own tag the number itself; anywhere else a snapshot of it, named by the commit."""
    tag = package.tag.format(version=number)
    if tag in git.tags and not git.dirty:
        return Version(number=number, base=number, tag=tag)
    mark = f"snapshot.g{git.commit[:8]}" + (".dirty" if git.dirty else "")
    return Version(number=f"{number}.{mark}" if "-" in number else f"{number}-{mark}", base=number, tag=tag)


def _local(config: Config, asked: Asked) -> Iterator[LocalFile]:
    """The files of prebuilt packages that are there."""
    for package in config.package.values():
        for path in package.prebuilt.files.values():
            place = asked.repository.root / path
            if digest := asked.files.digest(place):
                yield LocalFile(path=path, place=place, digest=digest)


def _crates(config: Config, reader: _Reader) -> Iterator[Crate]:
    """The crate of each Rust package, with those that it depends on."""
    rust = {name: package for name, package in config.package.items() if package.build == "rust"}
    found = {name: reader.crate(name, package) for name, package in rust.items()}
    said = {name: reader.dependencies(package) for name, package in rust.items()}
    needs = cratefacts.needs({name: crate.name for name, crate in found.items()}, said)
    for name, crate in found.items():
        yield replace(crate, needs=needs[name])


async def _rust(config: Config, engine: Engine) -> tuple[Rust, ...]:
    """The compilers of every image that a Rust package is built in."""
    images = {
        config.toolchain_image(name) for name, package in config.package.items() if package.build in ("rust", "maturin")
    }
    found = [await engine.rust(config.toolchain.rust or "", image) for image in sorted(images)]
    return tuple(dict.fromkeys(rust for each in found for rust in each))
