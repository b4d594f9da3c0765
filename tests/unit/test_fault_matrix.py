"""The fault matrix: nothing of the list of practice is left out, and what it prints is what was played."""

import re
from collections import Counter

import pytest

import matrix
from disturbing import cells

NAMED = re.compile(r"\bF\d+\b")


def test_every_fault() -> None:
    """Each is played, is that of another test, or is told to be impossible; and no cell is played twice."""
    played = {name for fault, _, _ in cells() for name in NAMED.findall(fault)}
    told = {name for cell in matrix.IMPOSSIBLE for name in NAMED.findall(cell)}
    assert set() == set(matrix.FAULTS) - played - told - matrix.elsewhere().keys()
    assert [] == [cell for cell, count in Counter(cells()).items() if count > 1]


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
    assert "| F5 × systemd | no engine has a part in it |" in lines
