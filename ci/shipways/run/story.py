"""From the events of a run to its story. Pure: the same events are the same story."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from shipways.errors import Problem
from shipways.model.event import Began, Ended, Event, Failed, Finished, Planned, Sizes, Skipped, Started, Table
from shipways.model.story import Act, Ending, Span, Story

_RAN: Final = frozenset({Ending.MADE, Ending.FAILED, Ending.STOPPED})


def story(entries: Sequence[tuple[float, Event]], problems: Sequence[Problem] = ()) -> Story | None:
    """What happened, by the last plan: what could not be finished may be made again. None for a run without one."""
    events = [event for _, event in entries]
    plan = next((event.plan for event in reversed(events) if isinstance(event, Planned)), None)
    if plan is None:
        return None
    acts = tuple(_acts(entries, {step.id for step in plan.steps}))
    seconds = {span.step: span.seconds for act in acts for span in act.spans}
    return Story(
        plan=plan,
        acts=acts,
        skips=tuple(event for event in events if isinstance(event, Skipped)),
        tables=tuple(event for event in events if isinstance(event, Table)),
        sizes=next((event for event in events if isinstance(event, Sizes)), None),
        critical=critical([(step.id, step.needs) for step in plan.steps], seconds),
        problems=tuple(problems),
    )


def critical(needs: Iterable[tuple[str, Sequence[str]]], seconds: Mapping[str, float]) -> tuple[str, ...]:
    """The chain of needs that takes longest, first step first. Each step stands after what it needs.

    A step of which no time is known was not worked on, and is in no chain.
    """
    lasts: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for step, wanted in needs:
        if step in seconds:
            need = max((need for need in wanted if need in lasts), key=lasts.__getitem__, default=None)
            before[step] = need
            lasts[step] = seconds[step] + (lasts[need] if need is not None else 0.0)
    path = []
    last = max(lasts, key=lasts.__getitem__, default=None)
    while last is not None:
        path.append(last)
        last = before[last]
    return tuple(reversed(path))


def lanes(spans: Iterable[Span]) -> tuple[tuple[Span, ...], ...]:
    """The spans of steps that ran, in as few lanes as had to run at once; those of one lane follow each other."""
    found: list[list[Span]] = []
    for span in sorted((span for span in spans if span.ending in _RAN), key=lambda span: (span.begin, span.end)):
        free = next((lane for lane in found if lane[-1].end <= span.begin), None)
        if free is None:
            found.append([span])
        else:
            free.append(span)
    return tuple(tuple(lane) for lane in found)


@dataclass(slots=True, kw_only=True)
class _Running:
    """The steps between a `Began` and its `Ended`."""

    begin: float
    name: str
    open: dict[str, float] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)

    def hear(self, time: float, event: Event) -> None:
        """Take in an event."""
        match event:
            case Started():
                self.open[event.step] = time
            case Finished(cached=True):
                self._close(event.step, time, Ending.CACHED, begin=time - event.seconds)
            case Finished():
                self._close(event.step, time, Ending.MADE, begin=time - event.seconds)
            case Failed():
                self._close(event.step, time, Ending.FAILED, begin=time, reason=event.reason)
            case Skipped():
                self.open.pop(event.step, None)

    def _close(self, step: str, time: float, ending: Ending, *, begin: float, reason: str = "") -> None:
        begin = max(self.begin, self.open.pop(step, begin))
        self.spans.append(Span(step=step, begin=begin, end=time, ending=ending, reason=reason))

    def act(self, end: float) -> Act:
        """What was heard; a step that has not ended was stopped."""
        stopped = (Span(step=s, begin=begin, end=end, ending=Ending.STOPPED) for s, begin in self.open.items())
        spans = sorted(chain(self.spans, stopped), key=lambda span: (span.begin, span.end, span.step))
        return Act(name=self.name, begin=self.begin, end=end, spans=tuple(spans))


def _acts(entries: Sequence[tuple[float, Event]], planned: set[str]) -> Iterator[Act]:
    first = entries[0][0]
    running: _Running | None = None
    for time, event in entries:
        now = time - first
        match event:
            case Began():
                running = _Running(begin=now, name="Make" if planned.issuperset(event.steps) else "Publish")
            case Ended() if running is not None:
                yield running.act(now)
                running = None
            case _ if running is not None:
                running.hear(now, event)
    if running is not None:
        yield running.act(entries[-1][0] - first)
