"""The table of `nox -s requirements`."""

from collections import Counter
from pathlib import Path

from requirements import TESTS, Named, checklist, named, problems, results, told

ROWS = """
S0-01 = { says = "It is small." }
S0-02 = { says = "It is fast.", reason = "no clock" }
S0-03 = { says = "It is done.", waits = "us" }
"""
SMALL = Named(path="unit/test_a.py", name="test_small", rows=("S0-01",))


def test_each_row_has_a_test_or_a_reason() -> None:
    """Every row of the checklist has a test or says why not, and no test names a row that is not there."""
    assert [] == problems(checklist((TESTS / "requirements.toml").read_text()), tuple(named(TESTS)))


def test_problems() -> None:
    """A row that nobody proves and nothing excuses, and a test of a row that is not there."""
    rows = checklist(ROWS)
    assert [] == problems(rows, (SMALL,))
    assert ["S0-01 has neither a test nor a reason: It is small."] == problems(rows, ())
    stray = Named(path="unit/test_a.py", name="test_b", rows=("S0-1",))
    assert ["tests/unit/test_a.py::test_b names S0-1, which is no row"] == problems(rows, (SMALL, stray))


def test_named(tmp_path: Path) -> None:
    """Rows stand at the beginning of a docstring, ranges as such; words like them that are none are not passed over."""
    (tmp_path / "unit").mkdir()
    (tmp_path / "projects").mkdir()
    tests = '"S0-01, S1-P1..P3: x"', '"S0-15..17, S4-AC: x"', '"S0-01 and S0-02: x"', '"As S0-01: x"'
    text = "".join(f"def test_{number}():\n    {said}\n" for number, said in enumerate(tests))
    (tmp_path / "unit" / "test_a.py").write_text(text)
    (tmp_path / "projects" / "test_b.py").write_text(text)
    assert [
        ("unit/test_a.py", ("S0-01", "S1-P1", "S1-P2", "S1-P3")),
        ("unit/test_a.py", ("S0-15", "S0-16", "S0-17", "S4-AC")),
        ("unit/test_a.py", ("S0-01 and S0-02",)),
    ] == [(test.path, test.rows) for test in named(tmp_path)]


def test_results() -> None:
    """Cases of a test count together; a failure in a fixture is one too."""
    cases = (
        ("test_small[1]", ""),
        ("test_small[a[b]", "<skipped/>"),
        ("test_small[3]", "<properties/><error/>"),
        ("test_other", "<failure/>"),
    )
    body = "".join(f'<testcase classname="tests.unit.test_a" name="{name}">{end}</testcase>' for name, end in cases)
    small = Counter(passed=1, skipped=1, failed=1)
    expected = {"tests/unit/test_a.py::test_small": small, "tests/unit/test_a.py::test_other": Counter(failed=1)}
    assert expected == results(f"<testsuites><testsuite>{body}</testsuite></testsuites>")


def test_table() -> None:
    """Each row is there with its test and how that ended, or with its words, and the last line counts them."""
    lines = list(told(checklist(ROWS), (SMALL,), {str(SMALL): Counter(passed=2, skipped=1)}))
    assert [
        "S0-01   It is small.",
        "        skipped, passed tests/unit/test_a.py::test_small",
        "S0-02   It is fast.",
        "        no test      no clock",
        "S0-03   It is done.",
        "        not yet      us",
        "3 rows: 1 proven, 1 without a test, 1 not yet",
    ] == lines
    part = Named(path="unit/test_b.py", name="test_b", rows=("S0-02", "S0-03"))
    assert "3 rows: 1 proven, 2 proven in part" == list(told(checklist(ROWS), (SMALL, part), {}))[-1]
    assert "        not run      tests/unit/test_a.py::test_small" == next(
        line for line in told(checklist(ROWS), (SMALL,), {}) if "test_a" in line
    )
