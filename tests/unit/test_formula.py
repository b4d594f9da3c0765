"""Homebrew formulas, as text: `pytest --update-golden` writes what is compared here."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import anyio
import pytest

from shipways.adapters.files import DiskFiles
from shipways.bundle import formula
from shipways.config.load import parse
from shipways.config.schema import Config
from shipways.model.artifact import Artifact, Blob, Kind, Output
from shipways.model.facts import Facts
from shipways.model.formula import Download
from shipways.model.source import REGULAR, SourceFile, SourceTree
from shipways.model.target import BY_TRIPLE
from shipways.model.version import Version
from shipways.ports import World
from support import facts, published

Golden = Callable[[str, str], None]

CONFIG = """
[project]
name = "example"
repository = "example/example"
license = "MIT OR Apache-2.0"

[package.pulse]
build = "go"
path = "cmd/pulse"
archive = { completions = ["completions/*"], man = ["docs/*.1"] }
go = { tags = ["netgo"], main = "server" }

[package.index]
build = "rust"
path = "crates/index"
tag = "index/v{version}"
binaries = ["index", "indexctl"]
targets = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-msvc"]
rust = { features = ["fast"], default_features = false }

[package.spark]
build = "zig"
zig = { options = ["-Dstrip"] }

[package.report]
build = "python"
path = "tools/report"

[package.ready]
build = "prebuilt"
prebuilt = { files = { x86_64-unknown-linux-gnu = "bin/ready" } }

[formula.pulse]
package = "pulse"
description = "Small service that counts"
test = [
    { run = ["pulse", "--version"], output = "pulse {version}" },
    { run = ["pulse", "--port", "no #{number}"], output = 'invalid "port"', status = 2 },
    { run = ["pulse", "check", "a b"] },
    { run = ["pulse", "nothing"], status = 1 },
]
service = { run = ["pulse", "serve", "--port", "8080"] }

[formula."index@1.2"]
package = "index"
description = "Code index for macOS and Linux"
test = [{ run = ["index", "--version"], output = "v{version}/x86" }]
service = { run = ["indexctl"], keep_alive = false }

[formula.spark]
package = "spark"
description = "Sums of files"
test = [{ run = ["spark"] }]

[formula.report]
package = "report"
description = "Writer of reports"
test = [{ run = ["report", "--version"], output = "{version}" }]

[formula.ready]
package = "ready"
description = "Program without sources"
test = [{ run = ["ready"] }]
"""
NAMES = ("pulse", "index@1.2", "spark", "report", "ready")
EXTRAS = ("cmd/pulse/completions/_pulse", "cmd/pulse/completions/pulse.bash", "cmd/pulse/completions/pulse.fish")


def config() -> Config:
    return parse(CONFIG, "shipways.toml")


def known(mark: str = "") -> Facts:
    """Version 1.2.3 of every package: at its tag, or the snapshot that `mark` names."""
    paths = (*EXTRAS, "docs/pulse.1")
    numbers = {
        name: Version(number=f"1.2.3{mark}", base="1.2.3", tag=table.tag.format(version="1.2.3"))
        for name, table in config().package.items()
    }
    tree = SourceTree(files=tuple(sorted(SourceFile(path=path, mode=REGULAR, oid="0" * 40) for path in paths)))
    return replace(facts(), source=tree, versions=tuple(numbers.items()))


@dataclass(frozen=True)
class Received:
    """An inbox with an archive for each need that is not in `skipped`."""

    scratch: Path
    needs: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    def artifacts(self) -> tuple[Artifact, ...]:
        return tuple(
            self._artifact(number, need)
            for number, need in enumerate(self.needs)
            if not need.endswith(self.skipped or "/")
        )

    def path(self, artifact: Artifact) -> Path:
        raise AssertionError("a formula needs no bytes of an archive")

    def _artifact(self, number: int, need: str) -> Artifact:
        package, tail = need.split("/")[-2:]
        target = BY_TRIPLE.get(tail)
        name = f"{package}-1.2.3-{tail}.tar.gz" if target else f"{package}-1.2.3.tar.gz"
        blob = Blob(name=name, kind=Kind.ARCHIVE, digest=f"sha256:{number:064x}", size=1)
        return Artifact(name=name, blob=blob, step=need, package=package, target=target)


def written(folder: Path, name: str, mark: str = "", skipped: tuple[str, ...] = ()) -> str:
    """The formula that the step of this name makes."""
    step = next(step for step in formula.plan(config(), known(mark)) if step.spec.id == f"bundle/formula/{name}")
    world = cast(World, SimpleNamespace(files=DiskFiles()))

    async def run() -> tuple[Output, ...]:
        return await step.run(world, Received(scratch=folder, needs=step.spec.needs, skipped=skipped))

    (output,) = anyio.run(run)
    assert f"{name}.rb" == output.name
    return output.path.read_text()


@pytest.mark.parametrize("name", ["pulse", "index@1.2", "report"])
def test_released(tmp_path: Path, golden: Golden, name: str) -> None:
    """A formula at its tag."""
    golden(f"formula/released/{name}.rb", written(tmp_path, name))


def test_snapshot(tmp_path: Path) -> None:
    """A snapshot's formula has the URLs that a release of its version would have, and tells a version they do not."""
    text = written(tmp_path, "pulse", "-snapshot.g01234567")
    assert 'version "1.2.3-snapshot.g01234567"' in text
    assert 4 == text.count("/releases/download/v1.2.3-snapshot.g01234567/pulse-")


def test_snapshot_of_a_python_package(tmp_path: Path) -> None:
    """An sdist is called by the version in pyproject.toml, in a snapshot too."""
    assert written(tmp_path, "report") == written(tmp_path, "report", "-snapshot.g01234567")


def test_branch(golden: Golden) -> None:
    """Before the first release a committed formula builds the branch; what only a release has is not committed."""
    files = {file.path: file.text for file in formula.rendered(config(), known())}
    assert {f"formula/{name}.rb" for name in NAMES if name != "ready"} == set(files)
    for path, text in files.items():
        golden(path.replace("formula/", "formula/branch/"), text)


def test_committed_is_the_published_one(tmp_path: Path) -> None:
    """After a release the committed formula is the published one, whatever the config says since then."""
    now = known()
    download = Download(name="pulse-1.0.0.tar.gz", digest="sha256:12", target="x86_64-apple-darwin")
    before = published("pulse", download, description="What it was called then")
    files = {file.path: file.text for file in formula.rendered(config(), replace(now, released=(before,)))}
    assert "What it was called then" in files["formula/pulse.rb"]
    assert "/releases/download/v1.0.0/pulse-1.0.0.tar.gz" in files["formula/pulse.rb"]
    assert "head " in files["formula/spark.rb"]


def test_what_is_skipped_is_left_out(tmp_path: Path) -> None:
    """A snapshot that cannot build for macOS has a formula for Linux; without the static archive it takes the other."""
    text = written(tmp_path, "pulse", skipped=("-darwin", "-musl"))
    assert "depends_on :linux" in text
    assert "on_macos" not in text
    assert "pulse-1.2.3-x86_64-unknown-linux-gnu.tar.gz" in text


def test_key_follows_the_archives(tmp_path: Path) -> None:
    """Another archive, or another word in the config, makes another formula."""
    step = next(iter(formula.plan(config(), known())))
    whole = Received(scratch=tmp_path, needs=step.spec.needs)
    fewer = Received(scratch=tmp_path, needs=step.spec.needs, skipped=("-musl",))
    renamed = replace(step, formula=replace(step.formula, description="Other"))
    assert 3 == len({step.inputs(whole).key, step.inputs(fewer).key, renamed.inputs(whole).key})
