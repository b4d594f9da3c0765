"""Makers are loaded where the config has something for them: what is not loaded would have planned nothing."""

import importlib
from dataclasses import replace
from typing import cast

import pytest

from shipways.config.load import parse
from shipways.config.schema import Config
from shipways.errors import ShipwaysError
from shipways.model.facts import Crate, Facts, PythonProject
from shipways.pipeline.makers import MAKERS, Stage
from support import facts

HEAD = (
    '[project]\nname = "p"\nrepository = "a/p"\nsource_archive = false\nlicense = "MIT"\n'
    'targets = ["x86_64-apple-darwin"]\n'
)
COMMAND = '[package.a]\nbuild = "command"\ncommand = { run = [["make"]], outputs = ["*.txt"] }\nsbom = false\n'
PER_TARGET = '[package.a]\nbuild = "command"\ncommand = { run = [["make"]], outputs = ["a{exe}"], per_target = true }\n'
PREBUILT = '[package.a]\nbuild = "prebuilt"\n[package.a.prebuilt.files]\nx86_64-apple-darwin = "a"\n'
GO = '[package.a]\nbuild = "go"\n'
IMAGE = '[image.a]\npackage = "a"\nplatforms = ["linux/amd64"]\ndocker_archive = true\n'
LINUX = GO.replace("\n", '\ntargets = ["x86_64-unknown-linux-musl"]\n', 1)
CONFIGS = {
    **{build: f'[package.a]\nbuild = "{build}"\n' for build in ("go", "rust", "zig", "bun", "python", "maturin")},
    "command": COMMAND,
    "programs of a command": PER_TARGET,
    "prebuilt": PREBUILT,
    "a wheel of programs": f'{GO}[package.w]\nbuild = "python"\npython = {{ binary = "a" }}\n',
    "an image": LINUX + IMAGE,
    "an image upon a base": LINUX + IMAGE + 'base = "docker.io/library/debian:12"\n',
    "an image from a Dockerfile": f'{COMMAND}[image.a]\npackage = "a"\ndockerfile = "Dockerfile"\n',
    "a formula": f'{GO}[formula.a]\npackage = "a"\ndescription = "Shows"\ntest = [{{ run = ["a"] }}]\n',
    "nothing": "",
}


def config(tables: str, head: str = HEAD) -> Config:
    """A config of these tables."""
    return parse(head + tables, "shipways.toml")


def all_of(given: Config) -> Facts:
    """What the work tree of such a config would say, with every package in it."""
    projects = ((name, package.build) for name, package in given.package.items() if not package.python.binary)
    return replace(
        facts(**dict.fromkeys(given.package, "1.0.0")),
        crates=tuple(
            Crate(package=name, path=".", name=name, private=False)
            for name, package in given.package.items()
            if package.build == "rust"
        ),
        python=tuple(
            PythonProject(package=name, name=name, requires=(), crate="Cargo.toml" if build == "maturin" else "")
            for name, build in projects
            if build in ("python", "maturin")
        ),
    )


def plans(stage: Stage, given: Config) -> bool:
    """Whether its module has something to say to a config; an error is something."""
    try:
        return bool(list(importlib.import_module(f"shipways.{stage.module}").plan(given, all_of(given))))
    except ShipwaysError:
        return True


STAGES = [cast(Stage, each) for each in MAKERS]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.module)
def test_what_is_not_asked_plans_nothing(stage: Stage) -> None:
    """No config has something for a maker that is not loaded for it; and some config loads each, for something."""
    given = [config(tables, head) for head in (HEAD, HEAD.replace("false", "true")) for tables in CONFIGS.values()]
    asked = [bool(stage.asked(each)) for each in given]
    assert [] == [each for each, wanted in zip(given, asked, strict=True) if not wanted and plans(stage, each)]
    assert any(plans(stage, each) for each, wanted in zip(given, asked, strict=True) if wanted)
    assert not all(asked)
