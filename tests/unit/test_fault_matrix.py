"""The fault matrix: nothing of the list of practice is left out, and what it prints is what was played."""

import re
from collections import Counter

import pytest

import matrix
from disturbing import BOTH, INJECTED, PHASES, cells

NAMED = re.compile(r"\bF\d+\b")
_COUNTS = """
F1 10, F2 10, F3 20, F4 6, F5 5, F6 8, F7 16, F8 22, F9 2, F10 2, F12 16, F13 8, F16 8, F21 6, F24 2, F31 10
"""
CELLS = {fault: int(count) for fault, count in (each.split() for each in _COUNTS.split(","))}
"""How many cells play each: one that is taken out is taken out here, too, with a reason in `matrix`."""
UNTESTED = {"F21", "F29", "F30"}
"""Those of which there is no test beside the cells."""


def test_every_fault() -> None:
    """Each is played, has a test, or is told to be impossible as a whole; and no cell is played twice."""
    played = Counter(name for fault, _, _ in cells() for name in NAMED.findall(fault))
    assert CELLS == played
    assert set(matrix.FAULTS) - UNTESTED == matrix.elsewhere().keys()
    whole = {fault for fault, where in matrix.IMPOSSIBLE if not where}
    assert UNTESTED - played.keys() == whole
    assert [] == [cell for cell, count in Counter(cells()).items() if count > 1]


@pytest.mark.parametrize("fault", INJECTED)
def test_every_phase(fault: str) -> None:
    """Where a fault does not come, in a phase or by a method, the printed matrix says so, and why."""
    reasons = [*matrix.IMPOSSIBLE, *matrix.LEFT]
    told = {word for name, where in reasons if name == fault for word in where.split(", ")}
    comes = {*INJECTED[fault].phases, *INJECTED[fault].methods}
    assert {*PHASES, *BOTH} - comes == told


def test_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same one for a seed, and another one for another; in their order."""
    everything, found = list(range(120)), []
    for seed in ("8", "9", "8"):
        monkeypatch.setattr(matrix, "SEED", seed)
        found.append(matrix.tenth(everything))
    assert found[0] == found[2] == sorted(found[0])
    assert (12, True) == (len(found[0]), found[0] != found[1])


def test_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With counts, commit, date and seed; nothing where nothing was played."""
    monkeypatch.setattr(matrix, "_PLAYED", [])
    assert [] == list(matrix.lines(lambda: "abc1234"))
    matrix.record(("F4 reboot", "Build", "docker"), "completed", 61.2)
    matrix.record(("F4 reboot", "Build", "systemd"), "failed", 62.4)
    lines = list(matrix.lines(lambda: "abc1234"))
    head = r"Fault matrix of the deployer: 2 cells \(1 completed, 1 failed\), 2\.1 min, commit abc1234, "
    head += r"\d{4}-\d\d-\d\d, seed \w+"
    assert re.fullmatch(head, lines[0]), lines[0]
    assert "| F4 reboot | Build | docker | completed | 61 |" in lines
    impossible, left = lines.index("Not played, since nobody can:"), lines.index("Not played, though one could:")
    assert "| F5 engine killed | systemd | no engine has a part in it |" in lines[impossible:left]
    assert any(line.startswith("| F4 reboot | Validation, Transfer | ") for line in lines[left:])
