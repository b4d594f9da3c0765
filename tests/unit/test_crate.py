"""Rust packages as .crate files."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio

from rusting import APP, BUILD_STD, LIB, LIBRARY, OLD, OTHER, known
from shipways.builders import crate
from shipways.builders.crate import Crate
from shipways.config.load import parse
from shipways.model.artifact import Kind
from shipways.model.plan import Skip
from shipways.ports import World
from shipways.run.maker import StepInbox
from shipways.testing.engine import ScriptedEngine


def test_crate() -> None:
    """The crate of the manifest's version is packed offline after a fetch, and lies in dist/ itself."""
    (step,) = crate.plan(parse(BUILD_STD, "shipways.toml"), replace(known(), crates=(replace(APP, name="the-app"),)))
    assert isinstance(step, Crate)
    assert ("the-app-1.2.3.crate",) == step.spec.outputs
    assert "" == step.spec.folder
    assert "builders/app/crate" == step.spec.id
    assert ("package/the-app-1.2.3.crate",) == step.build.outputs
    assert {"--frozen", "--no-verify", "the-app"} <= set(step.build.commands[-1])


def test_crate_is_one_to_publish(tmp_path: Path) -> None:
    """What cargo packs is an artifact of its own kind, by its own name."""

    def pack(argv: tuple[str, ...], out: Path) -> int:
        if "package" in argv:
            (out / "package").mkdir()
            (out / "package" / "app-1.2.3.crate").write_bytes(b"packed")
        return 0

    engine = ScriptedEngine({"{tool:rust}/cargo": pack})
    nobody = cast(Any, None)
    world = World(engine=engine, files=nobody, sources=nobody, inspector=nobody, images=nobody)
    inbox = StepInbox(scratch=tmp_path, received=(), store=nobody)
    (step,) = crate.plan(parse(BUILD_STD, "shipways.toml"), known())
    assert isinstance(step, Crate)
    (output,) = anyio.run(step.run, world, inbox)
    assert (Kind.CRATE, "app-1.2.3.crate") == (output.kind, output.name)


def test_crates_of_a_workspace_are_packed_together() -> None:
    """One may depend on another that no registry has yet; each step takes its own. Private ones are left out."""
    (step, _) = crate.plan(parse(BUILD_STD + LIBRARY, "shipways.toml"), replace(known(), crates=(APP, LIB, OTHER)))
    assert isinstance(step, Crate)
    assert ("--package", "app", "--package", "lib") == step.build.commands[-1][-4:]
    assert ("package/app-1.2.3.crate",) == step.build.outputs


def test_no_crate() -> None:
    """A private crate is not packed; without the compiler it is a skip."""
    config = parse(BUILD_STD, "shipways.toml")
    assert [] == list(crate.plan(config, replace(known(), crates=(replace(APP, private=True),))))
    (skip,) = crate.plan(config, known(OLD))
    assert isinstance(skip, Skip)
    assert "toolchain" == skip.kind
