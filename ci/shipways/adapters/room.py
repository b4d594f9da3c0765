"""What both engines do with a build: placeholders, the environment, what a failed command is told as, its outputs."""

import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from shipways.errors import BuildError, PreflightError, Problem
from shipways.model.build import Build
from shipways.model.image import ImageBuild

TAIL: Final = 50
"""Lines of a failed command that are shown."""
FETCHING: Final = re.compile(
    r"PIP_(INDEX_URL|EXTRA_INDEX_URL|DEFAULT_TIMEOUT)|GO(PROXY|SUMDB|PRIVATE|NOPROXY|NOSUMDB)|NPM_CONFIG_REGISTRY"
)
"""How packages are fetched may come from the caller, in every engine; what they contain is fixed by lock files."""


def fill(text: str, places: Mapping[str, str]) -> str:
    """The text with what its placeholders stand for."""
    for name, place in places.items():
        text = text.replace("{" + name + "}", place)
    return text


def path_of(build: Build, root: str, tools: Sequence[str]) -> list[str]:
    """The build's own folders on its PATH, in their order."""
    own = [f"{root}/home/bin"] if build.programs else []
    own += [f"{root}/home/venv/bin"] if build.requirements else []
    return [*own, *tools]


def secrets_of(build: Build, env: Mapping[str, str]) -> dict[str, str]:
    """The values of the build's secrets. Raises PreflightError with every one that the caller's environment lacks."""
    if lacking := [name for name in build.secrets if not env.get(name)]:
        raise PreflightError(
            *(
                Problem(path=build.name, what=f"the variable {name} is not set", why="the build wants it as a secret")
                for name in lacking
            )
        )
    return {name: env[name] for name in build.secrets}


def failed(build: Build, root: str, argv: Sequence[str], code: int, printed: str) -> BuildError:
    """The error of a command that ended with another status than 0."""
    tail = printed.replace(root, "").strip().splitlines()[-TAIL:]
    return BuildError(
        Problem(
            path=build.name,
            what=f"`{' '.join(argv).replace(root, '')}` ended with status {code}",
            why="\n       ".join(tail),
            hint=f"`shipways build --step {build.name} --shell` opens a shell where it ran" if build.outputs else "",
        )
    )


def by_hand(build: Build, places: Mapping[str, str]) -> str:
    """Lines for `sh`: tell the commands of a build, and become a shell in which the user may type them."""
    typed = [shlex.join(fill(word, places) for word in argv) for argv in build.commands]
    if build.stdout and typed:
        typed[-1] += f" > {shlex.quote(places['out'] + '/' + build.stdout)}"
    told = (f"{build.name} runs:", *(f"    {line}" for line in typed), "Nothing is kept when you leave (`exit`).")
    return f"printf '%s\\n' {shlex.join(told)}\nexport PS1={shlex.quote(build.name + ' $ ')}\nexec /bin/sh -i"


def failed_line(build: ImageBuild, command: str, code: int, printed: str) -> BuildError:
    """The error of a RUN line that ended with another status than 0."""
    on = f" for {build.platform}" if build.platform else ""
    return BuildError(
        Problem(
            path=build.name,
            place=build.dockerfile,
            what=f"`{command}`{on} ended with status {code}",
            why="\n       ".join(printed.strip().splitlines()[-TAIL:]),
        )
    )


def no_program(build: Build, program: str, where: str) -> BuildError:
    """The error of a command whose program is not there."""
    return BuildError(Problem(path=build.name, what=f"there is no program `{program}`", why=f"looked in {where}"))


def collect(build: Build, out: Path, scratch: Path) -> tuple[Path, ...]:
    """Move what matches the build's outputs from one folder to another, sorted.

    Raises BuildError for a pattern without a file, and for a symlink.
    """
    matched: dict[Path, None] = {}
    for pattern in build.outputs:
        matches = sorted(path for path in out.glob(pattern) if path.is_file())
        if not matches:
            made = ", ".join(str(path.relative_to(out)) for path in out.rglob("*")) or "nothing"
            raise BuildError(
                Problem(path=build.name, what=f"no file matches {pattern}", why=f"the commands made {made}")
            )
        matched |= dict.fromkeys(matches)
    return tuple(_moved(build, path, out, scratch) for path in matched)


def _moved(build: Build, path: Path, out: Path, scratch: Path) -> Path:
    if path.is_symlink():
        raise BuildError(Problem(path=build.name, what=f"{path.relative_to(out)} is a symlink, not a file"))
    place = scratch / path.relative_to(out)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, place)
    return place
