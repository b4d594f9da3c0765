"""The published schemas fit what is printed and written."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shipways.config.jsonschema import SCHEMAS
from shipways.config.manifestfile import manifest_text
from shipways.config.shardfile import shard_text
from shipways.errors import Problem
from shipways.model.artifact import Artifact, Blob, Kind, Linkage
from shipways.model.plan import Mode, Plan, Skip
from shipways.model.shard import Shard, ShardStep
from shipways.model.target import ALL
from shipways.run.maker import Made
from shipways.run.partial import shard_record
from shipways.run.planned import plan_json
from shipways.run.record import seal
from support import facts

PLAN = Plan(
    project="p",
    mode=Mode.SNAPSHOT,
    reason="no tag",
    make_digest="sha256:0",
    commit="0" * 40,
    epoch=1,
    versions=(("a", "1.0.0"),),
    steps=(),
    skips=(Skip(id="builders/a", kind="lock", problem=Problem(what="is not locked", hint="lock it")),),
)
LINKAGE = Linkage(format="elf", arch="x86_64", static=False, libraries=("libc.so.6",), glibc="2.28")
BLOB = Blob(name="a", kind=Kind.BINARY, digest="sha256:1", size=3, executable=True, linkage=LINKAGE, varies="its clock")
MADE = Made(
    artifacts=(Artifact(name="bin/a", blob=BLOB, step="builders/a", package="a", target=ALL[0]),),
    keys=(("builders/a", "sha256:2"),),
    timings=(),
    skips=(),
)
SHARD = Shard(number=1, total=2, runner="ubuntu-latest", system="linux", steps=("builders/a",))
STEP = ShardStep(id="builders/a", key="sha256:2", folder="bin/", files=(BLOB,))


def errors(name: str, document: Any) -> list[str]:
    """Where a document differs from the schema of this name."""
    return [error.json_path for error in Draft202012Validator(SCHEMAS[name]()).iter_errors(document)]


def documents() -> dict[str, Any]:
    """One of each, with every kind of entry."""
    return {
        "plan": json.loads(plan_json(PLAN, [SHARD])),
        "manifest": json.loads(manifest_text(seal(PLAN, facts(a="1.0.0"), MADE))),
        "shard": json.loads(shard_text(replace(shard_record(PLAN, SHARD, MADE, PLAN.skips), steps=(STEP,)))),
        "config": tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["tool"]["shipways"],
    }


@pytest.mark.parametrize("name", SCHEMAS)
def test_fits(name: str) -> None:
    """What the program writes, and the config of this project, is valid by its schema."""
    assert [] == errors(name, documents()[name])


@pytest.mark.parametrize(
    ("name", "key", "wrong"),
    [
        ("plan", "format", "shipways-plan/0"),
        ("manifest", "artifacts", {}),
        ("shard", "format", "shipways-manifest/1"),
        ("config", "packages", {}),
    ],
)
def test_refuses(name: str, key: str, wrong: Any) -> None:
    """Another format, another shape or an unknown key is not."""
    assert errors(name, documents()[name] | {key: wrong})
