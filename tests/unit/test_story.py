"""What a run tells about itself: when each step ran, side by side with which, and what it all waited for."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from shipways.errors import Problem
from shipways.model.event import Began, Ended, Event, Failed, Finished, Note, Planned, Printed, Skipped, Started, Table
from shipways.model.record import PlannedStep
from shipways.model.step import Work
from shipways.model.story import Ending, Span
from shipways.run.journal import Journal
from shipways.run.story import critical, lanes, story
from shipways.testing.console import ManualClock, RecordingConsole
from support import plan_record

Steps = Sequence[tuple[str, tuple[str, ...]]]


def planned(*steps: tuple[str, tuple[str, ...]]) -> Planned:
    """The plan of these steps with their needs."""
    found = (PlannedStep(id=s, work=Work.PACK, package="", target="", needs=needs, outputs=()) for s, needs in steps)
    return Planned(plan=plan_record(*found))


def made(step: str, seconds: float, *, cached: bool = False) -> Finished:
    return Finished(step=step, seconds=seconds, size=1, cached=cached)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Steps, dict[str, float]]:
    """Steps in an order that respects their needs, and the times of those that were worked on."""
    names = [str(index) for index in range(draw(st.integers(0, 8)))]
    steps = [
        (name, tuple(draw(st.sets(st.sampled_from(names[:index]))) if index else ()))
        for index, name in enumerate(names)
    ]
    times = draw(st.dictionaries(st.sampled_from(names), st.integers(0, 9).map(float))) if names else {}
    return steps, times


@settings(deadline=None)
@given(graphs())
def test_critical_path(graph: tuple[Steps, dict[str, float]]) -> None:
    """It is a chain of needs, and no chain takes longer."""
    steps, times = graph
    needs = dict(steps)

    @cache
    def longest(step: str) -> float:
        return times[step] + max((longest(need) for need in needs[step] if need in times), default=0.0)

    path = critical(steps, times)
    assert max((longest(step) for step in times), default=0.0) == sum(times[step] for step in path)
    assert all(before in needs[after] for before, after in pairwise(path))


def test_nothing_was_worked_on() -> None:
    """Without any times there is no path."""
    assert () == critical([("a", ()), ("b", ("a",))], {})


spans = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 10)).map(
        lambda pair: Span(step="s", begin=pair[0], end=pair[0] + pair[1], ending=Ending.MADE)
    )
)


@settings(deadline=None)
@given(spans)
def test_lanes(every: list[Span]) -> None:
    """No span is lost, those of a lane never overlap, and there are only as many lanes as ran at once."""
    found = lanes(every)
    order = lambda span: (span.begin, span.end)  # noqa: E731 - a key
    assert sorted(every, key=order) == sorted((span for lane in found for span in lane), key=order)
    for lane in found:
        assert all(one.end <= other.begin for one, other in pairwise(lane))
    at_once = [sum(o.begin <= span.begin < o.end or o == span for o in every) for span in every]
    assert max(at_once, default=0) >= len(found)


def test_cached_steps_have_no_lane() -> None:
    """What came from the store took nobody's place."""
    assert () == lanes([Span(step="a", begin=0, end=1, ending=Ending.CACHED)])


def told(*events: tuple[float, Event]) -> tuple[tuple[float, Event], ...]:
    """What a journal keeps of events at these times."""
    clock = ManualClock(start=1000)
    journal = Journal(RecordingConsole(), clock)
    for time, event in events:
        clock.advance(1000 + time - clock.monotonic())
        journal.emit(event)
    return journal.entries


def test_finished_run() -> None:
    """Times count from the first event; a cached step began when its bytes were asked for."""
    made_ = story(
        told(
            (0, planned(("a", ()), ("b", ("a",)))),
            (1, Began(steps=("a", "b"))),
            (1.5, made("a", 0.25, cached=True)),
            (2, Started(step="b")),
            (5, made("b", 3)),
            (5, Ended()),
        )
    )
    assert made_
    (act,) = made_.acts
    assert ("Make", 1, 5) == (act.name, act.begin, act.end)
    assert [("a", 1.25, 1.5, Ending.CACHED), ("b", 2, 5, Ending.MADE)] == [
        (span.step, span.begin, span.end, span.ending) for span in act.spans
    ]
    assert ("a", "b") == made_.critical


def test_failed_run() -> None:
    """The step that failed says why; one that ran beside it was stopped, and one that never began is not there."""
    problem = Problem(path="a", what="no")
    failed = story(
        told(
            (0, planned(("a", ()), ("b", ()), ("c", ("a",)), ("d", ()))),
            (0, Began(steps=("a", "b", "c", "d"))),
            (0, Started(step="a")),
            (1, Started(step="b")),
            (1, Started(step="d")),
            (2, Skipped(step="d", kind="toolchain", reason="none", fix="")),
            (3, Failed(step="a", reason="no")),
            (4, Ended()),
        ),
        [problem],
    )
    assert failed
    (act,) = failed.acts
    assert [("a", 0, 3, Ending.FAILED, "no"), ("b", 1, 4, Ending.STOPPED, "")] == [
        (span.step, span.begin, span.end, span.ending, span.reason) for span in act.spans
    ]
    assert (["d"], (problem,)) == ([skip.step for skip in failed.skips], failed.problems)


def test_run_that_was_killed_in_the_middle() -> None:
    """Without an end, what ran is there until the last that was heard."""
    (act,) = story(
        told((0, planned(("a", ()))), (0, Began(steps=("a",))), (1, Started(step="a")), (7, Note(text="")))
    ).acts  # type: ignore[union-attr]
    assert [(1, 7, Ending.STOPPED)] == [(span.begin, span.end, span.ending) for span in act.spans]


def test_release_has_two_acts() -> None:
    """Publishing is an act of its own, and its items are in no critical path."""
    both = story(
        told(
            (0, planned(("a", ()))),
            (0, Began(steps=("a",))),
            (1, made("a", 1)),
            (1, Ended()),
            (1, Table(about="Artifacts", title="", columns=(), rows=())),
            (2, Began(steps=("files/x",))),
            (2, Started(step="files/x")),
            (9, made("files/x", 7)),
            (9, Ended()),
        )
    )
    assert both
    assert [("Make", ["a"]), ("Publish", ["files/x"])] == [(a.name, [s.step for s in a.spans]) for a in both.acts]
    assert (("a",), ["Artifacts"]) == (both.critical, [table.about for table in both.tables])


def test_no_plan_no_story() -> None:
    """A verb that makes nothing leaves no report."""
    assert story(told((0, Note(text="x")))) is None


def test_journal_passes_everything_on() -> None:
    """What is shown is what would be shown without it; what commands print is shown, and not kept."""
    console = RecordingConsole()
    journal = Journal(console, ManualClock())
    events = (Note(text="x"), Printed(step="a", text="hunter2"))
    for event in events:
        journal.emit(event)
    journal.print("result")
    assert (list(events), ["result"]) == (console.events, console.printed)
    assert ((0.0, events[0]),) == journal.entries


def test_planned_twice() -> None:
    """A run that was to publish what is there, and has to make some of it again, has the story of both."""
    events = (planned(), planned(("a", ())), Began(steps=("a",)), made("a", 1), Ended(), Began(steps=("b",)), Ended())
    found = story([(float(time), event) for time, event in enumerate(events)])
    assert found
    assert (["a"], ["Make", "Publish"]) == ([step.id for step in found.plan.steps], [act.name for act in found.acts])
