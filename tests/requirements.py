"""`nox -s requirements`: which tests prove which row of the checklist, and how they ended.

A test names rows at the beginning of its docstring: `S0-11, S0-15..18: the unit …`.
"""

import argparse
import ast
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

TESTS = Path(__file__).parent
_HEAD = re.compile(r"(S\d-[\w.]+(?:, S\d-[\w.]+)*): ")
_RANGE = re.compile(r"(S\d-\D*)(\d+)\.\.\D?(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the checklist. `reason` is what no test proves and why, `waits` what has no test yet."""

    says: str
    reason: str = ""
    waits: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A test, by the path of its file below the folder of tests, and the rows that it names."""

    path: str
    name: str
    rows: tuple[str, ...]

    def __str__(self) -> str:
        return f"tests/{self.path}::{self.name}"


Results = Mapping[str, Counter[str]]
"""For each test how many of its cases passed, failed or were skipped."""


def checklist(text: str) -> Mapping[str, Row]:
    """The rows of requirements.toml by their ids."""
    return {name: Row(**row) for name, row in tomllib.loads(text).items()}


def named(folder: Path) -> Iterator[Named]:
    """The tests below a folder whose docstrings begin like a row."""
    for path in sorted(folder.rglob("test_*.py")):
        where = path.relative_to(folder)
        if where.parts[0] == "projects":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and re.match(r"S\d-", said := ast.get_docstring(node) or ""):
                yield Named(path=where.as_posix(), name=node.name, rows=tuple(_rows(said)))


def _rows(docstring: str) -> Iterator[str]:
    """The ids at its beginning, ranges written out; all before the colon where that is something else."""
    head = _HEAD.match(docstring)
    for word in head[1].split(", ") if head else (docstring.partition(":")[0],):
        if found := _RANGE.fullmatch(word):
            start, first, last = found.groups()
            yield from (f"{start}{number:0{len(first)}}" for number in range(int(first), int(last) + 1))
        else:
            yield word


def problems(rows: Mapping[str, Row], tests: Sequence[Named]) -> list[str]:
    """Rows that nobody proves and no word excuses, and tests of rows that are not there."""
    proven = {row for test in tests for row in test.rows}
    bare = [name for name, row in rows.items() if name not in proven and not row.reason and not row.waits]
    unknown = [f"{test} names {row}, which is no row" for test in tests for row in test.rows if row not in rows]
    return [*(f"{name} has neither a test nor a reason: {rows[name].says}" for name in bare), *unknown]


def results(report: str) -> Results:
    """What a report of JUnit, as pytest writes it, says of each test."""
    found: dict[str, Counter[str]] = {}
    for case in ET.fromstring(report).iter("testcase"):  # noqa: S314 - pytest of this machine has just written it
        where = case.get("classname", "").removeprefix("tests.").replace(".", "/")
        ends = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        end = {"failure": "failed", "error": "failed", "skipped": "skipped"}[ends[0]] if ends else "passed"
        name, _, _ = case.get("name", "").partition("[")
        found.setdefault(f"tests/{where}.py::{name}", Counter())[end] += 1
    return found


def told(rows: Mapping[str, Row], tests: Sequence[Named], ended: Results) -> Iterator[str]:
    """The table, a line for each test or reason, and how many rows there are of each kind."""
    kinds: Counter[str] = Counter()
    for name, row in rows.items():
        mine = [test for test in tests if name in test.rows]
        kinds[_kind(row, proven=bool(mine))] += 1
        yield f"{name:<8}{row.says}"
        yield from (f"        {_end(ended.get(str(test), Counter())):<12} {test}" for test in mine)
        if row.reason:
            yield f"        {'no test':<12} {row.reason}"
        if row.waits:
            yield f"        {'not yet':<12} {row.waits}"
    yield f"{len(rows)} rows: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items())


def _kind(row: Row, *, proven: bool) -> str:
    if proven:
        return "proven in part" if row.reason or row.waits else "proven"
    return "not yet" if row.waits else "without a test"


def _end(cases: Counter[str]) -> str:
    """How the cases of a test ended, worst first."""
    words = [word for word in ("failed", "skipped", "passed") if cases[word]]
    return ", ".join(words) or "not run"


def run(tests: Sequence[Named], words: Sequence[str]) -> Results:
    """Run these tests, with more words for pytest."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        ids = sorted({str(test) for test in tests})
        command = (sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *words, *ids)
        subprocess.run(command, cwd=TESTS.parent, check=False)
        return results(report.read_text()) if report.exists() else {}


def main() -> int:
    """Print the table; 1 when something is wrong with it, or a test of it failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--report", type=Path, help="a report of a run that was (pytest --junitxml), instead of a new one"
    )
    known, words = parser.parse_known_args()
    rows, tests = checklist((TESTS / "requirements.toml").read_text()), tuple(named(TESTS))
    ended = results(known.report.read_text()) if known.report else run(tests, words)
    wrong = problems(rows, tests)
    wrong += [f"{test} failed" for test in tests if ended.get(str(test), Counter())["failed"]]
    wrong += [] if ended else ["no test has run"]
    sys.stdout.write("\n".join((*told(rows, tests, ended), *wrong)) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
