"""Shards: every step once, with what it needs, and as much work for each runner."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharding import Written, build, flat, ids, planned, step
from shipways.cli import run
from shipways.config.load import parse
from shipways.errors import ConfigError, PreflightError
from shipways.model.plan import Mode, Plan
from shipways.model.step import Work
from shipways.run.native import here, natives
from shipways.run.planner import narrow
from shipways.run.splitting import Group, chosen, groups, narrowed, refuse_other, split, useful

MAC = "aarch64-apple-darwin"
LINUX = "x86_64-unknown-linux-gnu"


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan: each step needs any of those before it."""
    steps: list[Written] = []
    for number in range(draw(st.integers(0, 12))):
        needs = draw(st.sets(st.sampled_from(steps), max_size=3)) if steps else set()
        names = sorted(each.spec.id for each in needs)
        work, gathers = draw(st.sampled_from(Work)), draw(st.integers(0, 4)) == 0
        text = draw(st.sampled_from(["", "", "same"]))
        steps.append(step(f"s{number:02}", *names, work=work, gathers=gathers, text=text))
    return planned(*steps)


@given(plans(), st.integers(1, 9), st.dictionaries(st.from_regex("s0[0-9]", fullmatch=True), st.floats(0, 1e4)))
def test_every_step_once(plan: Plan, count: int, seconds: dict[str, float]) -> None:
    """Whatever is planned, measured and asked for: each step is in one shard or left for the end, with its needs."""
    found = groups(plan, {}, seconds)
    shards = split(found, count)
    shared = flat([shard.steps for shard in shards])
    assert count == len(shards)
    assert sorted(set(shared)) == shared
    assert flat([group.steps for group in found]) == shared
    for shard in shards:
        assert sorted(shard.steps) == sorted(ids(narrow(plan, shard.steps)))


@given(plans(), st.integers(1, 9), st.data())
def test_natives_have_runners_of_their_own(plan: Plan, count: int, data: st.DataObject) -> None:
    """A step for another system is in the one shard of that system; each shard is one of the split of its total."""
    compiled = [each.spec.id for each in plan.steps if each.spec.work is Work.COMPILE and not each.spec.needs]
    systems = st.sampled_from(["darwin", "windows"])
    native = {name: data.draw(systems) for name in compiled if data.draw(st.booleans())}
    found = groups(plan, native, {})
    shards = split(found, useful(found, count))
    for shard in shards:
        assert _mixed(found, native) or {shard.system} >= {native[name] for name in shard.steps if name in native}
        assert shard == chosen(found, shard.number, shard.total)
    assert flat([group.steps for group in found]) == flat([shard.steps for shard in shards])


def _mixed(found: Sequence[Group], native: dict[str, str]) -> bool:
    """Whether one group has steps of two systems, which no config can ask for: a package packs a target of its own."""
    return any(len({native[s] for s in group.steps if s in native}) > 1 for group in found)


def test_packing_goes_with_the_program() -> None:
    """What is packed of a program is packed where the program is; what gathers, or joins programs, comes at the end."""
    plan = planned(
        build("a"),
        build("b"),
        step("a.tar", "a"),
        step("a.sbom", "a.tar", "a"),
        step("b.tar", "b"),
        step("both", "a", "b"),
        step("of-both", "both"),
        step("source"),
        step("sums", "a.tar", "b.tar", "source", gathers=True),
    )
    assert [("a", "a.tar", "a.sbom"), ("b", "b.tar"), ("source",)] == [
        tuple(sorted(group.steps, key=len)) for group in groups(plan, {}, {})
    ]


def test_equal_builds_stay_together() -> None:
    """Two builds with the same inputs are made once, by one runner, and count once."""
    (one,) = groups(planned(build("gnu", text="same"), build("musl", text="same")), {}, {"gnu": 30.0})
    assert (("gnu", "musl"), 30.0) == (one.steps, one.seconds)


def test_measured_seconds_decide() -> None:
    """The longest build has a runner for itself; one that was never measured counts as others of its kind."""
    plan = planned(*(build(name) for name in "abcd"))
    shards = split(groups(plan, {}, {"a": 90.0, "b": 30.0, "c": 30.0}), 2)
    assert [("a",), ("b", "c", "d")] == [shard.steps for shard in shards]


def test_longest_first() -> None:
    """A machine begins with what takes longest; what is packed comes after its program."""
    plan = planned(build("a"), build("b"), step("pack", "b"), build("c"))
    (shard,) = split(groups(plan, {}, {"a": 1.0, "b": 3.0, "pack": 1.0, "c": 2.0}), 1)
    assert ["b", "pack", "c", "a"] == ids(narrowed(plan, shard))


def test_no_runner_without_work() -> None:
    """More runners than groups are not asked for."""
    found = groups(planned(build("a"), build("b")), {}, {})
    assert ["1/2", "2/2"] == [shard.name for shard in split(found, useful(found, 5))]


def test_native_targets() -> None:
    """`native` moves the builds of a target to a runner of its system, and what is packed of them."""
    config = parse(f'[project]\nname = "p"\n[package.a]\nbuild = "go"\nnative = ["{MAC}"]\n', "shipways.toml")
    plan = planned(build("a.mac", target=MAC), build("a.linux", target=LINUX), step("a.tar", "a.mac", target=MAC))
    native = natives(config, plan)
    assert {"a.mac": "darwin"} == native
    shards = split(groups(plan, native, {}), 1)
    assert [("1/2", "ubuntu-latest", ("a.linux",)), ("2/2", "macos-latest", ("a.mac", "a.tar"))] == [
        (shard.name, shard.runner, shard.steps) for shard in shards
    ]
    refuse_other(shards[0], "linux-x86_64")
    refuse_other(shards[1], "darwin-aarch64")
    with pytest.raises(PreflightError, match="2/2: is for darwin"):
        refuse_other(shards[1], "linux-x86_64")


def test_native_elsewhere_is_skipped() -> None:
    """Without the shard of another system its steps are skipped, with what needs them; with it they are there."""
    plan = planned(build("a.mac", target=MAC), step("a.tar", "a.mac"), build("b"), mode=Mode.RELEASE)
    alone = here(plan, {"a.mac": "darwin"}, "linux-x86_64", {})
    assert (["b"], [("a.mac", "runner"), ("a.tar", "runner")]) == (
        ids(alone),
        [(skip.id, skip.kind) for skip in alone.skips],
    )
    assert plan == here(plan, {"a.mac": "darwin"}, "linux-x86_64", {"a.mac": None})
    assert plan == here(plan, {"a.mac": "darwin"}, "darwin-aarch64", {})


@pytest.mark.parametrize(
    ("number", "total", "what"),
    [(1, 1, "there are at least 2 shards"), (3, 2, "expected a number from 1 to 2"), (0, 2, "expected a number")],
)
def test_no_such_shard(number: int, total: int, what: str) -> None:
    """A shard that cannot be is an error of the command line."""
    found = groups(planned(build("mac"), build("linux")), {"mac": "darwin"}, {})
    with pytest.raises(ConfigError, match=what):
        chosen(found, number, total)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--shard", "3"), "'3' is not K/N"),
        (("--shard", "1/2", "--step", "x"), "--shard and --from exclude --target, --step"),
        (("--shard", "1/2", "--from", "."), "--shard and --from exclude each other"),
        (("--publish",), "--publish needs --shard or --from"),
    ],
)
def test_usage(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], what: str) -> None:
    """What makes no sense together is said before anything is looked at."""
    assert 2 == run(["build", *words])
    assert what in capsys.readouterr().err
