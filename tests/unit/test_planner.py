"""The plan: order, what is skipped with what, and the digest of what is built."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import pytest

from shipways.config.load import parse
from shipways.config.schema import Config
from shipways.errors import ConfigError, PreflightError, Problem
from shipways.model.artifact import Output
from shipways.model.facts import Ci, Facts, Rust
from shipways.model.lock import Lock, LockedImage
from shipways.model.plan import Mode, Skip
from shipways.model.source import SourceFile, SourceTree
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import BY_TRIPLE
from shipways.ports import Inbox, Maker, Step, World
from shipways.run import planner
from support import facts

CONFIG = parse('[project]\nname = "p"\n[package.a]\nbuild = "go"\n', "shipways.toml")
FACTS = facts(a="1.0.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A step that is only planned."""

    spec: Spec

    def inputs(self, inbox: Inbox) -> Inputs:
        return Inputs(recipe="nothing")

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """A maker that plans what it is given."""

    items: tuple[Step | Skip, ...]

    def plan(self, config: Config, facts: Facts) -> Iterator[Step | Skip]:
        yield from self.items


def step(name: str, *needs: str, gathers: bool = False, output: str = "") -> Step:
    outputs = (output or f"{name}.out",)
    return Nothing(spec=Spec(id=name, work=Work.PACK, outputs=outputs, needs=needs, gathers=gathers))


def skip(name: str, kind: str = "toolchain") -> Skip:
    return Skip(id=name, kind=kind, problem=Problem(path=name, what="cannot be"))


def maker(*items: Step | Skip) -> Maker:
    return cast(Maker, Fixed(items=items))


def test_order_respects_needs() -> None:
    """Steps stand after what they need, whatever order the makers say them in."""
    plan = planner.plan(CONFIG, FACTS, [maker(step("c", "b")), maker(step("b", "a"), step("a"))])
    assert ["a", "b", "c"] == [each.spec.id for each in plan.steps]


def test_skip_takes_what_needs_it_along() -> None:
    """A step whose need is skipped is skipped for that kind of reason; one that gathers stays with what is left."""
    made = maker(skip("rust"), step("archive", "rust"), step("go"), step("sums", "archive", "go", gathers=True))
    plan = planner.plan(CONFIG, FACTS, [made])
    assert ["go", "sums"] == [each.spec.id for each in plan.steps]
    assert [("rust", "toolchain"), ("archive", "toolchain")] == [(each.id, each.kind) for each in plan.skips]


def test_gathering_nothing_is_skipped() -> None:
    """A step that gathers is skipped when all its needs are."""
    plan = planner.plan(CONFIG, FACTS, [maker(skip("rust"), step("sums", "rust", gathers=True))])
    assert () == plan.steps


def test_two_steps_may_not_make_one_file() -> None:
    """The file and both steps are named."""
    with pytest.raises(ConfigError, match=r"b: would make same, which a makes too"):
        planner.plan(CONFIG, FACTS, [maker(step("a", output="same"), step("b", output="same"))])


def test_require_refuses_skips() -> None:
    """`--require KIND` names every skip of that kind; another kind is tolerated."""
    plan = planner.plan(CONFIG, FACTS, [maker(skip("rust"), skip("base", "image"))])
    planner.require(plan, ["target"])
    with pytest.raises(PreflightError, match="base: cannot be"):
        planner.require(plan, ["image"])
    with pytest.raises(PreflightError) as caught:
        planner.require(plan, ["all"])
    assert 2 == len(caught.value.problems)


def test_release_requires_everything() -> None:
    """A release with a skip does not begin."""
    plan = planner.plan(CONFIG, FACTS, [maker(skip("rust"))])
    with pytest.raises(PreflightError):
        planner.require(replace(plan, mode=Mode.RELEASE), [])


def test_narrow_keeps_what_is_needed() -> None:
    """Only the chosen steps and, through all levels, what they need."""
    plan = planner.plan(CONFIG, FACTS, [maker(step("a"), step("b", "a"), step("c", "b"), step("d"))])
    assert ["a", "b", "c"] == [each.spec.id for each in planner.narrow(plan, ["c"]).steps]


def test_narrow_to_an_unknown_step() -> None:
    """An unknown step is told with the one that is near, be it skipped; a skipped one by its reason."""
    plan = planner.plan(CONFIG, FACTS, [maker(step("builders/pulse"), skip("bundle/sums"))])
    with pytest.raises(ConfigError) as caught:
        planner.narrow(plan, ["builders/puls", "bundle/sum", "bundle/sums", "xyz"])
    assert [
        "builders/puls: is not a step of the plan\n  fix: did you mean `builders/pulse`?",
        "bundle/sum: is not a step of the plan\n  fix: did you mean `bundle/sums`?",
        "bundle/sums: cannot be",
        "xyz: is not a step of the plan\n  fix: `shipways plan` lists the steps",
    ] == [str(problem) for problem in caught.value.problems]


def built(package: str, triple: str) -> Step:
    spec = Spec(id=f"builders/{package}/{triple}", work=Work.COMPILE, outputs=(package,), folder=f"{package}-{triple}/")
    return Nothing(spec=replace(spec, package=package, target=BY_TRIPLE[triple]))


LINUX, MAC, WINDOWS = "x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"
BUILDING = planner.plan(
    CONFIG,
    FACTS,
    [maker(built("tender", LINUX), built("tender", MAC), skip("builders/crane/" + WINDOWS), skip("images/sail/linux"))],
)


@pytest.mark.parametrize(
    ("packages", "targets", "expected"),
    [
        ((), (), (LINUX, MAC)),
        (("tender",), (), (LINUX, MAC)),
        ((), (MAC,), (MAC,)),
        (("crane",), (), ()),
        ((), (WINDOWS,), ()),
    ],
)
def test_select_by_name(packages: tuple[str, ...], targets: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Packages and targets choose among the steps that build; one whose steps are all skipped is known too."""
    chosen = planner.select(BUILDING, packages=packages, targets=targets)
    assert {f"builders/tender/{triple}" for triple in expected} == set(chosen)


@pytest.mark.parametrize("name", ["end", "ten", "builders", "sail", "linux", LINUX, ""])
def test_select_knows_whole_names_only(name: str) -> None:
    """A part of a name, or the name of something else, is no package; the hint has those there are."""
    with pytest.raises(ConfigError, match=rf"(?s)^{name}(: )?is not in the plan.*there are: crane, tender$"):
        planner.select(BUILDING, packages=(name,), targets=())


@pytest.mark.parametrize("name", ["linux", "x86_64", "tender"])
def test_select_knows_whole_targets_only(name: str) -> None:
    """Nor is a part of a triple, or a package, a target."""
    with pytest.raises(ConfigError, match=f"{name}: is not in the plan"):
        planner.select(BUILDING, packages=(), targets=(name,))


@pytest.mark.parametrize(
    "other",
    [
        replace(FACTS, ci=Ci(provider="github")),
        replace(FACTS, host="darwin-aarch64"),
        replace(FACTS, rust=(Rust(version="1.96.0", identity="x", host="x", targets=()),)),
        replace(FACTS, xwin=True),
        replace(FACTS, git=replace(FACTS.git, tags=("v1.0.0",))),
    ],
)
def test_make_digest_knows_no_machine(other: Facts) -> None:
    """CI, host, tools and tags are not what is built."""
    assert planner.make_digest(CONFIG, FACTS) == planner.make_digest(CONFIG, other)


@pytest.mark.parametrize(
    "other",
    [
        facts(a="1.0.1"),
        replace(FACTS, source=SourceTree(files=(SourceFile(path="x", mode="100644", oid="0"),))),
        replace(FACTS, lock=Lock(images=(LockedImage(name="debian", digest="sha256:0", platforms=()),))),
        replace(FACTS, git=replace(FACTS.git, epoch=1)),
    ],
)
def test_make_digest_covers_what_is_built(other: Facts) -> None:
    """Sources, versions, locks and the commit time are."""
    assert planner.make_digest(CONFIG, FACTS) != planner.make_digest(CONFIG, other)
