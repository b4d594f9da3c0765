"""The crash matrix: every fault at every request and item of every channel, and how many of these cases converge."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ground import SHIPWAYS, checked, say
from harbouring import pulse
from measure import cost
from sandbox import Repository
from shipways.rehearse.cases import ALL, FAULTS, KILLED, KILLED_AFTER
from shipways.rehearse.faults import Fault

_GIT: Final = (
    *(f"git/{fault}@0" for fault in (KILLED, KILLED_AFTER)),
    *(f"git/{f.value}@{at}" for f in Fault if f is not Fault.NONE for at in range(1 if f.needs_body else 4)),
)
"""All cases of the remote of a tag, alone: every channel needs it, which would make each case twice as long."""


def crashes(folder: Path) -> None:
    """A program with a wheel and an image, released to six places; and the tag of a release that makes its own."""
    project = pulse(Repository(folder / "pulse", folder / "cache"))
    say("\n### crash matrix: every fault at every request and item of every channel\n")
    say("| channels | faults | cases | converged | all of them |\n|---|---|---|---|---|")
    _row(project, folder, FAULTS)
    _row(project, folder, _GIT, "--create-tag")


def _row(project: Repository, folder: Path, faults: Sequence[str], *words: str) -> None:
    argv = (*SHIPWAYS, "rehearse", *words, "--faults", ",".join(faults), "--seed", "7", "--engine", "host")
    found = checked(cost(argv, project.root, {"XDG_CACHE_HOME": str(folder / "cache")}, folder / "log"), folder)
    cases = json.loads((project.root / "dist" / "rehearsal.json").read_text())["cases"]
    names = ", ".join(dict.fromkeys(name for case in cases if (name := case["id"].partition("/")[0]) != ALL))
    kinds = {case["id"].partition("/")[2].partition("@")[0] for case in cases}
    say(f"| {names} | {len(kinds)} | {len(cases)} | {sum(case['converged'] for case in cases)} | {found} |")
