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
IMPOSSIBLE: Final[Mapping[tuple[str, str], str]] = {
    ("F5 engine killed", "systemd"): "no engine has a part in it",
    ("F7 latency of 500 ms", "every phase"): "the kernel here has no netem",
    ("F10 a bit flipped", "Validation, Build, Start Service, Verify Health"): "no file comes then",
    ("F16 holder paused", "Validation"): "its last step takes the lock",
    ("F22 clock of a host", "every phase"): "a container has the clock of its machine; the check has unit tests",
    ("F29", ""): "there are no hooks for migrations",
    ("F30", ""): "a release is pruned by a deployment, which has the lock that a rollback needs",
}
"""What nobody can play: a fault, where, and why not."""
LEFT: Final[Mapping[tuple[str, str], str]] = {
    (
        "every one",
        "Register",
    ): "services of the matrix are not registered; a registry in trouble, and a kill in this phase, "
    "have tests: F20, F1",
    ("every one", "recreate"): "services of the matrix run beside each other; one that cannot has tests without faults",
    (
        "F4 reboot",
        "Validation, Transfer",
    ): "for the deployer it is a link that is cut, which F7 plays there; only files "
    "have come by then, and that they outlive a reboot was not tried",
    ("F5 engine restarted", "every phase"): "systemd starts it again when it was killed, which is harsher",
    (
        "F6 units read again and again",
        "Validation, Transfer, Build",
    ): "no unit of a service is written or started then; the one of a build by systemd is, at which it was not tried",
    (
        "F6 unit edited",
        "Transfer, Build, Start Service, Verify Health",
    ): "units are compared at the first look; what is "
    "edited later is what the next deployment sees at its own first look",
    (
        "F6 unit masked",
        "Validation, Transfer, Build, Verify Health",
    ): "it tells when the proxy is looked after, in Start",
    ("F7 link cut for 60 s", "all but Build by docker"): "5 s are played in every phase; 60 s once, at true times",
    (
        "F7 link cut for good",
        "all but Verify by docker and Start by systemd",
    ): "each takes minutes until it is given up",
    ("F7 half open", "Validation, Transfer, Start Service"): "the same signs of life are missed as in Build and Verify",
    (
        "F7 one packet of twenty lost",
        "Transfer, Build, Start Service, Verify Health",
    ): "it begins in Validation, and lasts until the job has ended",
    ("F8 disk read-only", "Validation"): "only tender and locks are written then; a full disk is played there",
    (
        "F8 no inodes",
        "Validation, Build, Verify Health",
    ): "a full disk is played there; most files come in Transfer, and units and records in Start",
    (
        "F9 quota of 2 GB",
        "every phase",
    ): "that of the matrix is 100 MB, so that trees are small; `bench -- quota` has 2 GB",
    (
        "F10 archives that are cut, lead elsewhere or are bombs",
        "every phase",
    ): "a tree comes as files, each compared by its digest, as the bit shows; archives are of releases, and have tests",
    (
        "F12 listens after 29 and 31 s",
        "Verify Health",
    ): "25 and 35 s are, so that the second or two that a start takes decide nothing",
    ("F13 ends after 8 s", "Verify Health"): "2 s are, of a watch of 10 s",
    ("F13 out of memory", "every phase"): "the signal of the kernel is sent, and no memory is filled",
    (
        "F13 killed, as by the kernel",
        "Validation, Transfer, Start Service",
    ): "as in Build it is the old release that is "
    "killed in the first two; in Start it may be either, and that was not tried",
    (
        "F19 registry of images",
        "every phase",
    ): "an image is built on the host; that a base of it cannot be pulled ends a "
    'build as F21 does, and was not tried; `kind = "hosts"` pulls, and has tests in memory',
    ("F21 one of three hosts", "Validation, Transfer"): "F2, F7 and F8 do that to one of two hosts",
    ("F22 timezone", "every phase"): "times are kept as seconds since 1970, or with their zone; nothing was tried",
}
"""What could be played and is not: a fault, where, and what stands for it."""
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
    for head, cells in (("Not played, since nobody can:", IMPOSSIBLE), ("Not played, though one could:", LEFT)):
        yield head
        yield from _table(("fault", "where", "why"), [(*cell, why) for cell, why in cells.items()])
    yield "Also by other tests:"
    tests = elsewhere()
    rows = [(fault, test) for fault in FAULTS for test in tests.get(fault, ()) if "deployer_matrix" not in test]
    yield from _table(("fault", "test"), rows)


def _table(heads: tuple[str, ...], rows: "Sequence[Sequence[str]] | Iterator[tuple[str, ...]]") -> Iterator[str]:
    for row in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(row)} |"
