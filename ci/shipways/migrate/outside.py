"""What OpenClaw has beside its configuration: state, services that still run, and files that name its probes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from shipways.migrate.finding import Home
from shipways.migrate.including import text
from shipways.migrate.mapping import Row
from shipways.migrate.rules import State
from shipways.migrate.variables import NAMES
from shipways.ports import Files

_UNIT: Final = re.compile(r"(?:openclaw|clawdbot|moldbot|moltbot)-(?:gateway|node)(?:-[\w-]+)?\.service")
_PLIST: Final = re.compile(r"(?:ai\.openclaw|(?:com|bot)\.(?:clawdbot|moldbot|moltbot))\.[\w.-]+\.plist")
_SYSTEM: Final = (Path("/etc/systemd/system"), Path("/Library/LaunchDaemons"), Path("/Library/LaunchAgents"))
_STATE: Final = (
    ("credentials", "logins of channels and providers: log in anew"),
    ("agents", "sessions and logins of agents; aisopod cannot read them"),
    ("workspace", "the agents' own files: copy what you want to keep"),
)
_DEPLOYMENTS: Final = (
    "fly.toml",
    "render.yaml",
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
    "Dockerfile",
    "prometheus.yml",
)
_PROBES: Final = re.compile(r"/(?:healthz|startupz|readyz|api/diagnostics/prometheus)\b")


def beside(there: tuple[Path, ...], home: Home, files: Files) -> Iterator[Row]:
    """The state beside the configuration in use, other configurations, and variables of this shell."""
    for name, note in _STATE:
        if files.exists(there[0].parent / name):
            yield _human(str(there[0].parent / name), note)
    for old, new in NAMES.items():
        if home.env.get(old):
            yield _human(f"env {old}", f"set {new} where this is set")
    for other in there[1:]:
        note = "is not read: another one comes before it"
        yield Row(state=State.DROPPED, key=str(other), at="", note=note)


def services(home: Home, files: Files) -> Iterator[Row]:
    """Installed units of the gateway: two gateways want the same port and the same channels."""
    folders = (home.folder / ".config/systemd/user", home.folder / "Library/LaunchAgents", *_SYSTEM)
    for folder in folders:
        mine = home.folder in folder.parents
        for file in files.list(folder):
            if file.parent == folder and _UNIT.fullmatch(file.name):
                user = "--user " if mine else ""
                yield _human(str(file), f"stop it: systemctl {user}disable --now {file.name}")
            elif file.parent == folder and _PLIST.fullmatch(file.name):
                domain = "gui/$(id -u)" if mine else "system"
                yield _human(str(file), f"stop it: launchctl bootout {domain}/{file.stem}")


def probes(folder: Path, files: Files) -> Iterator[Row]:
    """Lines of deployments in a folder that ask OpenClaw how it is."""
    for name in _DEPLOYMENTS:
        if not files.exists(folder / name):
            continue
        for number, line in enumerate(text(files, folder / name).splitlines(), start=1):
            if probe := _PROBES.search(line):
                metrics = "prometheus" in probe[0]
                note = "aisopod has no metrics" if metrics else "aisopod answers GET /health"
                yield Row(state=State.HUMAN, key=probe[0], at=f"{name}:{number}", note=note)


def _human(key: str, note: str) -> Row:
    return Row(state=State.HUMAN, key=key, at="", note=note)
