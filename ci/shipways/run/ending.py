"""What a release and a deployment do alike when an item has come to its end: record it at once, and show it."""

from collections.abc import Callable

from shipways.model.event import Failed, Finished
from shipways.model.outcome import GOOD, Row, State
from shipways.ports import Console


def ended(row: Row, record: Callable[[Row], None], console: Console) -> None:
    """`record` is told of what was applied; the console of what is good, and of what failed with a reason."""
    if row.state is State.APPLIED:
        record(row)
    if row.state in GOOD:
        cached = row.state is not State.APPLIED
        console.emit(Finished(step=row.item.id, seconds=row.seconds, size=0, cached=cached))
    elif row.problems:
        problem = row.problems[0]
        console.emit(Failed(step=row.item.id, reason=problem.what, why=problem.why))
