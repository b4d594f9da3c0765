"""An engine whose commands are Python functions: for steps whose build is not what a test is about."""

import contextlib
import io
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from shipways.errors import BuildError, Problem
from shipways.model.build import Build
from shipways.model.facts import Rust
from shipways.model.image import ImageBuild
from shipways.ports import Inbox

Command = Callable[[tuple[str, ...], Path], int]
"""Gets the words of a command and the output folder, writes files there, prints, and returns an exit status."""


class ScriptedEngine:
    """The `Engine` port: `programs` maps the first word of a command to what it does. `builds` are those it has run,
    `opened` those that it was to open a shell for.

    `layouts` are the images that Dockerfiles give, by platform: each the tar of an OCI image layout. `images` are the
    builds that asked for one.
    """

    name = "scripted"
    width = 2
    host = "linux-x86_64"

    def __init__(self, programs: Mapping[str, Command], layouts: Mapping[str, bytes] = MappingProxyType({})) -> None:
        self._programs = programs
        self._layouts = layouts
        self.builds: list[Build] = []
        self.opened: list[Build] = []
        self.images: list[ImageBuild] = []

    async def rust(self, version: str, image: str) -> tuple[Rust, ...]:
        """None: its compilers are functions."""
        del version, image
        return ()

    async def run(self, build: Build, inbox: Inbox) -> tuple[Path, ...]:
        """The files that match `build.outputs`, in the scratch folder."""
        self.builds.append(build)
        out = inbox.scratch / ".out"
        out.mkdir()
        for argv in build.commands:
            program = self._programs.get(argv[0])
            if program is None:
                raise BuildError(Problem(path=build.name, what=f"there is no program `{argv[0]}`"))
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                status = program(tuple(word.replace("{out}", str(out)) for word in argv), out)
            inbox.say(printed.getvalue())
            if build.stdout:
                (out / build.stdout).write_text(printed.getvalue(), encoding="utf-8", newline="")
            if status:
                raise BuildError(Problem(path=build.name, what=f"`{' '.join(argv)}` ended with status {status}"))
        found = []
        for pattern in build.outputs:
            matches = sorted(path for path in out.glob(pattern) if path.is_file())
            if not matches:
                raise BuildError(Problem(path=build.name, what=f"no file matches {pattern}"))
            found += matches
        return tuple(_move(path, inbox.scratch / path.relative_to(out)) for path in found)

    async def shell(self, build: Build, inbox: Inbox) -> None:
        """A shell that ends at once."""
        del inbox
        self.opened.append(build)

    async def image(self, build: ImageBuild, inbox: Inbox) -> Path:
        """The layout for the platform."""
        self.images.append(build)
        place = inbox.scratch / "image.tar"
        place.write_bytes(self._layouts[build.platform])
        return place


def _move(path: Path, place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(path, place))
