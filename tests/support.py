"""What tests share: loud skips for missing tools, and small values of the big nouns."""

import os
import shutil
import socket
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import anyio
import pytest
from filelock import FileLock

from shipways.adapters.process import OsProcess
from shipways.adapters.shell import OsShell
from shipways.model.facts import Ci, Facts, Git
from shipways.model.formula import BrewTest, Download, Formula
from shipways.model.lock import Lock
from shipways.model.manifest import FORMAT, ArtifactEntry, Manifest, PackageEntry
from shipways.model.plan import Mode
from shipways.model.record import FORMAT as PLAN
from shipways.model.record import PlannedStep, PlanRecord
from shipways.model.source import SourceTree
from shipways.model.version import Version
from shipways.rustfacts import installed


def need(*programs: str) -> None:
    """Skip when a program is missing; fail when SHIPWAYS_REQUIRE (words, or `all`) names it."""
    for program in programs:
        if shutil.which(program) is None:
            missing(program, f"{program} is not on PATH")


def need_rust(version: str) -> None:
    """Skip without a rustc of exactly this release that has the sources of its library; `rustc` requires it."""
    found = anyio.run(installed, OsProcess(), OsShell(), version)
    if not any(each.rust.version == version and each.rust.sources for each in found):
        missing("rustc", f"there is no rustc {version} with the sources of its library")


def missing(name: str, message: str) -> NoReturn:
    """Skip because of something that is not there, or fail when SHIPWAYS_REQUIRE names it."""
    required = os.environ.get("SHIPWAYS_REQUIRE", "").split()
    if name in required or "all" in required:
        pytest.fail(f"{message}, but SHIPWAYS_REQUIRE names it")
    pytest.skip(message)


def alone(kept: Path) -> FileLock:
    """While it is held no other process of the tests makes what stays in this folder."""
    return FileLock(kept / ".lock")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sealed(
    *packages: PackageEntry, artifacts: Iterable[ArtifactEntry] = (), project: str = "p", commit: str = "0" * 40
) -> Manifest:
    """The manifest of a release, of which only what it releases matters."""
    return Manifest(
        format=FORMAT,
        project=project,
        shipways="0",
        commit=commit,
        epoch=0,
        make_digest="sha256:0",
        packages=packages,
        steps=(),
        artifacts=tuple(artifacts),
    )


def plan_record(*steps: PlannedStep) -> PlanRecord:
    """The plan of a snapshot, of which only its steps matter."""
    return PlanRecord(
        format=PLAN,
        project="p",
        mode=Mode.SNAPSHOT,
        reason="why",
        commit="0" * 40,
        make_digest="sha256:0",
        packages=(),
        steps=steps,
        skips=(),
    )


def published(name: str, download: Download, **more: object) -> Formula:
    """A formula of a version that is public, with one download; `more` are other fields."""
    made = Formula(
        name=name,
        description="Says hello",
        homepage="https://example.com",
        license="MIT",
        repository="example/hello",
        programs=(name,),
        test=(BrewTest(run=(name,)),),
        version="1.0.0",
        tag="v1.0.0",
        downloads=(download,),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def facts(*, tags: tuple[str, ...] = (), dirty: bool = False, ci: Ci | None = None, **versions: str) -> Facts:
    """Facts of a small repository: packages by name with the version of their manifests."""
    return Facts(
        git=Git(commit="0123456789abcdef0123456789abcdef01234567", epoch=1_700_000_000, tags=tags, dirty=dirty),
        source=SourceTree(files=()),
        versions=tuple((name, Version(number=base, base=base, tag=f"v{base}")) for name, base in versions.items()),
        lock=Lock(),
        host="linux-x86_64",
        ci=ci,
    )
