"""What a rehearsal leaves: a table of channels and faults, and a file with every case."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from shipways import __version__
from shipways.config.manifestfile import REHEARSAL
from shipways.errors import Conflict, Problem, ShipwaysError, Unfinished
from shipways.model.event import Table
from shipways.model.manifest import Manifest
from shipways.rehearse.cases import Size
from shipways.rehearse.rehearsal import Result

FORMAT: Final = "shipways-rehearsal/1"
_SHOWN: Final = 300
"""Characters of what went wrong that an error shows; the file has all."""


def matrix(results: Sequence[Result], seed: int) -> Table:
    """A row for each channel and fault. `tries` are the most runs that a case took until all was there."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.case.channel, result.case.fault), []).append(result)
    rows = tuple(
        (
            channel,
            fault,
            str(len(group)),
            str(sum(not result.problem for result in group)),
            str(max(result.tries for result in group)),
            f"{sum(result.seconds for result in group):.1f}",
        )
        for (channel, fault), group in groups.items()
    )
    bad = sum(bool(result.problem) for result in results)
    vain = sum(not result.hit for result in results)
    how = f"{bad} do not converge" if bad else "all converge"
    remarks = (f"in {vain} cases nothing went wrong: the run had no such request",) if vain else ()
    return Table(
        title=f"{len(results)} cases, {how}; seed {seed}; dist/{REHEARSAL} has each of them",
        columns=("channel", "fault", "#cases", "#converged", "#tries", "#seconds"),
        rows=rows,
        remarks=remarks,
    )


def report(
    manifest: Manifest, seed: int, sizes: Mapping[str, Size], absent: Sequence[str], results: Sequence[Result]
) -> str:
    """The text of dist/rehearsal.json."""
    record = {
        "format": FORMAT,
        "shipways": __version__,
        "project": manifest.project,
        "commit": manifest.commit,
        "make_digest": manifest.make_digest,
        "packages": {package.name: package.version for package in manifest.packages},
        "seed": seed,
        "absent": list(absent),
        "channels": {
            name: {"requests": size.requests, "writes": size.writes, "items": size.items}
            for name, size in sizes.items()
        },
        "cases": [
            {
                "id": result.case.id,
                "hit": result.hit,
                "converged": not result.problem,
                "tries": result.tries,
                "seconds": round(result.seconds, 3),
                "problem": result.problem,
            }
            for result in results
        ],
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def verdict(results: Sequence[Result], seed: int) -> ShipwaysError | None:
    """What a rehearsal ends with: a conflict is told first."""
    bad = [result for result in results if result.problem]
    if not bad:
        return None
    kind = Conflict if any(result.conflict for result in bad) else Unfinished
    return kind(*_problems(bad, seed))


def _problems(bad: Sequence[Result], seed: int) -> Iterator[Problem]:
    for result in bad:
        yield Problem(
            path=result.case.id,
            what="does not converge",
            why=" ".join(result.problem.split())[:_SHOWN],
            hint=f"`shipways rehearse --faults {result.case.id} --seed {seed}` plays it alone",
        )
