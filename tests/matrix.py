"""The fault matrix as it was played, for the end of a run: fault × phase × method, with what became of each job."""

import ast
import datetime
import os
import random
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

FAULTS: Final = tuple(f"F{number}" for number in range(1, 33))
SEED: Final = os.environ.get("SHIPWAYS_SEED", "8")
IMPOSSIBLE: Final[Mapping[str, str]] = {
    "F4 in Validation and Transfer": "nothing but files is there yet; the link is lost, which F7 plays",
    "F5 × systemd": "no engine has a part in it",
    "F6 unit edited, in later phases": "units are compared when a service is looked at, at first; later is F6 masked",
    "F7 latency of 500 ms": "the kernel here has no netem",
    "F10 × deployer": "a tree comes as files that are compared one by one; archives are of releases, see the tests",
    "F16 in Validation": "its last step takes the lock",
    "F19 × deployer": 'images are built on the host; they are pulled by `kind = "hosts"`, see the tests',
    "F22 clock of a host": "a container has the clock of its machine; the check of it has unit tests",
    "F29": "there are no hooks for migrations",
    "F30": "a release is pruned by a deployment, which has the lock that a rollback needs",
}
"""Cells that nobody can play, and why."""
_PLAYED: Final[list[tuple[str, str, str, str, float]]] = []
_MARK: Final = re.compile(r"\bF\d+\b")
_T = TypeVar("_T")


def record(cell: tuple[str, str, str], ended: str, seconds: float) -> None:
    """One cell. "missed": the phase was over before the fault came."""
    _PLAYED.append((*cell, ended, seconds))


def tenth(all_: Sequence[_T]) -> list[_T]:
    """Which ones, by SHIPWAYS_SEED."""
    chosen = set(random.Random(SEED).sample(range(len(all_)), len(all_) // 10))  # noqa: S311 - no secret
    return [each for number, each in enumerate(all_) if number in chosen]


def elsewhere() -> Mapping[str, Sequence[str]]:
    """The tests beside the matrix that are about a fault: they say so at the beginning of their docstrings."""
    found: dict[str, list[str]] = {}
    top = Path(__file__).parent
    for path in sorted(top.rglob("test_*.py")):
        text = path.read_text()
        for each in ast.walk(ast.parse(text)) if _MARK.search(text) else ():
            if isinstance(each, ast.FunctionDef) and each.name.startswith("test_"):
                head, colon, _ = (ast.get_docstring(each) or "").partition(". ")[0].rpartition(": ")
                for fault in _MARK.findall(head) if colon else ():
                    found.setdefault(fault, []).append(f"{path.relative_to(top.parent)}::{each.name}")
    return found


def commit() -> str:
    """The one of these tests."""
    git = ("git", "rev-parse", "--short", "HEAD")
    return subprocess.run(git, cwd=Path(__file__).parent, capture_output=True, text=True, check=False).stdout.strip()


def lines(commit: Callable[[], str]) -> Iterator[str]:
    """Markdown; nothing where nothing was played, and nobody is asked for the commit then."""
    if not _PLAYED:
        return
    today = datetime.datetime.now(datetime.UTC).date()
    counts = Counter(ended for *_, ended, _ in _PLAYED)
    told = ", ".join(f"{count} {ended}" for ended, count in sorted(counts.items()))
    minutes = sum(seconds for *_, seconds in _PLAYED) / 60
    head = f"Fault matrix of the deployer: {len(_PLAYED)} cells ({told}), {minutes:.1f} min"
    yield f"{head}, commit {commit()}, {today}, seed {SEED[:12]}"
    yield from _table(("fault", "phase", "method", "job", "s"), [(*row, f"{s:.0f}") for *row, s in sorted(_PLAYED)])
    yield "Not played:"
    yield from _table(("cells", "why"), IMPOSSIBLE.items())
    yield "Also by other tests:"
    tests = elsewhere()
    rows = [(fault, test) for fault in FAULTS for test in tests.get(fault, ()) if "deployer_matrix" not in test]
    yield from _table(("fault", "test"), rows)


def _table(heads: tuple[str, ...], rows: "Sequence[Sequence[str]] | Iterator[tuple[str, ...]]") -> Iterator[str]:
    for row in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(row)} |"
