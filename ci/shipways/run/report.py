"""What a person reads at the end: the closing tables, and what to do next."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shipways.model.artifact import Kind
from shipways.model.digest import short
from shipways.model.event import Skipped, Table
from shipways.model.outcome import Outcome, State
from shipways.model.plan import Plan, Skip
from shipways.render.sizes import human_size
from shipways.run.maker import Made

_NOTHING: Final = "nothing"


def problems_of(skip: Skip) -> Skipped:
    """A skip of the plan as an event."""
    return Skipped(step=skip.id, kind=skip.kind, reason=skip.problem.what, fix=skip.problem.hint)


def closing_table(plan: Plan, made: Made, written: str) -> Table:
    """A row for each artifact that is used by name, with its step's time; below, what was skipped and what to do.

    `written` says which record tells of them.
    """
    timings = {timing.step: timing for timing in made.timings}
    rows = []
    for artifact in sorted(made.artifacts, key=lambda artifact: artifact.name):
        if artifact.kind is Kind.BLOB:
            continue
        timing = timings[artifact.step]
        seconds = "cached" if timing.cached else f"{timing.seconds:.1f}"
        rows.append((artifact.name, artifact.kind.value, human_size(artifact.blob.size), artifact.digest, seconds))
    skips = (*plan.skips, *made.skips)
    cached = sum(timing.cached for timing in made.timings)
    counts = f"{len(made.artifacts)} artifacts of {len(timings)} steps, {cached} of them cached, {len(skips)} skipped"
    return Table(
        about="Artifacts",
        title=f"{counts}; make {short(plan.make_digest)}; {written}",
        columns=("artifact", "kind", "#size", "digest", "#seconds"),
        rows=tuple(rows),
        remarks=tuple(_remark(skip) for skip in skips),
    )


def publish_table(outcome: Outcome) -> Table:
    """A row for each item: what was there, what is there now, and where; below, what went wrong and what to do."""
    rows = tuple(
        (
            row.item.channel,
            row.item.id.partition("/")[2],
            row.state.value,
            f"{row.before or _NOTHING} → {row.item.want}" if row.before != row.item.want else row.before,
            row.url,
            f"{row.seconds:.1f}" if row.tries else "",
        )
        for row in outcome.rows
    )
    counts = Counter(row.state for row in outcome.rows)
    title = ", ".join(f"{counts[state]} {state.value}" for state in State if counts[state]) or "nothing to publish"
    return Table(
        about="Channels",
        title=title,
        columns=("channel", "item", "state", "before → after", "place", "#seconds"),
        rows=rows,
        remarks=tuple(_next(outcome)),
    )


def deploy_table(outcome: Outcome) -> Table:
    """The same of a deployment."""
    states = {row.state for row in outcome.rows}
    remark = "what ran before runs again" if State.RETURNED in states else "nothing was changed"
    if State.FAILED in states:
        remark = "some of it is not as it was, nor as it should be: the errors name it"
    bad = states & {State.FAILED, State.RETURNED}
    return replace(publish_table(outcome), about="Deployment", remarks=(remark,) if bad else ())


def _next(outcome: Outcome) -> Iterator[str]:
    """The one thing to do."""
    states = {row.state for row in outcome.rows}
    if State.CONFLICT in states:
        yield "other bytes are where ours should be, and stay; the error says what can be done"
    elif State.FAILED in states and outcome.begun:
        yield "a part is public; run the same command again, it does what is left"
    elif State.FAILED in states:
        yield "nothing is public; run the same command again when the reason is gone"


def _remark(skip: Skip) -> str:
    fix = f" ({skip.problem.hint})" if skip.problem.hint else ""
    return f"skipped {skip.id}: {skip.problem.what}{fix}"
