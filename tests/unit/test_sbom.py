"""Bills of materials: which there are, and their text."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from shipways.adapters.files import DiskFiles
from shipways.bundle import sbom
from shipways.bundle.sbom import Sbom
from shipways.config.load import parse
from shipways.model.artifact import Artifact, Blob, Kind, Output
from shipways.model.digest import digest_bytes
from shipways.model.facts import Facts, PythonProject, Rust
from shipways.model.plan import Skip
from shipways.model.source import REGULAR, SourceTree
from shipways.model.target import BY_TRIPLE
from shipways.model.version import Version
from shipways.ports import World
from shipways.testing.engine import ScriptedEngine
from shipways.testing.sources import MemorySources
from support import facts

LINUX, WINDOWS = "x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc"
CONFIG = f"""
[project]
name = "example"
license = "MIT OR Apache-2.0"
targets = ["{LINUX}", "{WINDOWS}"]

[toolchain]
rust = "1.96.0"

[package.pulse]
build = "go"

[package.index]
build = "rust"
path = "crates/index"
targets = ["{LINUX}"]
rust = {{ crate = "cds-index", features = ["fast"] }}

[package.spark]
build = "zig"
path = "spark"
targets = ["{LINUX}"]

[package.ready]
build = "prebuilt"
prebuilt = {{ files = {{ {LINUX} = "ready" }} }}

[package.tool]
build = "python"
path = "tool"

[package.py-pulse]
build = "python"
python = {{ binary = "pulse", distribution = "Py.Pulse" }}
targets = ["{LINUX}"]

[package.files]
build = "command"
command = {{ run = [["make"]], outputs = ["*"] }}

[package.quiet]
build = "zig"
sbom = false
"""
ZON = b'.{ .dependencies = .{ .ours = .{ .path = "ours" } } }'
BUILDINFO = "go1.27.3\nmod\texample.com/pulse\t(devel)\t\ndep\tgithub.com/google/uuid\tv1.6.0\th1:NIva=\n"
METADATA = "Name: tool\nVersion: 1.2.3\nRequires-Dist: anyio>=4.8\n\n"
TREE = "0 cds-index v1.2.3 (/src)\n1 itoa v1.0.18\n"
LOCK = b"""
[[package]]
name = "cds-index"
version = "1.2.3"

[[package]]
name = "itoa"
version = "1.0.18"
source = "registry+https://index.example"
checksum = "8f42a60cbdf9a97f5d2305f08a87dc4e09308d1276d28c869c684d7777685682"
"""
CONTENT = {"Cargo.lock": LOCK, "spark/build.zig.zon": ZON, "crates/index/Cargo.toml": b""}


def known(**changes: Any) -> Facts:
    """Version 1.2.3 of every package, at a commit with the files above."""
    sources = MemorySources({path: (REGULAR, data) for path, data in CONTENT.items()})
    names = parse(CONFIG, "shipways.toml").package
    rust = Rust(version="1.96.0", identity="abc", host="x86_64-unknown-linux-gnu", targets=())
    start = replace(
        facts(),
        source=sources.tree,
        versions=tuple((name, Version(number="1.2.3", base="1.2.3", tag="v1.2.3")) for name in names),
        rust=(rust,),
        python=(PythonProject(package="tool", name="tool", requires=()),),
    )
    changed: Facts = replace(start, **changes)
    return changed


def planned(**changes: Any) -> dict[str, Sbom | Skip]:
    items = sbom.plan(parse(CONFIG, "shipways.toml"), known(**changes))
    return {item.id if isinstance(item, Skip) else item.spec.id: item for item in items}


def test_a_step_for_each_archive_wheel_and_sdist() -> None:
    """Named like the artifact; nothing for what is no archive, and nothing where the config says so."""
    steps = {name: step.spec.outputs[0] for name, step in planned().items() if isinstance(step, Sbom)}
    assert {
        f"bundle/sbom/pulse/{LINUX}": f"pulse-1.2.3-{LINUX}.tar.gz.cdx.json",
        f"bundle/sbom/pulse/{WINDOWS}": f"pulse-1.2.3-{WINDOWS}.zip.cdx.json",
        f"bundle/sbom/index/{LINUX}": f"index-1.2.3-{LINUX}.tar.gz.cdx.json",
        f"bundle/sbom/spark/{LINUX}": f"spark-1.2.3-{LINUX}.tar.gz.cdx.json",
        f"bundle/sbom/ready/{LINUX}": f"ready-1.2.3-{LINUX}.tar.gz.cdx.json",
        "bundle/sbom/tool/sdist": "tool-1.2.3.tar.gz.cdx.json",
        "bundle/sbom/tool/wheel": "tool-1.2.3-*.whl.cdx.json",
        f"bundle/sbom/py-pulse/{LINUX}": "py_pulse-1.2.3-py3-none-manylinux_2_28_x86_64.whl.cdx.json",
    } == steps


def test_cargo_is_asked_about_the_crate() -> None:
    """With the features of the build, in the workspace that has the lock."""
    step = planned()[f"bundle/sbom/index/{LINUX}"]
    assert isinstance(step, Sbom)
    record = json.dumps(step.reader.record())
    assert f'"--package", "cds-index", "--target", "{LINUX}"' in record
    assert '"--features", "fast"' in record


@pytest.mark.parametrize(
    ("changes", "kind", "what"),
    [({"rust": ()}, "toolchain", "Rust 1.96.0 is not there"), ({"source": SourceTree(files=())}, "lock", "Cargo.lock")],
)
def test_rust_needs_cargo_and_its_lock(changes: dict[str, Any], kind: str, what: str) -> None:
    """Without, it is skipped with the reason; nothing is guessed."""
    step = planned(**changes)[f"bundle/sbom/index/{LINUX}"]
    assert isinstance(step, Skip)
    assert kind == step.kind
    assert what in step.problem.what


@dataclass(frozen=True)
class Received:
    """An inbox with an archive, wheel or sdist, and a program beside it."""

    step: Sbom
    scratch: Path
    varies: str = ""

    def say(self, text: str) -> None:
        pass

    def artifacts(self) -> tuple[Artifact, ...]:
        return tuple(self._artifacts())

    def path(self, artifact: Artifact) -> Path:
        return self.scratch.parent / artifact.blob.name

    def _artifacts(self) -> Iterator[Artifact]:
        spec = self.step.spec
        main = spec.outputs[0].removesuffix(".cdx.json").replace("*", "py3-none-any")
        kinds = {"wheel": Kind.WHEEL, "sdist": Kind.SDIST}
        kind = kinds.get(spec.id.rsplit("/", 1)[1], Kind.ARCHIVE)
        names = ((main, kind), ("pulse", Kind.BINARY))
        for need, (name, what) in zip(spec.needs, names, strict=False):
            blob = Blob(name=name, kind=what, digest=digest_bytes(name.encode()), size=1, varies=self.varies)
            yield Artifact(name=name, blob=blob, step=need, package=spec.package, target=BY_TRIPLE[LINUX])


def made(name: str, folder: Path, varies: str = "", **changes: Any) -> Output:
    """The output of one step, with a go and a cargo that say what stands above."""
    step = planned(**changes)[f"bundle/sbom/{name}"]
    assert isinstance(step, Sbom)
    inbox = Received(step, folder / "scratch", varies)
    inbox.scratch.mkdir(parents=True)
    with zipfile.ZipFile(folder / "tool-1.2.3-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tool-1.2.3.dist-info/METADATA", METADATA)

    def says(text: str) -> Callable[[tuple[str, ...], Path], int]:
        def run(argv: tuple[str, ...], out: Path) -> int:
            print(text, end="")  # noqa: T201 - it stands for a program's standard output
            return 0

        return run

    engine = ScriptedEngine({"{tool:rust}/cargo": says(TREE)})
    sources = MemorySources({path: (REGULAR, data) for path, data in CONTENT.items()})
    inspector = SimpleNamespace(build_information=lambda _: BUILDINFO)
    world = cast(World, SimpleNamespace(engine=engine, files=DiskFiles(), inspector=inspector, sources=sources))
    (output,) = anyio.run(step.run, world, inbox)
    return output


ALL = (
    f"pulse/{LINUX}",
    f"index/{LINUX}",
    f"spark/{LINUX}",
    f"ready/{LINUX}",
    "tool/wheel",
    f"py-pulse/{LINUX}",
)


@pytest.mark.parametrize("name", ALL)
def test_valid_by_the_schema(tmp_path: Path, name: str) -> None:
    """CycloneDX's own JSON Schema of version 1.6 accepts it, with formats and without unknown fields."""
    output = made(name, tmp_path)
    assert (Kind.SBOM, "application/vnd.cyclonedx+json") == (output.kind, output.media_type)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(output.path.read_text()) is None


@pytest.mark.parametrize("name", ALL)
def test_text(tmp_path: Path, name: str, golden: Callable[[str, str], None]) -> None:
    """The whole text; the version of shipways and the serial number, which has it too, left out."""
    text = made(name, tmp_path).path.read_text()
    text = re.sub(r'("name": "shipways",\s+"type": "application",\s+"version": )"[^"]+"', r'\1"VERSION"', text)
    text = re.sub(r'"urn:uuid:[0-9a-f-]{36}"', '"urn:uuid:SERIAL"', text)
    golden(f"sbom/{name.partition('/')[0]}.cdx.json", text)


def test_who_built_the_toolchain_makes_no_difference() -> None:
    """Debian's cargo and rustup's of one version tell the same, so the key is the same."""
    keys = []
    for identity in ("debian", "rustup"):
        rust = replace(known().rust[0], identity=identity)
        step = planned(rust=(rust,))[f"bundle/sbom/index/{LINUX}"]
        assert isinstance(step, Sbom)
        keys.append(step.reader.record())
    assert keys[0] == keys[1]


def test_same_inputs_same_bytes(tmp_path: Path) -> None:
    """In another folder too; the serial number is another one as soon as anything differs."""
    here, there = (made("tool/wheel", tmp_path / name).path.read_bytes() for name in ("a", "b"))
    assert here == there
    git = replace(known().git, epoch=1_700_000_001)
    other = json.loads(made("tool/wheel", tmp_path / "c", git=git).path.read_text())
    assert json.loads(here)["serialNumber"] != other["serialNumber"]
    assert "2023-11-14T22:13:21+00:00" == other["metadata"]["timestamp"]


def test_archive_that_varies(tmp_path: Path) -> None:
    """A list with the digest of what may differ may differ itself, and says so."""
    output = made(f"ready/{LINUX}", tmp_path, varies="built elsewhere")
    assert f"holds the digest of ready-1.2.3-{LINUX}.tar.gz, which may differ" == output.varies
