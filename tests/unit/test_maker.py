"""The runner: order, reuse, skips, failure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from shipways.adapters.store import DiskStore
from shipways.errors import BuildError, Problem, Unavailable
from shipways.model.artifact import Kind, Output
from shipways.model.event import Finished
from shipways.model.plan import Mode, Plan
from shipways.model.step import Inputs, Spec, Work
from shipways.ports import Inbox, Step, World
from shipways.run.maker import Made, Options, make
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.engine import ScriptedEngine

WORLD = World(
    engine=ScriptedEngine({}),
    files=cast(Any, None),
    sources=cast(Any, None),
    inspector=cast(Any, None),
    images=cast(Any, None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """A step that writes its needs' bytes and its own text."""

    spec: Spec
    text: str
    ran: list[str]
    fail: Callable[[], Exception] | None = None
    hang: bool = False

    def inputs(self, inbox: Inbox) -> Inputs:
        return Inputs(recipe="echo", values=self.text, artifacts=inbox.artifacts())

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        self.ran.append(self.spec.id)
        if self.fail:
            raise self.fail()
        if self.hang:
            await anyio.sleep_forever()
        path = inbox.scratch / "file"
        path.write_text("".join(inbox.path(a).read_text() for a in inbox.artifacts()) + self.text)
        return (Output(name="file", kind=Kind.FILE, path=path),)


class Shop:
    """Makes steps that share one list of what ran."""

    def __init__(self, folder: Path) -> None:
        self.store = DiskStore(folder)
        self.ran: list[str] = []
        self.console = RecordingConsole()

    def step(
        self, name: str, *needs: str, text: str = "", gathers: bool = False, **more: Callable[[], Exception]
    ) -> Echo:
        spec = Spec(id=name, work=Work.PACK, outputs=("file",), folder=f"{name}/", needs=needs, gathers=gathers)
        return Echo(spec=spec, text=text or name, ran=self.ran, **more)

    def make(self, *steps: Step, mode: Mode = Mode.SNAPSHOT, options: Options | None = None) -> Made:
        plan = Plan(
            project="p",
            mode=mode,
            reason="",
            make_digest="",
            commit="",
            epoch=0,
            versions=(),
            steps=steps,
            skips=(),
        )

        async def run() -> Made:
            return await make(
                plan,
                WORLD,
                store=self.store,
                console=self.console,
                clock=ManualClock(),
                options=options or Options(),
            )

        return anyio.run(run)

    def text(self, made: Made, name: str) -> str:
        artifact = next(a for a in made.artifacts if a.name == f"{name}/file")
        return self.store.path(artifact.blob).read_text()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "store")


def unavailable() -> Exception:
    return Unavailable("toolchain", Problem(what="no rustc", hint="install it"))


def broken() -> Exception:
    return BuildError(Problem(what="does not compile"))


def test_needs_come_first(shop: Shop) -> None:
    """A step gets the artifacts of its needs, in the order of its needs."""
    made = shop.make(shop.step("c", "b", "a"), shop.step("a"), shop.step("b", "a"))
    assert "abac" == shop.text(made, "c")


def test_second_run_makes_nothing(shop: Shop) -> None:
    """What has the same inputs comes from the store."""
    steps = (shop.step("a"), shop.step("b", "a"))
    first = shop.make(*steps)
    second = shop.make(*steps)
    assert ["a", "b"] == shop.ran
    assert first.artifacts == second.artifacts
    assert [True, True] == [event.cached for event in shop.console.events if isinstance(event, Finished)][2:]


def test_changed_need_is_made_again(shop: Shop) -> None:
    """A step's key covers the digests of what it gets."""
    shop.make(shop.step("a"), shop.step("b", "a"))
    shop.make(shop.step("a", text="other"), shop.step("b", "a"))
    assert ["a", "b", "a", "b"] == shop.ran


def test_equal_inputs_are_made_once(shop: Shop) -> None:
    """Two steps of one run with the same inputs run once, and both have the artifact under their own name."""
    made = shop.make(shop.step("gnu", text="same"), shop.step("musl", text="same"))
    assert 1 == len(shop.ran)
    assert {"gnu/file", "musl/file"} == {artifact.name for artifact in made.artifacts}


def test_corrupted_object_is_made_again(shop: Shop) -> None:
    """A byte changed in the store is noticed on read, and never used."""
    first = shop.make(shop.step("a"))
    path = shop.store.path(first.artifacts[0].blob)
    path.write_text("X")
    second = shop.make(shop.step("a"))
    assert ["a", "a"] == shop.ran
    assert "a" == shop.text(second, "a")


def test_corrupted_result_is_made_again(shop: Shop, tmp_path: Path) -> None:
    """A result record that is cut short counts as none."""
    shop.make(shop.step("a"))
    for record in (tmp_path / "store" / "results").rglob("*.json"):
        record.write_bytes(record.read_bytes()[:20])
    shop.make(shop.step("a"))
    assert ["a", "a"] == shop.ran


def test_snapshot_skips_what_the_machine_cannot(shop: Shop) -> None:
    """What needs the skipped step is skipped too; what gathers goes on with the rest."""
    made = shop.make(
        shop.step("rust", fail=unavailable),
        shop.step("go"),
        shop.step("archive", "rust"),
        shop.step("sums", "archive", "go", gathers=True),
    )
    assert {"rust": "toolchain", "archive": "toolchain"} == {skip.id: skip.kind for skip in made.skips}
    assert "gosums" == shop.text(made, "sums")


@pytest.mark.parametrize("required", [frozenset({"toolchain"}), frozenset({"all"})])
def test_required_kind_fails(shop: Shop, required: frozenset[str]) -> None:
    """`--require KIND` turns a skip of that kind into a failure."""
    with pytest.raises(Unavailable, match="no rustc"):
        shop.make(shop.step("rust", fail=unavailable), options=Options(required=required))


def test_release_skips_nothing(shop: Shop) -> None:
    """A release requires every step."""
    with pytest.raises(Unavailable, match="no rustc"):
        shop.make(shop.step("rust", fail=unavailable), mode=Mode.RELEASE)


def test_failure_stops_the_run(shop: Shop) -> None:
    """The first failure is raised as it is, and what needs the failed step never runs."""
    with pytest.raises(BuildError, match="does not compile"):
        shop.make(shop.step("a", fail=broken), shop.step("b", "a"))
    assert ["a"] == shop.ran


def test_scratch_is_gone_afterwards(shop: Shop, tmp_path: Path) -> None:
    """No run leaves a scratch folder, whether it ends well or not."""
    shop.make(shop.step("a"))
    with pytest.raises(BuildError):
        shop.make(shop.step("b", fail=broken))
    assert [] == list((tmp_path / "store" / "tmp").iterdir())


def test_step_that_hangs(shop: Shop) -> None:
    """A step has only so many seconds; the error says how many, and which key gives it more."""
    step = replace(shop.step("a"), hang=True)
    with pytest.raises(BuildError) as caught:
        shop.make(step, shop.step("b", "a"), options=Options(timeout=0.05))
    (problem,) = caught.value.problems
    assert ("a", "has not ended after 0.05 s") == (problem.path, problem.what)
    assert "engine.timeout" in problem.hint
    assert ["a"] == shop.ran


def test_fresh(shop: Shop) -> None:
    """Nothing is taken from the store, but what is made is kept there for the next run."""
    steps = (shop.step("a"), shop.step("b", "a"))
    first = shop.make(*steps)
    made = shop.make(*steps, options=Options(fresh=True))
    assert ["a", "b", "a", "b"] == shop.ran
    assert [False, False] == [timing.cached for timing in made.timings]
    assert first.artifacts == made.artifacts
    shop.make(*steps)
    assert ["a", "b", "a", "b"] == shop.ran
