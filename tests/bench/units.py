"""How much a service could do to its machine, as systemd rates the units that are committed."""

import shutil
import subprocess
from pathlib import Path

from ground import PROJECTS, say

ROOT = PROJECTS.parents[1]


def units(folder: Path) -> None:
    """Each service, from 0.0 (nothing) to 10.0 (everything): `systemd-analyze security --offline=true`."""
    del folder
    say("\n### what systemd rates the units: 0.0 is nothing that could happen, 10.0 everything\n")
    say("| | exposure |\n|---|---|")
    if shutil.which("systemd-analyze") is None:
        say("| systemd-analyze | not on PATH |")
        return
    for place in (ROOT, *sorted(PROJECTS.iterdir())):
        for unit in sorted((place / "deployment/systemd").glob("*.service")):
            if not unit.stem.endswith("-backup"):  # shipways itself, as root
                say(f"| {unit.stem} | {rated(unit)} |")


def rated(unit: Path) -> str:
    """The last line of what it says."""
    argv = ("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit))
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return said.rpartition("Overall exposure level for ")[2].partition(": ")[2].split()[0]
