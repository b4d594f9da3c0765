"""Bundles for tests: a project in memory whose programs are given, released into a folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import anyio

from shipways.adapters.files import DiskFiles
from shipways.adapters.store import DiskStore
from shipways.bundle import archive, checksums, source
from shipways.config.load import parse
from shipways.config.schema import Config
from shipways.model.artifact import Kind, Output
from shipways.model.event import Finished
from shipways.model.facts import Facts
from shipways.model.names import binary_folder, binary_step
from shipways.model.plan import Plan
from shipways.model.source import EXECUTABLE, REGULAR, SYMLINK
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import BY_TRIPLE
from shipways.outside.upstream import Images
from shipways.ports import Inbox, Inspector, Sources, World
from shipways.run import planner
from shipways.run.maker import Made, make
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.engine import ScriptedEngine
from shipways.testing.sources import MemorySources
from support import facts

LINUX, WINDOWS = "x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc"
PROJECT = f"""
[project]
name = "pulse"
targets = ["{LINUX}", "{WINDOWS}"]

[package.pulse]
build = "go"
path = "cli"
"""
FILES: Mapping[str, tuple[str, bytes]] = {
    "LICENSE": (REGULAR, b"do what you want\n"),
    "README.md": (REGULAR, b"of the whole\n"),
    "cli/README.md": (REGULAR, b"of the package\n"),
    "cli/completions/pulse.bash": (REGULAR, b"complete pulse\n"),
    "cli/docs/pulse.1": (REGULAR, b".TH pulse\n"),
    "cli/setup.sh": (EXECUTABLE, b"#!/bin/sh\n"),
    "cli/src/main.go": (REGULAR, b"package main\n"),
    "latest": (SYMLINK, b"cli/README.md"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A step that gives files without building them."""

    spec: Spec
    data: bytes
    varies: str

    def inputs(self, inbox: Inbox) -> Inputs:
        return Inputs(recipe="given", values=[self.spec.outputs, self.data.hex(), self.varies])

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        outputs = []
        for name in self.spec.outputs:
            path = inbox.scratch / name
            path.write_bytes(self.data)
            outputs.append(Output(name=name, kind=Kind.BINARY, path=path, executable=True, varies=self.varies))
        return tuple(outputs)


@dataclass
class Shop:
    """Plans and makes bundles below `root`; `programs` is what every build makes, `data` what is in it."""

    root: Path
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=lambda: FILES)
    programs: tuple[str, ...] = ("pulse",)
    data: bytes = b"program"
    varies: str = ""
    epoch: int = 1_700_000_000
    versions: Mapping[str, str] = field(default_factory=lambda: {"pulse": "1.2.3"})
    console: RecordingConsole = field(default_factory=RecordingConsole)

    @property
    def dist(self) -> Path:
        """Where `release` lays what it makes."""
        return self.root / "dist"

    @property
    def sources(self) -> MemorySources:
        """The files as a repository."""
        return MemorySources(self.files)

    def plan(self, config: Config, facts: Facts) -> Iterator[Given]:
        """As a maker: the programs of each package that makes some."""
        for name in (name for name, package in config.package.items() if package.makes_programs):
            for triple in config.targets(name):
                spec = Spec(
                    id=binary_step(name, triple),
                    work=Work.COMPILE,
                    outputs=self.programs,
                    folder=binary_folder(name, triple),
                    package=name,
                    target=BY_TRIPLE[triple],
                )
                yield Given(spec=spec, data=self.data, varies=self.varies)

    def whole(self, extra: str = "", project: str = PROJECT) -> Plan:
        """The plan of the project with further lines of config."""
        known = facts(**self.versions)
        known = replace(known, source=self.sources.tree, git=replace(known.git, epoch=self.epoch))
        return planner.plan(parse(project + extra, "shipways.toml"), known, (self, archive, source, checksums))

    def release(self, extra: str = "", project: str = PROJECT, sources: Sources | None = None) -> Made:
        """Make everything and lay it into `dist`."""
        plan, store = self.whole(extra, project), DiskStore(self.root / "store")
        nothing = {"engine": ScriptedEngine({}), "inspector": cast(Inspector, None), "images": cast(Images, None)}
        world = World(files=DiskFiles(), sources=sources or self.sources, **nothing)

        async def run() -> Made:
            made = await make(plan, world, store=store, console=self.console, clock=ManualClock())
            await store.deliver(made.artifacts, self.dist)
            return made

        return anyio.run(run)

    def worked(self) -> set[str]:
        """The steps that have run, rather than come from the store."""
        return {event.step for event in self.console.events if isinstance(event, Finished) and not event.cached}
