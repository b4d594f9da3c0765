"""The host engine: builds with this machine's tools, in a fresh export at a fixed path, with a scrubbed environment."""

import contextlib
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shipways.adapters.files import DiskFiles, disk_error
from shipways.adapters.locks import wait_lock
from shipways.adapters.room import FETCHING, by_hand, collect, failed, fill, no_program, path_of, secrets_of
from shipways.adapters.store import sweep
from shipways.adapters.terminal import attached
from shipways.adapters.toolchains import Toolchains
from shipways.errors import BuildError, Problem, Unavailable
from shipways.model.build import Build
from shipways.model.digest import digest_of
from shipways.model.facts import Rust
from shipways.model.image import ImageBuild, needs_containers
from shipways.model.secret import masked
from shipways.ports import Completed, Inbox, Process, Shell, Sources
from shipways.rustfacts import installed

_PASSED: Final = re.compile(
    r"(?i:https?_proxy|no_proxy|all_proxy)|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|PIP_(CERT|CONFIG_FILE|FIND_LINKS)|"
    r"CARGO_HTTP_CAINFO|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO|XWIN_CACHE_DIR|SYSTEMROOT"
)
"""What an engine on this machine takes from the caller besides: its proxies, and paths."""
_JOBS: Final = max(2, (os.cpu_count() or 2) // 3)
"""Several builds run at once. Two jobs of its own keep the last one from being alone on an idle machine."""
_SEEN_FROM_BELOW: Final = {
    "rust": (".cargo/config.toml", ".cargo/config", "Cargo.toml", ".git"),
    "go": ("go.work", "go.mod"),
    "bun": ("package.json", "node_modules", "tsconfig.json", "bunfig.toml"),
}
"""What a tool looks for in all folders above the source, where only other people can have put it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """The fixed path of one build."""

    root: Path
    lease: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Furnished:
    """A room in which a build may begin: the folder and the environment of its commands, and its placeholders."""

    room: _Room
    folder: Path
    env: dict[str, str]
    places: dict[str, str]


class HostEngine:
    """The `Engine` port on this machine."""

    name = "host"
    width = os.cpu_count() or 2

    def __init__(
        self, *, process: Process, shell: Shell, sources: Sources, toolchains: Toolchains, caches: Path
    ) -> None:
        self._process = process
        self._shell = shell
        self._sources = sources
        self._toolchains = toolchains
        self._caches = caches
        self.host = toolchains.host

    async def rust(self, version: str, image: str) -> tuple[Rust, ...]:
        """The compilers of this machine; it has no images."""
        del image
        return tuple(found.rust for found in await installed(self._process, self._shell, version))

    async def run(self, build: Build, inbox: Inbox) -> tuple[Path, ...]:
        """The files that match `build.outputs`, moved into the scratch folder."""
        async with self._furnished(build, inbox) as there:
            printed = ""
            for argv in build.commands:
                answer = await self._command(build, there.room, [fill(word, there.places) for word in argv], there.env)
                printed = answer.stdout
                inbox.say(masked(answer.stdout + answer.stderr, [there.env[name] for name in build.secrets]))
            out = there.room.root / "out"
            if build.stdout:
                (out / build.stdout).write_text(printed, encoding="utf-8", errors="surrogateescape", newline="")
            return collect(build, out, inbox.scratch)

    async def shell(self, build: Build, inbox: Inbox) -> None:
        """A shell in the folder of the commands, with their environment."""
        async with self._furnished(build, inbox) as there:
            env = there.env | {"TERM": self._shell.env().get("TERM", "dumb")}
            argv = ("/bin/sh", "-c", by_hand(build, there.places))
            await attached(argv, cwd=there.folder, env=env, keep=(there.room.lease,))

    @contextlib.asynccontextmanager
    async def _furnished(self, build: Build, inbox: Inbox) -> AsyncIterator[_Furnished]:
        folders = {tool.name: await self._toolchains.folder(tool) for tool in build.tools}
        try:
            async with self._room(build) as room:
                await self._furnish(build, inbox, room)
                places = self._places(build, room, folders)
                _write_programs(build, room, places)
                env = self._env(build, room, folders, places) | secrets_of(build, self._shell.env())
                yield _Furnished(room=room, folder=_workdir(build, room), env=env, places=places)
        except OSError as error:
            raise disk_error(error, inbox.scratch) from error

    async def image(self, build: ImageBuild, inbox: Inbox) -> Path:
        """Never: it has no containers."""
        del inbox
        raise Unavailable("engine", needs_containers(build.dockerfile))

    @contextlib.asynccontextmanager
    async def _room(self, build: Build) -> AsyncIterator[_Room]:
        """A folder named by the build's inputs alone, so that a path that leaks into a result is the same everywhere.

        Its lock is inherited by the commands: while an orphan of a killed run still works in it, nobody else does.
        """
        top, files = _top(), DiskFiles()
        check_above(top, build)
        sweep(top)
        root = top / digest_of(build.record()).removeprefix("sha256:")[:16]
        with contextlib.ExitStack() as stack:
            lease = await wait_lock(stack, root.with_suffix(".lock"))
            files.remove(root)
            for name in ("src", "out", "home", "tmp"):
                (root / name).mkdir(parents=True, mode=0o700)
            _still(root / "home")
            try:
                yield _Room(root=root, lease=lease)
            finally:
                files.remove(root)
                root.with_suffix(".lock").unlink(missing_ok=True)

    async def _furnish(self, build: Build, inbox: Inbox, room: _Room) -> None:
        await self._sources.export(build.source, room.root / "src")
        for mount in build.mounts:
            place = room.root / "src" / mount.path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(inbox.path(mount.artifact), place)
            place.chmod(0o755 if mount.artifact.blob.executable else 0o644)
        if build.requirements:
            wanted = room.root / "home" / "requirements.txt"
            wanted.write_text("\n".join(build.requirements) + "\n")
            venv, python = room.root / "home" / "venv", Path("bin", "python")
            quiet = (
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--require-hashes",
                "--requirement",
                str(wanted),
            )
            pip = (sys.executable, "-m", "pip", "--python", str(venv / python), "install", *quiet)
            for argv in ((sys.executable, "-m", "venv", "--without-pip", str(venv)), pip):
                await self._command(build, room, list(argv), dict(self._shell.env()))

    def _places(self, build: Build, room: _Room, folders: Mapping[str, Path]) -> dict[str, str]:
        """What the placeholders of a build stand for."""
        tools = {f"tool:{name}": str(folder) for name, folder in folders.items()}
        tools |= {f"real:{name}": str(folder.resolve()) for name, folder in folders.items()}
        caches = {f"cache:{variable}": str(self._cache(name)) for variable, name in build.caches}
        return {name: str(room.root / name) for name in ("src", "out", "home")} | {"jobs": str(_JOBS)} | tools | caches

    def _env(self, build: Build, room: _Room, folders: Mapping[str, Path], places: Mapping[str, str]) -> dict[str, str]:
        passed = {
            name: value
            for name, value in self._shell.env().items()
            if FETCHING.fullmatch(name) or _PASSED.fullmatch(name)
        }
        own = path_of(build, str(room.root), [str(folder) for folder in folders.values()])
        system = ["/usr/bin", "/bin"] if os.name == "posix" else [os.environ.get("PATH", "")]
        fixed = {
            "PATH": os.pathsep.join([*own, *system]),
            "HOME": str(room.root / "home"),
            "TMPDIR": str(room.root / "tmp"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }
        caches = {variable: places[f"cache:{variable}"] for variable, _ in build.caches}
        return passed | fixed | caches | {name: fill(value, places) for name, value in build.env}

    def _cache(self, name: str) -> Path:
        folder = self._caches / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    async def _command(self, build: Build, room: _Room, argv: list[str], env: dict[str, str]) -> Completed:
        """Run it. Raises BuildError when it fails."""
        folder = _workdir(build, room)
        program = shutil.which(argv[0], path=env["PATH"])
        if program is None:
            raise no_program(build, argv[0], env["PATH"])
        answer = await self._process.run([program, *argv[1:]], cwd=folder, env=env, keep=(room.lease,))
        if answer.code:
            told = masked(answer.stdout + answer.stderr, [env[name] for name in build.secrets])
            raise failed(build, str(room.root), argv, answer.code, told)
        return answer


def _workdir(build: Build, room: _Room) -> Path:
    folder = room.root / "src" / build.workdir
    if not folder.is_dir():
        raise BuildError(Problem(path=build.name, what=f"the source has no folder {build.workdir}"))
    return folder


def _write_programs(build: Build, room: _Room, places: Mapping[str, str]) -> None:
    for name, text in build.programs:
        program = room.root / "home" / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(fill(text, places))
        program.chmod(0o755)


def check_above(top: Path, build: Build) -> None:
    """Raises BuildError for every file above the folder of all builds that would be a part of this one."""
    names = [name for tool in build.tools for name in _SEEN_FROM_BELOW.get(tool.name, ())]
    if found := [folder / name for folder in (top, *top.parents) for name in names if (folder / name).exists()]:
        raise BuildError(
            *(
                Problem(
                    path=str(path),
                    what="would be part of every build",
                    why=f"builds run below {top}, and their tools read this file of all folders above",
                    hint="move it away",
                )
                for path in found
            )
        )


def _still(home: Path) -> None:
    """Turn Go's telemetry off in a build's home: its helper outlives the build, and would make the folder anew.

    golang.org/x/telemetry keeps its mode below os.UserConfigDir.
    """
    for folder in (home / ".config", home / "Library" / "Application Support"):
        (folder / "go" / "telemetry").mkdir(parents=True)
        (folder / "go" / "telemetry" / "mode").write_text("off\n")


def _top() -> Path:
    """The folder of all builds: the same on every machine, and nobody else's to change."""
    top = Path("/tmp/shipways") if os.name == "posix" else Path(tempfile.gettempdir(), "shipways")  # noqa: S108 - checked below
    with contextlib.suppress(FileExistsError):
        top.mkdir(mode=0o1777)
        top.chmod(0o1777)
    state = top.lstat()
    if os.name == "posix" and (not stat.S_ISDIR(state.st_mode) or state.st_uid not in (0, os.getuid())):
        raise BuildError(
            Problem(
                path=str(top),
                what="belongs to another user",
                why="builds run at this path, so that they give the same bytes on every machine",
                hint=f"ask its owner to remove it, or root to `chown root {top}`",
            )
        )
    return top
