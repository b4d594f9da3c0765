"""What would stop a release, asked of every channel before anything is compiled."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from shipways.errors import Problem, ShipwaysError
from shipways.model.event import Table
from shipways.outside.channels import Channel, Checked, Foreseen, Outside
from shipways.tasks import together


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a channel says; `asked` is false for one that can only be tried. `notes` stop nothing."""

    channel: str
    asked: bool
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


async def examine(channels: Sequence[Channel], outside: Outside) -> tuple[Finding, ...]:
    """A finding for each channel, in their order; a place that does not answer is a problem."""
    found: dict[str, Finding] = {}

    async def ask(channel: Channel) -> None:
        problems: tuple[Problem, ...] = ()
        notes: tuple[str, ...] = ()
        try:
            problems = await channel.preflight(outside) if isinstance(channel, Checked) else ()
            notes = await channel.foresee(outside) if isinstance(channel, Foreseen) else ()
        except ShipwaysError as error:
            problems = (*problems, *error.problems)
        asked = isinstance(channel, Checked)
        found[channel.name] = Finding(channel=channel.name, asked=asked, problems=problems, notes=notes)

    await together(partial(ask, channel) for channel in channels)
    return tuple(found[channel.name] for channel in channels)


def findings_table(findings: Sequence[Finding]) -> Table:
    """A row for each channel."""
    rows = tuple((finding.channel, _state(finding)) for finding in findings)
    columns = ("channel", "before a release")
    return Table(about="Preflight", title=f"{len(findings)} channels", columns=columns, rows=rows)


def _state(finding: Finding) -> str:
    if not finding.asked:
        return "is only known when it is tried"
    return "; ".join(problem.what for problem in finding.problems) or "ready"
