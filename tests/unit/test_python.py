"""Python packages: what is planned, how files are named, and what is in a platform wheel."""

import base64
import csv
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import cast

import anyio
import pytest

from shipways.adapters.files import DiskFiles
from shipways.adapters.store import DiskStore
from shipways.builders import python, wheel
from shipways.builders.python import Distribution
from shipways.builders.wheel import PlatformWheel
from shipways.config.load import parse
from shipways.errors import BuildError
from shipways.model.artifact import Artifact, Blob, Kind, Linkage, Output
from shipways.model.facts import Facts, PythonProject
from shipways.model.lock import Lock, LockedBackend
from shipways.model.plan import Skip
from shipways.model.source import SourceFile, SourceTree
from shipways.outside.upstream import Images
from shipways.ports import Inspector, Sources, World
from shipways.run.maker import StepInbox
from shipways.testing.engine import ScriptedEngine
from support import facts

LOCK = Lock(backends=(LockedBackend(package="app", requires=("hatchling",), requirements=("hatchling==1 --hash=x",)),))
PLAIN = '[project]\nname = "p"\n[package.app]\nbuild = "python"\n'
WRAPPED = """
[project]
name = "p"
license = "MIT"
homepage = "https://example.org"
targets = ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin"]
[package.tool]
build = "go"
[package.py-tool]
build = "python"
path = "tool"
description = "A tool"
python.binary = "tool"
"""
TEXTS = {
    "tool/README.md": "# tool\n\nHä?\n",
    "LICENSE": "Do as you like.\n",
    "tool/main.go": "",
    "other/README.md": "no",
}


class Texts:
    """The part of `Sources` that these steps use: the bytes of TEXTS."""

    def read(self, file: SourceFile) -> bytes:
        return TEXTS[file.path].encode()

    async def export(self, tree: SourceTree, folder: Path) -> None:
        raise AssertionError(tree, folder)


def world(engine: ScriptedEngine) -> World:
    nobody = object()
    return World(
        engine=engine,
        files=DiskFiles(),
        sources=cast(Sources, Texts()),
        inspector=cast(Inspector, nobody),
        images=cast(Images, nobody),
    )


def known(requires: str = "hatchling", **versions: str) -> Facts:
    """Facts with the project `my_app` and the files of TEXTS."""
    project = PythonProject(package="app", name="my_app", requires=(requires,))
    tree = SourceTree(files=tuple(SourceFile(path=path, mode="100644", oid=path) for path in sorted(TEXTS)))
    return replace(facts(**versions), lock=LOCK, python=(project,), source=tree)


def steps(config: str, seen: Facts) -> dict[str, Distribution | Skip]:
    planned = python.plan(parse(config, "shipways.toml"), seen)
    return {item.id if isinstance(item, Skip) else item.spec.id: item for item in planned}


def distribution(config: str, kind: str, version: str = "1.2.0") -> Distribution:
    step = steps(config, known(app=version))[f"builders/app/{kind}"]
    assert isinstance(step, Distribution)
    return step


def test_wheel_is_built_from_the_sdist() -> None:
    """The wheel needs the sdist and sees no other source; both are named by name and version."""
    sdist, built = distribution(PLAIN, "sdist"), distribution(PLAIN, "wheel")
    assert ("my_app-1.2.0.tar.gz",) == sdist.spec.outputs
    assert ("my_app-1.2.0-*.whl",) == built.spec.outputs
    assert ("builders/app/sdist",) == built.spec.needs
    assert () == built.build.source.files
    assert ("hatchling==1 --hash=x",) == sdist.build.requirements == built.build.requirements


def test_wheel_alone_is_built_from_the_tree() -> None:
    """Without an sdist the wheel's source is the package."""
    config = PLAIN + "python.sdist = false\n"
    assert {"builders/app/wheel"} == set(steps(config, known(app="1.2.0")))
    built = distribution(config, "wheel")
    assert () == built.spec.needs
    assert len(TEXTS) == len(built.build.source.files)


@pytest.mark.parametrize(
    ("version", "stem"),
    [("1.2.0-rc.1", "my_app-1.2.0rc1"), ("1.2.0-alpha1", "my_app-1.2.0a1"), ("2.0.0", "my_app-2.0.0")],
)
def test_names_have_the_manifests_version(version: str, stem: str) -> None:
    """As PEP 440 spells it, and without the mark of a snapshot, which the backend does not know."""
    seen = known(app=version)
    (name, number), *_ = seen.versions
    snapshot = replace(seen, versions=((name, replace(number, number=f"{version}-snapshot.gabc")),))
    assert stem == cast(Distribution, steps(PLAIN, snapshot)["builders/app/sdist"]).stem


@pytest.mark.parametrize("requires", ["hatchling>=2", ""])
def test_backend_that_is_not_locked_is_a_skip(requires: str) -> None:
    """A lock for other requirements is none: both steps are skipped, and the way out is named."""
    for item in steps(PLAIN, known(requires, app="1.0.0")).values():
        assert isinstance(item, Skip)
        assert ("lock", True) == (item.kind, "shipways lock" in item.problem.hint)


def makes(*names: str) -> ScriptedEngine:
    """An engine whose python writes files of these names."""

    def write(_: tuple[str, ...], out: Path) -> int:
        for name in names:
            with zipfile.ZipFile(out / name, "w") as archive:
                archive.writestr("a.py", "")
        return 0

    return ScriptedEngine({"python": write})


def run(
    step: Distribution | PlatformWheel, engine: ScriptedEngine, tmp_path: Path, *got: Artifact
) -> tuple[Output, ...]:
    store = DiskStore(tmp_path / "store")
    inbox = StepInbox(scratch=tmp_path / "scratch", received=got, store=store)
    inbox.scratch.mkdir()
    return anyio.run(step.run, world(engine), inbox)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("my_app-1.3.0-py3-none-any.whl", "expected my_app-1.2.0.whl"),
        ("other-1.2.0-py3-none-any.whl", "expected my_app-1.2.0.whl"),
        ("my_app-1.2.0-cp311-cp311-linux_x86_64.whl", "for one platform"),
    ],
)
def test_wheel_of_another_name_is_refused(made: str, said: str, tmp_path: Path) -> None:
    """Another version or name is an error, and so is a wheel that depends on this machine."""
    with pytest.raises(BuildError, match=said):
        run(distribution(PLAIN + "python.sdist = false\n", "wheel"), makes(made), tmp_path)


def test_wheel_of_the_planned_name_is_taken(tmp_path: Path) -> None:
    """Its own tag may be any pure one."""
    name = "my_app-1.2.0-py2.py3-none-any.whl"
    made = run(distribution(PLAIN + "python.sdist = false\n", "wheel"), makes(name), tmp_path)
    assert [(name, Kind.WHEEL)] == [(output.name, output.kind) for output in made]


def wheels(config: str, **versions: str) -> Mapping[str, PlatformWheel | Skip]:
    planned = wheel.plan(parse(config, "shipways.toml"), known(**versions))
    return {item.id if isinstance(item, Skip) else item.spec.id: item for item in planned}


def test_platform_wheels_follow_the_programs() -> None:
    """One for each target of the wrapped package, named by the platform it runs on."""
    planned = wheels(WRAPPED, **{"py-tool": "1.0.0"})
    assert {
        "builders/py-tool/x86_64-unknown-linux-gnu": ("builders/tool/x86_64-unknown-linux-gnu",),
        "builders/py-tool/aarch64-apple-darwin": ("builders/tool/aarch64-apple-darwin",),
    } == {name: step.spec.needs for name, step in planned.items() if isinstance(step, PlatformWheel)}
    first = cast(PlatformWheel, planned["builders/py-tool/x86_64-unknown-linux-gnu"])
    assert ("py_tool-1.0.0-py3-none-manylinux_2_28_x86_64.whl",) == first.spec.outputs


def test_platform_wheels_of_chosen_targets() -> None:
    """The wrapping package may name fewer targets, and follows a substitute that both declare."""
    replaced = 'substitute = { x86_64-pc-windows-msvc = "x86_64-pc-windows-gnullvm" }\n'
    config = WRAPPED.replace('"aarch64-apple-darwin"]', '"x86_64-pc-windows-msvc"]')
    config = config.replace('build = "go"\n', f'build = "go"\n{replaced}')
    chosen = wheels(config + f'targets = ["x86_64-pc-windows-msvc"]\n{replaced}', **{"py-tool": "1.0.0"})
    assert ["builders/py-tool/x86_64-pc-windows-gnullvm"] == list(chosen)


def test_wrapper_released_alone_is_a_skip() -> None:
    """A tag that matches only the wrapping package has nothing to wrap."""
    config = parse(WRAPPED, "shipways.toml")
    alone = config.model_copy(update={"package": {"py-tool": config.package["py-tool"]}})
    (skip,) = wheel.plan(alone, known(**{"py-tool": "1.0.0"}))
    assert isinstance(skip, Skip)
    assert "same tag pattern" in skip.problem.hint


def program(tmp_path: Path, *, glibc: str = "", system: str = "") -> Artifact:
    """A built program in the store."""
    data = b"\x7fELF" + b"\0" * 100_000
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    linkage = Linkage(format="elf", arch="x86_64", static=not glibc, glibc=glibc, system=system)
    blob = Blob(name="tool", kind=Kind.BINARY, digest=digest, size=len(data), executable=True, linkage=linkage)
    path = DiskStore(tmp_path / "store").path(blob)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return Artifact(name="bin/tool", blob=blob, step="builders/tool/x", package="tool")


def platform_wheel(tmp_path: Path, *, glibc: str = "") -> Path:
    step = wheels(WRAPPED, **{"py-tool": "1.0.0"})["builders/py-tool/x86_64-unknown-linux-gnu"]
    assert isinstance(step, PlatformWheel)
    (output,) = run(step, makes(), tmp_path, program(tmp_path, glibc=glibc))
    return output.path


def test_platform_wheel_record_is_true(tmp_path: Path) -> None:
    """Every file is in RECORD with its hash and size; the program may be run."""
    with zipfile.ZipFile(platform_wheel(tmp_path)) as archive:
        rows = {
            row[0]: row[1:] for row in csv.reader(archive.read("py_tool-1.0.0.dist-info/RECORD").decode().splitlines())
        }
        assert archive.namelist() == list(rows)
        assert 0o755 == archive.getinfo("py_tool-1.0.0.data/scripts/tool").external_attr >> 16 & 0o777
        assert ["", ""] == rows.pop("py_tool-1.0.0.dist-info/RECORD")
        for name, (digest, size) in rows.items():
            data = archive.read(name)
            expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            assert (f"sha256={expected}", str(len(data))) == (digest, size)


def headers(archive: zipfile.ZipFile, name: str) -> Message:
    return BytesParser().parsebytes(archive.read(f"py_tool-1.0.0.dist-info/{name}"))


def test_platform_wheel_metadata(tmp_path: Path) -> None:
    """What the index shows comes from the config, the package's readme and the nearest licence."""
    with zipfile.ZipFile(platform_wheel(tmp_path)) as archive:
        meta = headers(archive, "METADATA")
        assert "Do as you like.\n" == archive.read("py_tool-1.0.0.dist-info/licenses/LICENSE").decode()
        assert "py3-none-manylinux_2_28_x86_64" == headers(archive, "WHEEL")["Tag"]
    found = [
        meta[key] for key in ("Metadata-Version", "Name", "Version", "Summary", "License-Expression", "License-File")
    ]
    assert ["2.4", "py-tool", "1.0.0", "A tool", "MIT", "LICENSE"] == found
    assert "text/markdown" == meta["Description-Content-Type"]
    assert TEXTS["tool/README.md"].encode() == cast(bytes, meta.get_payload(decode=True))


def test_tag_must_be_true(tmp_path: Path) -> None:
    """A program that needs a newer glibc than manylinux_2_28 promises is refused."""
    with pytest.raises(BuildError, match=r"needs glibc 2\.31"):
        platform_wheel(tmp_path, glibc="2.31")


def test_older_glibc_is_taken(tmp_path: Path) -> None:
    """A program that needs an older glibc than the tag promises is taken."""
    assert platform_wheel(tmp_path, glibc="2.17").exists()


@pytest.mark.parametrize(("system", "tag"), [("10.12", "macosx_11_0_arm64"), ("13.0", "macosx_13_0_arm64")])
def test_macos_tag_is_what_the_program_declares(system: str, tag: str, tmp_path: Path) -> None:
    """A compiler may raise the oldest macOS; the tag follows, so that pip does not install what cannot start."""
    step = wheels(WRAPPED, **{"py-tool": "1.0.0"})["builders/py-tool/aarch64-apple-darwin"]
    assert isinstance(step, PlatformWheel)
    assert ("py_tool-1.0.0-py3-none-macosx_*_0_arm64.whl",) == step.spec.outputs
    (output,) = run(step, makes(), tmp_path, program(tmp_path, system=system))
    assert f"py_tool-1.0.0-py3-none-{tag}.whl" == output.name
    with zipfile.ZipFile(output.path) as archive:
        assert f"py3-none-{tag}" == headers(archive, "WHEEL")["Tag"]
