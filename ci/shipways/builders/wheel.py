"""Platform wheels around the programs of another package, so that pip installs what is no Python."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from anyio import to_thread

from shipways.builders.repack import RECIPE, Entry, record, write_wheel
from shipways.config.packages import Package
from shipways.config.schema import Config
from shipways.errors import BuildError, Problem
from shipways.model.artifact import Artifact, Kind, Output
from shipways.model.digest import Json
from shipways.model.facts import Facts
from shipways.model.names import binary_step
from shipways.model.plan import Skip
from shipways.model.source import SYMLINK, SourceFile
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import BY_TRIPLE, Target
from shipways.model.version import numbers
from shipways.ports import Inbox, World

_CONTENT: Final = {".md": "text/markdown", ".rst": "text/x-rst", ".txt": "text/plain", "": "text/plain"}

_MACOS: Final = re.compile(r"^macosx_(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the index shows (Core metadata specifications, version 2.4). `version` is as PEP 440 spells it."""

    name: str
    version: str
    summary: str
    license: str
    homepage: str
    readme: SourceFile | None
    licenses: tuple[SourceFile, ...]

    @property
    def stem(self) -> str:
        """How the names of the file and of its folders begin (Binary distribution format, "File name convention")."""
        return f"{re.sub(r'[-_.]+', '_', self.name).lower()}-{self.version}"

    def record(self) -> Json:
        """Everything a wheel takes from here."""
        readme = [self.readme.path, self.readme.oid] if self.readme else []
        licenses = [[file.path, file.oid] for file in self.licenses]
        return [self.name, self.version, self.summary, self.license, self.homepage, readme, licenses]

    def text(self, description: str) -> str:
        """The METADATA file."""
        head = [("Metadata-Version", "2.4"), ("Name", self.name), ("Version", self.version)]
        head += [
            ("Summary", " ".join(self.summary.split())),
            ("Project-URL", self.homepage and f"Homepage, {self.homepage}"),
        ]
        head += [("License-Expression", self.license)]
        head += [("License-File", PurePosixPath(file.path).name) for file in self.licenses]
        if self.readme:
            head += [("Description-Content-Type", _CONTENT[PurePosixPath(self.readme.path).suffix])]
        return "".join(f"{key}: {value}\n" for key, value in head if value) + f"\n{description}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformWheel:
    """The wheel for one target."""

    spec: Spec
    target: Target
    metadata: Metadata
    epoch: int

    def inputs(self, inbox: Inbox) -> Inputs:
        """The programs, and all that METADATA says."""
        varies = [program.blob.varies for program in inbox.artifacts()]
        values = [self.metadata.record(), _tag(self.target, inbox.artifacts()), self.epoch, RECIPE, varies]
        return Inputs(recipe="builders/wheel 1", values=values, artifacts=inbox.artifacts())

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Write it. Raises BuildError for a program that needs a newer glibc than the wheel's tag promises."""
        programs = inbox.artifacts()
        self._check(programs)
        tag = _tag(self.target, programs)
        path = inbox.scratch / f"{self.metadata.stem}-py3-none-{tag}.whl"
        await to_thread.run_sync(self._write, world, inbox, path, tag)
        varies = ", ".join(dict.fromkeys(program.blob.varies for program in programs if program.blob.varies))
        return (Output(name=path.name, kind=Kind.WHEEL, path=path, varies=varies),)

    def _check(self, programs: tuple[Artifact, ...]) -> None:
        """PEP 600: manylinux_X_Y means that glibc X.Y is enough."""
        floor = re.match(r"manylinux_(\d+)_(\d+)_", self.target.wheel_tag)
        found = max((numbers(p.blob.linkage.glibc) for p in programs if p.blob.linkage), default=())
        if floor and found > tuple(int(part) for part in floor.groups()):
            raise BuildError(
                Problem(
                    path=self.spec.id,
                    what=f"its program needs glibc {'.'.join(map(str, found))}, {self.target.wheel_tag} promises less",
                    hint="build the program for an older glibc, or leave this target out of the wheel's package",
                )
            )

    def _write(self, world: World, inbox: Inbox, path: Path, tag: str) -> None:
        write_wheel(world.files, path, self._entries(world, inbox, tag), self.epoch)

    def _entries(self, world: World, inbox: Inbox, tag: str) -> tuple[Entry, ...]:
        """Programs first, dist-info last, RECORD at its end."""
        meta = self.metadata
        info = f"{meta.stem}.dist-info"
        description = world.sources.read(meta.readme).decode(errors="replace") if meta.readme else ""
        tags = f"Wheel-Version: 1.0\nGenerator: shipways\nRoot-Is-Purelib: false\nTag: py3-none-{tag}\n"
        scripts = sorted((PurePosixPath(program.blob.name).name, inbox.path(program)) for program in inbox.artifacts())
        entries = [
            Entry(name=f"{meta.stem}.data/scripts/{name}", content=path, executable=True) for name, path in scripts
        ]
        entries += [
            Entry(name=f"{info}/METADATA", content=meta.text(description).encode()),
            Entry(name=f"{info}/WHEEL", content=tags.encode()),
        ]
        entries += [
            Entry(name=f"{info}/licenses/{PurePosixPath(file.path).name}", content=world.sources.read(file))
            for file in meta.licenses
        ]
        return (*entries, Entry(name=f"{info}/RECORD", content=record(world.files, entries, f"{info}/RECORD")))


def plan(config: Config, facts: Facts) -> Iterator[PlatformWheel | Skip]:
    """A wheel for each target of a package that wraps the programs of another."""
    for name, package in config.package.items():
        binary = package.python.binary
        if binary is None:
            continue
        if binary not in config.package:
            yield _alone(name, binary)
            continue
        metadata = _metadata(config, facts, name, package)
        wanted = None if package.targets is None else config.targets(name)
        for triple in config.targets(binary):
            if wanted is None or triple in wanted:
                yield _step(name, binary, metadata, BY_TRIPLE[triple], facts.git.epoch)


def _step(name: str, binary: str, metadata: Metadata, target: Target, epoch: int) -> PlatformWheel:
    return PlatformWheel(
        spec=Spec(
            id=binary_step(name, target.triple),
            work=Work.PACK,
            outputs=(f"{metadata.stem}-py3-none-{_MACOS.sub('macosx_*', target.wheel_tag)}.whl",),
            needs=(binary_step(binary, target.triple),),
            package=name,
            target=target,
        ),
        target=target,
        metadata=metadata,
        epoch=epoch,
    )


def _metadata(config: Config, facts: Facts, name: str, package: Package) -> Metadata:
    folder = [file for file in facts.source.files if str(PurePosixPath(file.path).parent) == package.path]
    top = [file for file in facts.source.files if "/" not in file.path]
    readmes = [f for f in folder if PurePosixPath(f.path).stem == "README" and PurePosixPath(f.path).suffix in _CONTENT]
    licenses = [f for f in folder if _legal(f)] or [f for f in top if _legal(f)]
    return Metadata(
        name=package.python.distribution or name,
        version=facts.version(name).pep440,
        summary=package.description or config.project.description,
        license=config.project.license,
        homepage=config.project.homepage,
        readme=next(iter(readmes), None),
        licenses=tuple(licenses),
    )


def _legal(file: SourceFile) -> bool:
    return PurePosixPath(file.path).name.startswith(("LICENSE", "NOTICE")) and file.mode != SYMLINK


def _tag(target: Target, programs: tuple[Artifact, ...]) -> str:
    """The platform tag; for macOS with the oldest release on which all programs say they start (PEP 425)."""
    declared = [numbers(p.blob.linkage.system)[0] for p in programs if p.blob.linkage and p.blob.linkage.system]
    oldest = max(declared, default=0)
    return _MACOS.sub(lambda tag: f"macosx_{max(oldest, int(tag[1]))}", target.wheel_tag)


def _alone(name: str, binary: str) -> Skip:
    return Skip(
        id=f"builders/{name}",
        kind="config",
        problem=Problem(
            path=f"package.{name}.python.binary",
            what=f"{binary} is not part of this release",
            why="the tag matches one of the two packages only",
            hint=f"give {name} and {binary} the same tag pattern",
        ),
    )
