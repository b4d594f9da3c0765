"""Converge: what a run does with what it sees, and that running again always ends well."""

from collections.abc import Sequence
from dataclasses import replace

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipways.errors import ConfigError, Conflict, Unfinished
from shipways.model.item import Item, ItemKind, Phase, Seen
from shipways.model.outcome import Outcome, Row, State
from shipways.outside.channels import Channel
from shipways.run.patience import TRIES
from shipways.run.reconciler import Around, converge
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED
from shipways.testing.place import Crash, Fault, Place, PlaceChannel, scripted
from support import sealed

MANIFEST = sealed()
ASSET = Item(id="forge/a", kind=ItemKind.STAGED, phase=Phase.STAGE, want="sha256:a", path="a")
OTHER = Item(id="forge/b", kind=ItemKind.STAGED, phase=Phase.STAGE, want="sha256:b", path="b")
PUBLISHED = Item(id="forge/published", kind=ItemKind.FIXED, phase=Phase.COMMIT, want="published")
WHEEL = Item(id="index/wheel", kind=ItemKind.FIXED, phase=Phase.COMMIT, want="sha256:w", needs=("index/sdist",))
SDIST = Item(id="index/sdist", kind=ItemKind.FIXED, phase=Phase.COMMIT, want="sha256:s")
LATEST = Item(
    id="index/latest",
    kind=ItemKind.MOVING,
    phase=Phase.COMMIT,
    want="sha256:w",
    version="1.2.0",
    needs=("index/wheel", "forge/published"),
)
BRANCH = Item(id="tap/branch", kind=ItemKind.STAGED, phase=Phase.STAGE, want="sha256:f", passing=True)
FORMULA = replace(LATEST, id="tap/formula", want="sha256:f", needs=("tap/branch",))
ALL = (ASSET, OTHER, PUBLISHED, WHEEL, SDIST, LATEST, BRANCH, FORMULA)


class Run:
    """One process that converges over the same places."""

    def __init__(self, place: Place, faults: Sequence[Fault] = ()) -> None:
        self.console, self.clock = RecordingConsole(), ManualClock()
        self.recorded: list[Row] = []
        self.place = place
        self.fault = scripted(iter(faults))

    def __call__(self, items: Sequence[Item] = ALL, *, apply: bool = True, anew: bool = False) -> Outcome:
        names = dict.fromkeys(item.channel for item in items)
        channels: list[Channel] = [
            PlaceChannel(name, self.place, [item for item in items if item.channel == name], self.fault)
            for name in names
        ]
        around = Around(outside=CLOSED, console=self.console, clock=self.clock, record=self.recorded.append)
        return anyio.run(lambda: converge(channels, MANIFEST, around, apply=apply, anew=anew))

    def notes(self) -> list[str]:
        return self.console.notes


def states(outcome: Outcome) -> dict[str, State]:
    """The state of every item."""
    return {row.item.id: row.state for row in outcome.rows}


def test_everything_is_put_there_in_order() -> None:
    """Stage first, then what others need, each once; every application is recorded."""
    place = Place()
    run = Run(place)
    outcome = run()
    assert {State.APPLIED} == set(states(outcome).values())
    assert outcome.error() is None
    order = [name for name, _ in place.log]
    assert sorted(item.id for item in ALL) == sorted(order)
    assert {"forge/a", "forge/b", "tap/branch"} == set(order[:3])
    assert order.index("index/sdist") < order.index("index/wheel") < order.index("index/latest")
    assert order == [row.item.id for row in run.recorded]
    assert ["point of no return: 5 items become public, which nobody can take back everywhere"] == run.notes()


def test_again_does_nothing() -> None:
    """When all is there, nothing is applied, and the run has not failed."""
    place = Place()
    Run(place)()
    before = list(place.log)
    run = Run(place)
    outcome = run()
    assert {State.DONE} == set(states(outcome).values())
    assert (before, [], None) == (place.log, run.notes(), outcome.error())


def test_only_observe() -> None:
    """A dry run tells what it would do, and touches nothing."""
    place = Place(values={ASSET.id: Seen(value=ASSET.want), LATEST.id: Seen(value="sha256:old", version="1.1.0")})
    outcome = Run(place)(apply=False)
    found = states(outcome)
    assert (State.DONE, State.PENDING, State.PENDING) == (found[ASSET.id], found[OTHER.id], found[LATEST.id])
    assert [] == place.log


def test_failure_in_stage() -> None:
    """The other channels finish staging, and nothing becomes public."""
    place = Place()
    outcome = Run(place, [Fault.REFUSED])()
    found = states(outcome)
    assert (State.FAILED, State.APPLIED, State.APPLIED) == (found[ASSET.id], found[OTHER.id], found[BRANCH.id])
    assert {State.PENDING} == {found[item.id] for item in ALL if item.phase is Phase.COMMIT}
    assert isinstance(outcome.error(), Unfinished)
    assert not outcome.begun


def test_failure_in_commit() -> None:
    """What does not need the failed item goes on; what does, waits."""
    place = Place()
    faults = {SDIST.id: Fault.REFUSED}
    run = Run(place)
    run.fault = lambda item: faults.get(item.id, Fault.NONE)
    outcome = run()
    found = states(outcome)
    assert (State.FAILED, State.BLOCKED, State.BLOCKED) == (found[SDIST.id], found[WHEEL.id], found[LATEST.id])
    assert (State.APPLIED, State.APPLIED) == (found[PUBLISHED.id], found[FORMULA.id])
    assert ["refused"] == [problem.what for problem in getattr(outcome.error(), "problems", ())]
    assert outcome.begun


def test_stage_replaces_before_anything_is_public() -> None:
    """An asset of an earlier try is replaced, which is said."""
    place = Place(values={ASSET.id: Seen(value="sha256:old")})
    run = Run(place)
    assert State.APPLIED == states(run())[ASSET.id]
    assert "forge/a: replaces sha256:old, of an earlier try" in run.notes()


def test_stage_replaces_nothing_afterwards() -> None:
    """Once something is public, another asset is a conflict."""
    place = Place(values={ASSET.id: Seen(value="sha256:old"), SDIST.id: Seen(value=SDIST.want)})
    outcome = Run(place)()
    assert State.CONFLICT == states(outcome)[ASSET.id]
    assert isinstance(outcome.error(), Conflict)
    assert "sha256:old is there, not sha256:a" == outcome.error().problems[0].what  # type: ignore[union-attr]


def test_conflict() -> None:
    """A file of a version is never replaced, also where the whole stage is."""
    place = Place(values={SDIST.id: Seen(value="sha256:old")})
    outcome = Run(place)((SDIST,), anew=True)
    assert ({State.CONFLICT}, []) == (set(states(outcome).values()), place.log)


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("anew", [False, True])
def test_other_proof(earlier: bool, begun: bool, anew: bool) -> None:
    """One of ours goes with what was staged before, one of others with --restage; none once something is public."""
    hint = "put it back until" if begun else "" if earlier or anew else "`release --restage` replaces"
    proof = replace(ASSET, kind=ItemKind.PROOF)
    place = Place(values={proof.id: Seen(value="old", earlier=earlier)})
    if begun:
        place.values[PUBLISHED.id] = Seen(value=PUBLISHED.want)
    outcome = Run(place)((proof, PUBLISHED), anew=anew)
    told = [problem.hint for row in outcome.rows for problem in row.problems]
    assert ([True] if hint else [], bool(hint)) == ([hint in text for text in told], not place.log)


@pytest.mark.parametrize(
    ("there", "state"),
    [
        ("1.1.9", State.APPLIED),
        ("1.2.0", State.APPLIED),
        ("1.10.0", State.KEPT),
        ("1.2.0-rc.1", State.APPLIED),
        ("", State.APPLIED),
    ],
)
def test_moving_never_goes_back(there: str, state: State) -> None:
    """`latest` of a newer version stays, and that is no failure."""
    item = replace(LATEST, needs=())
    place = Place(values={item.id: Seen(value="sha256:there", version=there)})
    outcome = Run(place)((item,))
    assert (state, None) == (states(outcome)[item.id], outcome.error())


def test_passing() -> None:
    """A merged branch is not made again."""
    place = Place(values={FORMULA.id: Seen(value=FORMULA.want)})
    outcome = Run(place)((BRANCH, FORMULA))
    assert ({State.DONE}, []) == (set(states(outcome).values()), place.log)


def test_busy() -> None:
    """A place is left alone for as long as it asks, then tried again."""
    run = Run(Place(), [Fault.BUSY, Fault.BUSY])
    outcome = run((SDIST,))
    assert (State.APPLIED, 3, 2.0) == (outcome.rows[0].state, outcome.rows[0].tries, outcome.rows[0].seconds)
    assert "index/sdist: busy; again in 1 s (try 2 of 6)" in run.notes()


def test_busy_for_too_long() -> None:
    """After some tries the item has failed, with the last reason."""
    outcome = Run(Place(), [Fault.BUSY] * TRIES)((SDIST,))
    assert (State.FAILED, "busy") == (outcome.rows[0].state, outcome.rows[0].problems[0].what)


def test_lost_answer() -> None:
    """What may have landed is looked for before it is tried again."""
    place = Place()
    outcome = Run(place, [Fault.LOST])((SDIST,))
    assert (State.APPLIED, 1) == (outcome.rows[0].state, len(place.log))


def test_unknown_need() -> None:
    """An item that needs what no channel brings, or what comes later, is a mistake of the config."""
    with pytest.raises(ConfigError) as raised:
        Run(Place())((replace(ASSET, needs=("forge/published", "x/y")), PUBLISHED))
    assert 2 == len(raised.value.problems)


TAG = Item(id="git/v1.2.0", kind=ItemKind.FIXED, phase=Phase.COMMIT, want="c", first=True)


def test_first_refused() -> None:
    """Without the item that comes first nothing is public, though all of the stage is there; a later run goes on."""
    place = Place()
    outcome = Run(place, [*[Fault.NONE] * 3, Fault.REFUSED])((*ALL, TAG))
    assert {"forge/a", "forge/b", "tap/branch"} == set(place.values)
    public = {item.id for item in ALL if item.phase is Phase.COMMIT}
    assert {TAG.id: State.FAILED} | dict.fromkeys(public, State.BLOCKED) == {
        name: state for name, state in states(outcome).items() if name in {TAG.id, *public}
    }
    assert not outcome.begun
    _release(place, (*ALL, TAG), [])


FAULTS = st.lists(st.sampled_from([fault for fault in Fault if fault is not Fault.REFUSED]), max_size=12)


@settings(max_examples=80, deadline=None)
@given(st.lists(FAULTS, max_size=5))
def test_any_interleaving_converges(runs: list[list[Fault]]) -> None:
    """Crashes, lost answers, rivals and runs again: at the end all is there, once, and nothing was public too early."""
    place = Place()
    _release(place, (*ALL, TAG), runs)
    _once(place, (*ALL, TAG))
    assert TAG.id == place.log[3][0]


@settings(max_examples=40, deadline=None)
@given(st.lists(FAULTS, max_size=3), st.lists(FAULTS, max_size=3), st.lists(FAULTS, max_size=3))
def test_the_second_release(one: list[list[Fault]], fixed: list[list[Fault]], two: list[list[Fault]]) -> None:
    """Over the first, and over one whose stage was begun with other bytes: moving items go on, nothing else does."""
    place = Place()
    first = _version("1.2.0")
    bad = tuple(replace(item, want=f"{item.want}-bad") if item.phase is Phase.STAGE else item for item in first)
    staged = tuple(item for item in bad if item.phase is Phase.STAGE)
    _release(place, staged, fixed)  # its commit never came
    place.log.clear()
    _release(place, first, one)
    _once(place, first)
    place.log.clear()
    second = _version("1.3.0")
    _release(place, second, two)
    _once(place, second)
    old = Run(place)(first)
    assert {State.DONE, State.KEPT} == set(states(old).values())


def _version(number: str) -> tuple[Item, ...]:
    """The items of a release: moving ones keep their place, others have one of this version."""

    def named(name: str) -> str:
        return name if name in (LATEST.id, FORMULA.id) else f"{name}-{number}"

    return tuple(
        replace(i, id=named(i.id), want=f"{i.want}-{number}", version=number, needs=tuple(map(named, i.needs)))
        for i in ALL
    )


def _release(place: Place, items: Sequence[Item], runs: Sequence[Sequence[Fault]]) -> None:
    """Runs with these faults, which may crash, then one without any."""
    for faults in runs:
        try:
            Run(place, faults)(items)
        except Crash:
            continue
    outcome = Run(place)(items)
    assert outcome.error() is None
    assert {State.DONE, State.APPLIED} >= set(states(outcome).values())


def _once(place: Place, items: Sequence[Item]) -> None:
    order = [name for name, _ in place.log]
    assert sorted(item.id for item in items) == sorted(order)
    staged = {item.id for item in items if item.phase is Phase.STAGE}
    assert staged == set(order[: len(staged)])
    for item in items:
        assert all(order.index(need) < order.index(item.id) for need in item.needs)
