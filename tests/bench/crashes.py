"""The crash matrix: every fault at every request and item of every channel, and how many of these cases converge."""

import json
from pathlib import Path

from ground import SHIPWAYS, checked, say
from harbouring import pulse
from measure import cost
from sandbox import Repository
from shipways.rehearse.cases import FAULTS


def crashes(folder: Path) -> None:
    """A program with a wheel and an image, released to four places."""
    project = pulse(Repository(folder / "pulse", folder / "cache"))
    argv = (*SHIPWAYS, "rehearse", "--faults", ",".join(FAULTS), "--seed", "7", "--engine", "host")
    found = checked(cost(argv, project.root, {"XDG_CACHE_HOME": str(folder / "cache")}, folder / "log"), folder)
    told = json.loads((project.root / "dist" / "rehearsal.json").read_text())
    converged = sum(case["converged"] for case in told["cases"])
    channels = ", ".join(name for name in told["channels"] if name != "all")
    say("\n### crash matrix: every fault at every request and item of every channel\n")
    say("| channels | faults | cases | converged | all of them |\n|---|---|---|---|---|")
    say(f"| {channels} | {len(FAULTS)} | {len(told['cases'])} | {converged} | {found} |")
