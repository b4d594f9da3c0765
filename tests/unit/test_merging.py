"""Shards are verified, all of what is wrong is said, and what is right is gone on with."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sharding import build, planned, step
from shipways.adapters.files import DiskFiles
from shipways.adapters.store import DiskStore
from shipways.config.manifestfile import manifest_text, parse_manifest
from shipways.config.shardfile import parse_shard, shard_file
from shipways.errors import ConfigError, PreflightError, Problem
from shipways.model.plan import Plan, Skip
from shipways.model.shard import Shard
from shipways.ports import World
from shipways.run import planner
from shipways.run.maker import Given, Made, Options, make
from shipways.run.merging import Merged, merge, read_parts
from shipways.run.partial import shard_record, write_shard
from shipways.run.record import seal, write_manifest
from shipways.run.splitting import groups, split
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.engine import ScriptedEngine
from support import facts

PLAN = planned(
    build("a"), step("a.tar", "a"), build("b"), step("b.tar", "b"), step("sums", "a.tar", "b.tar", gathers=True)
)
WORLD = World(
    **{name: cast(Any, None) for name in ("files", "sources", "inspector", "images")}, engine=ScriptedEngine({})
)


@dataclass
class Machine:
    """A runner with a store of its own."""

    root: Path

    @property
    def store(self) -> DiskStore:
        return DiskStore(self.root / "store")

    @property
    def dist(self) -> Path:
        return self.root / "dist"

    def make(self, plan: Plan, given: dict[str, Given] | None = None) -> Made:
        async def run() -> Made:
            options = Options(given=given or {})
            made = await make(
                plan, WORLD, store=self.store, console=RecordingConsole(), clock=ManualClock(), options=options
            )
            await self.store.deliver(made.artifacts, self.dist)
            return made

        return anyio.run(run)

    def build(self, shard: Shard, plan: Plan = PLAN, skips: Sequence[Skip] = ()) -> "Machine":
        own = planner.without(planner.narrow(plan, shard.steps), skips)
        write_shard(DiskFiles(), self.dist, shard_record(own, shard, self.make(own), own.skips))
        return self

    def merge(self, machines: Sequence["Machine"], plan: Plan = PLAN) -> Merged:
        parts = read_parts(DiskFiles(), [machine.dist for machine in machines])
        return anyio.run(merge, plan, parts, groups(plan, {}, {}), {}, self.store)

    def sealed(self, plan: Plan, machines: Sequence["Machine"]) -> str:
        merged = self.merge(machines, plan)
        left = planner.without(plan, merged.skips)
        return manifest_text(seal(left, facts(a="1.0.0"), self.make(left, dict(merged.given))))


def shards(count: int, plan: Plan = PLAN) -> tuple[Shard, ...]:
    return split(groups(plan, {}, {}), count)


def single(root: Path, plan: Plan = PLAN) -> str:
    return manifest_text(seal(plan, facts(a="1.0.0"), Machine(root).make(plan)))


def problems(caught: pytest.ExceptionInfo[PreflightError]) -> list[str]:
    return [f"{each.path}: {each.what}" for each in caught.value.problems]


@pytest.fixture
def pair(tmp_path: Path) -> list[Machine]:
    """Two machines that have made their shards."""
    return [Machine(tmp_path / shard.name.replace("/", "-")).build(shard) for shard in shards(2)]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_same_bytes_as_one_machine(tmp_path: Path, count: int) -> None:
    """The manifest of any number of shards is that of a single run, byte for byte, and so is dist/."""
    machines = [Machine(tmp_path / str(shard.number)).build(shard) for shard in shards(count)]
    end = Machine(tmp_path / "end")
    assert single(tmp_path / "single") == end.sealed(PLAN, machines)
    for name in ("a", "a.tar", "b", "b.tar", "sums"):
        assert (tmp_path / "single" / "dist" / name).read_bytes() == (end.dist / name).read_bytes()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(edges=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8), count=st.integers(1, 4))
def test_same_bytes_of_any_plan(
    tmp_path_factory: pytest.TempPathFactory, edges: list[tuple[int, int]], count: int
) -> None:
    """So is it for any plan."""
    root = tmp_path_factory.mktemp("any")
    steps = []
    for number in range(6):
        needs = sorted({f"s{low}" for low, high in edges if high == number and low < high})
        steps.append(step(f"s{number}", *needs) if number % 2 else build(f"s{number}", *needs))
    plan = planned(*steps)
    machines = [Machine(root / str(shard.number)).build(shard, plan) for shard in shards(count, plan)]
    assert single(root / "single", plan) == Machine(root / "end").sealed(plan, machines)


def test_one_folder_of_all(pair: list[Machine], tmp_path: Path) -> None:
    """Shards that were made in one dist/, or whose folders lie in one folder, are found there."""
    one = Machine(tmp_path / "one")
    for shard in shards(2):
        one.build(shard)
    merged = Machine(tmp_path / "end").merge([one])
    assert {"a", "a.tar", "b", "b.tar"} == set(merged.given)
    shutil.copytree(pair[0].root, tmp_path / "all" / "dist" / "0")
    shutil.copytree(pair[1].root, tmp_path / "all" / "dist" / "1")
    assert merged == Machine(tmp_path / "end").merge([Machine(tmp_path / "all")])


def test_missing_shard(pair: list[Machine], tmp_path: Path) -> None:
    """A shard that is not there is named, with the command that makes it."""
    with pytest.raises(PreflightError) as caught:
        Machine(tmp_path / "end").merge(pair[:1])
    assert ["shard 2/2: is missing, with 2 steps: b, b.tar"] == problems(caught)
    assert "`shipways build --shard 2/2`" == caught.value.problems[0].hint


def test_failed_shard_again(pair: list[Machine], tmp_path: Path) -> None:
    """A shard that was run twice counts once, whatever machine it was run on."""
    again = Machine(tmp_path / "again").build(shards(2)[1])
    assert single(tmp_path / "single") == Machine(tmp_path / "end").sealed(PLAN, [*pair, again])


def test_split_in_two_ways(tmp_path: Path) -> None:
    """Steps that no shard has are named, when the shards were not split in the same way."""
    first, second = shards(2)
    lesser = replace(first, steps=("a",))
    machines = [Machine(tmp_path / "1").build(lesser), Machine(tmp_path / "2").build(second)]
    with pytest.raises(PreflightError) as caught:
        Machine(tmp_path / "end").merge(machines)
    assert ["a.tar: was made by no shard"] == problems(caught)


def test_every_wrong_byte(pair: list[Machine], tmp_path: Path) -> None:
    """A changed file and a lost one are both named, and nothing of them is in the store."""
    (pair[0].dist / "a.tar").write_text("other")
    (pair[1].dist / "b").unlink()
    end = Machine(tmp_path / "end")
    with pytest.raises(PreflightError) as caught:
        end.merge(pair)
    changed, lost = problems(caught)
    assert f"shard 1/2: {pair[0].dist / 'a.tar'}: has d9298a10d1b0, not" in changed
    assert f"shard 2/2: {pair[1].dist / 'b'}: is not there" == lost
    kept = {
        path.read_text()
        for path in end.store.path(pair[0].make(PLAN).artifacts[0].blob).parents[1].rglob("*")
        if path.is_file()
    }
    assert "other" not in kept


def test_overlap_with_other_bytes(pair: list[Machine], tmp_path: Path) -> None:
    """Two shards that have made a step with other bytes are named; which is right, nobody knows."""
    other = planned(*(build("a", text="changed") if s.spec.id == "a" else cast(Any, s) for s in PLAN.steps))
    again = Machine(tmp_path / "again").build(shards(2)[0], other)
    with pytest.raises(PreflightError) as caught:
        Machine(tmp_path / "end").merge([*pair, again])
    told = [f"{name}: shard 1/2 in {pair[0].dist} and shard 1/2 in {again.dist}" for name in ("a", "a.tar")]
    assert [f"{text} have made it with other bytes" for text in told] == problems(caught)


def test_another_make(pair: list[Machine], tmp_path: Path) -> None:
    """A shard of other sources, config or pins is refused by its make digest, and what it lacks is said too."""
    later = replace(PLAN, make_digest="sha256:2", commit="1" * 40)
    with pytest.raises(PreflightError) as caught:
        Machine(tmp_path / "end").merge(pair, later)
    assert ["its make digest is 1, not 2"] * 2 == [each.what for each in caught.value.problems[:2]]
    assert {"it is of commit 00000000, and this is 11111111"} == {each.why for each in caught.value.problems[:2]}


def test_other_inputs(tmp_path: Path) -> None:
    """A shard with other programs of its machine has the same make digest, but not the same inputs."""
    other = planned(*(build("a", text="rustc") if s.spec.id == "a" else cast(Any, s) for s in PLAN.steps))
    machines = [Machine(tmp_path / str(shard.number)).build(shard, other) for shard in shards(2)]
    with pytest.raises(PreflightError) as caught:
        Machine(tmp_path / "end").merge(machines)
    assert ["a: was made from other inputs than it would be here"] == problems(caught)


def test_skipped_by_a_shard(tmp_path: Path) -> None:
    """What a shard's machine could not make is skipped in the whole, with its reason, and no gap."""
    first, second = shards(2)
    skip = Skip(id="a", kind="toolchain", problem=Problem(path="a", what="no rustc", hint="install it"))
    machines = [Machine(tmp_path / "1").build(first, skips=[skip]), Machine(tmp_path / "2").build(second)]
    merged = Machine(tmp_path / "end").merge(machines)
    assert skip == merged.skips[0]
    left = planner.without(PLAN, merged.skips)
    assert ["b", "b.tar", "sums"] == [each.spec.id for each in left.steps]


def test_no_shard(tmp_path: Path) -> None:
    """Each folder without a shard is named; a sealed manifest is none, and a shard is no manifest."""
    sealed = Machine(tmp_path / "sealed")
    write_manifest(DiskFiles(), sealed.dist, seal(PLAN, facts(a="1.0.0"), sealed.make(PLAN)))
    with pytest.raises(PreflightError) as caught:
        Machine(tmp_path / "end").merge([sealed, Machine(tmp_path / "empty")])
    assert [f"{path}: has no record of a shard" for path in (sealed.dist, tmp_path / "empty" / "dist")] == problems(
        caught
    )
    text = (sealed.dist / "manifest.json").read_bytes()
    with pytest.raises(PreflightError, match="is not the record of a shard"):
        parse_shard(text, "shard-1-of-2.json")
    Machine(tmp_path / "one").build(shards(2)[0])
    with pytest.raises(ConfigError, match="is not a manifest"):
        parse_manifest((tmp_path / "one" / "dist" / shard_file("1/2")).read_bytes())


@pytest.mark.parametrize(
    ("old", "new"),
    [('"a.tar"', '"../a.tar"'), ('"1/2"', '"1/zwei"'), ('"id"', '"name"'), ("{", "["), ("sha256:", "sha256:../")],
)
def test_broken_record(pair: list[Machine], tmp_path: Path, old: str, new: str) -> None:
    """A record that leaves dist/, or is not one, is refused before anything is read."""
    path = pair[0].dist / shard_file("1/2")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(PreflightError) as caught:
        Machine(tmp_path / "end").merge(pair)
    assert [f"{path}: is not the record of a shard of this shipways"] == problems(caught)


def test_dist_is_of_one_make(tmp_path: Path) -> None:
    """A shard takes away what another make has left in dist/, its manifest first of all, and keeps what is not ours."""
    machine = Machine(tmp_path / "one")
    write_manifest(DiskFiles(), machine.dist, seal(PLAN, facts(a="1.0.0"), machine.make(PLAN)))
    (machine.dist / "mine").write_text("")
    first, second = shards(2)
    machine.build(first)
    assert {"mine", "a", "a.tar", "shard-1-of-2.json"} == {path.name for path in machine.dist.iterdir()}
    machine.build(second, replace(PLAN, make_digest="sha256:2"))
    assert {"mine", "b", "b.tar", "shard-2-of-2.json"} == {path.name for path in machine.dist.iterdir()}
