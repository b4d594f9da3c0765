"""dist/report.html: the story of a run as one page that needs nothing else."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from shipways.model.digest import short, shortened
from shipways.model.event import Sizes
from shipways.model.story import Act, Ending, Span, Story
from shipways.render.sizes import changes, human_size, told
from shipways.render.text import render
from shipways.run.story import lanes

_STEPS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_TICKS: Final = 6
_WORD: Final = 16
"""Letters of a cell that is not broken inside of a word, so that short columns stay readable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    """A step in a lane: where it begins and how wide it is, in percent of the act."""

    span: Span
    left: str
    width: str
    text: str
    critical: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timeline:
    """An act, drawn: lanes of what ran, and one for what was cached."""

    name: str
    title: str
    ticks: tuple[tuple[str, str], ...]
    lanes: tuple[tuple[_Bar, ...], ...]
    cached: tuple[_Bar, ...]
    bars: tuple[_Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """A cell of a table. `link` is an address of the web, or empty; `whole` what was shortened; `word`: not broken."""

    column: str
    text: str
    number: bool
    link: str
    whole: str
    word: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trend:
    """An artifact's sizes: a line in a box of 100 × 24 and the area below it, and what has changed."""

    name: str
    line: str
    area: str
    now: str
    change: str


def page(story: Story) -> str:
    """The page as HTML."""
    known = {span.step: span for act in story.acts for span in act.spans}
    ran = any(known[step].ending is not Ending.CACHED for step in story.critical)
    return render(
        "report.html",
        story=story,
        name=", ".join(f"{package.name} {package.version}" for package in story.plan.packages) or story.plan.project,
        commit=story.plan.commit[:12],
        make=short(story.plan.make_digest),
        figures=tuple(_figures(story)),
        acts=tuple(_timeline(act, frozenset(story.critical)) for act in story.acts if act.spans),
        critical=tuple((step, duration(known[step].seconds), _share(known[step], story)) for step in story.critical)
        if ran
        else (),
        tables=tuple((table, tuple(_cells(table.columns, row) for row in table.rows)) for table in story.tables),
        told=told(story.sizes) if story.sizes else "",
        trends=tuple(_trends(story.sizes)) if story.sizes else (),
    )


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


def ticks(seconds: float) -> tuple[float, ...]:
    """Round times for an axis, from 0 to this time, at most seven."""
    hours = 3600 * math.ceil(seconds / 3600 / _TICKS)
    step = next((step for step in _STEPS if seconds <= step * _TICKS), hours)
    return tuple(step * index for index in range(int(seconds / step) + 1))


def _figures(story: Story) -> Iterable[tuple[str, str]]:
    spans = [span for act in story.acts if act.name == "Make" for span in act.spans]
    yield "steps", f"{len(story.plan.steps)}"
    yield "cached", f"{sum(span.ending is Ending.CACHED for span in spans)}"
    yield "skipped", f"{len(story.skips)}"
    for act in story.acts:
        if act.spans:
            yield act.name.lower(), duration(act.end - act.begin)


def _timeline(act: Act, critical: frozenset[str]) -> _Timeline:
    whole = max(act.end - act.begin, 0.001)
    drawn = tuple(tuple(_bar(span, act, critical) for span in lane) for lane in lanes(act.spans))
    cached = tuple(_bar(span, act, critical) for span in act.spans if span.ending is Ending.CACHED)
    at_once = f", {len(drawn)} at once" if drawn else ""
    return _Timeline(
        name=act.name,
        title=f"{len(act.spans)} steps in {duration(whole)}{at_once}",
        ticks=tuple((_percent(time / whole), f"{time:g} s") for time in ticks(whole)),
        lanes=drawn,
        cached=cached,
        bars=tuple(_bar(span, act, critical) for span in act.spans),
    )


def _bar(span: Span, act: Act, critical: frozenset[str]) -> _Bar:
    whole = max(act.end - act.begin, 0.001)
    return _Bar(
        span=span,
        left=_percent((span.begin - act.begin) / whole),
        width=_percent(span.seconds / whole),
        text=f"{span.step}: {span.ending}, {duration(span.seconds)}, from {duration(span.begin - act.begin)}",
        critical=span.step in critical,
    )


def _share(span: Span, story: Story) -> str:
    longest = max((other.seconds for act in story.acts for other in act.spans), default=0.0)
    return _percent(span.seconds / longest if longest else 0.0)


def _percent(part: float) -> str:
    return f"{100 * min(max(part, 0.0), 1.0):.3f}%"


def _cells(columns: Sequence[str], row: Sequence[str]) -> tuple[_Cell, ...]:
    return tuple(
        _Cell(
            column=column.removeprefix("#"),
            text=shortened(text),
            number=column.startswith("#"),
            link=text if text.startswith(("https://", "http://")) else "",
            whole=text if text != shortened(text) else "",
            word=len(shortened(text)) <= _WORD,
        )
        for column, text in zip(columns, row, strict=True)
    )


def _trends(sizes: Sizes) -> Iterable[_Trend]:
    """What is there now or was there before; the biggest change first."""
    differs = {change.name: change for change in changes(sizes)}
    order = {name: index for index, name in enumerate(differs)}
    lines = [line for line in sizes.lines if line.sizes[-1] is not None or line.name in differs]
    for line in sorted(lines, key=lambda line: (order.get(line.name, len(order)), line.name)):
        now, points = line.sizes[-1], _points(line.sizes)
        ends = (f"{points[-1].partition(',')[0]},22", f"{points[0].partition(',')[0]},22") if points else ()
        yield _Trend(
            name=line.name,
            line=" ".join(points),
            area=" ".join((*points, *ends)),
            now="" if now is None else human_size(now),
            change=differs[line.name].text if line.name in differs else "",
        )


def _points(values: Sequence[int | None]) -> Sequence[str]:
    """The points of a line through these sizes, from 0 at the bottom; those of a single size are none."""
    top = max((value for value in values if value is not None), default=0) or 1
    apart = 96 / max(len(values) - 1, 1)
    found = [f"{2 + index * apart:.1f},{22 - 20 * value / top:.1f}" for index, value in enumerate(values) if value]
    return found if len(found) > 1 else ()
