"""A build as one shell script: a container costs a second or two, so the commands of a build share one."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shipways.adapters.dagger.jobs import Text
from shipways.adapters.room import by_hand, failed, fill, no_program
from shipways.errors import BuildError, Problem
from shipways.model.build import Build

_SAID: Final = re.compile(r"\n?shipways: (missing|failed) (\d+)\s*\Z")
_PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""The engine's own, if it has any."""
_KILLED: Final = 137
"""The status that a shell gives to a process that SIGKILL ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a script is made of. `root` is the folder of the build in the container, `path` goes before the image's.

    `before` and `after` are shell lines of our own around the commands (caches).
    """

    build: Build
    root: str
    places: Mapping[str, str]
    path: Sequence[str]
    env: Mapping[str, str]
    before: Sequence[str] = ()
    after: Sequence[str] = ()

    def outer(self) -> str:
        """Starts `inner` with exactly the environment of the build: the engine adds variables of its own."""
        fixed = {"HOME": f"{self.root}/home", "TMPDIR": f"{self.root}/tmp", "LANG": "C.UTF-8", "TZ": "UTC"}
        own = {**self.env, **fixed, **self._own()}
        own.pop("PATH", None)
        path = "".join(shlex.quote(folder) + ":" for folder in self.path) + '"$PATH"'
        words = [f'${{{name}:+"{name}=${name}"}}' for name in _PROXIES]
        words += [f"PATH={path}", *(shlex.quote(f"{name}={value}") for name, value in own.items())]
        words += [f'{name}="$(cat /run/secrets/{name})"' for name in self.build.secrets]
        return f"cd / && exec env -i {' '.join(words)} /bin/sh {self.root}/inner.sh\n"

    def inner(self) -> str:
        """Runs the commands one after another, and says on its last line which one failed."""
        return "\n".join(self._lines()) + "\n"

    def shell(self) -> str:
        """In place of `inner`: a shell for the user where that would run the commands."""
        # The environment of the build names no terminal; those of containers are always this one.
        lines = (*self._prepared(), *self._path(), "export TERM=xterm", by_hand(self.build, self.places))
        return "\n".join(lines) + "\n"

    def _prepared(self) -> Iterator[str]:
        yield f"mkdir -p {self.root}/out {self.root}/home {self.root}/tmp {self.root}/src"
        if self.build.requirements:
            yield from _backend(self.root)
        yield f"cd {shlex.quote(f'{self.root}/src/{self.build.workdir}')} || exit 1"
        yield from self.before

    def _path(self) -> Iterator[str]:
        if path := self._own().get("PATH"):
            yield f"PATH={shlex.quote(path)}"

    def _lines(self) -> Iterator[str]:
        yield from self._prepared()
        yield "image=$PATH"
        yield from self._path()
        for number, argv in enumerate(self.build.commands):
            words = [shlex.quote(fill(word, self.places)) for word in argv]
            last = number == len(self.build.commands) - 1
            kept = (
                f" > {shlex.quote(f'{self.root}/out/{self.build.stdout}')}" if self.build.stdout and last else " 2>&1"
            )
            yield f"command -v {words[0]} >/dev/null || {{ echo; echo 'shipways: missing {number}'; exit 127; }} >&2"
            yield f"{' '.join(words)}{kept} || {{ code=$?; echo; echo 'shipways: failed {number}'; exit $code; }} >&2"
        yield "PATH=$image"
        yield from self.after

    def _own(self) -> dict[str, str]:
        return {name: fill(value, self.places) for name, value in self.build.env}

    def programs(self) -> tuple[Text, ...]:
        """The scripts of the build, as files."""
        return tuple(
            Text(place=f"{self.root}/home/bin/{name}", text=fill(text, self.places), executable=True)
            for name, text in self.build.programs
        )

    def error(self, code: int, printed: str) -> BuildError:
        """What the end of the script means."""
        said = _SAID.search(printed)
        if said is None:
            return BuildError(
                Problem(
                    path=self.build.name,
                    what=f"its container ended with status {code}",
                    why="\n       ".join(printed.strip().splitlines()[-10:]),
                    hint="it was killed, most often for want of memory" if code == _KILLED else "",
                )
            )
        argv = [fill(word, self.places) for word in self.build.commands[int(said[2])]]
        if said[1] == "missing":
            return no_program(self.build, argv[0], f"the PATH of {self.build.image or 'the image'}, and its tools")
        return failed(self.build, self.root, argv, code, printed[: said.start()])


def _backend(root: str) -> Iterator[str]:
    """The build requirements, hashed, in a virtual environment of the build alone, first on the PATH."""
    venv, quiet = f"{root}/home/venv", "--quiet --disable-pip-version-check --no-deps"
    yield f'python=$(command -v python3) && "$python" -m venv --without-pip {venv} >&2 || exit 1'
    install = f"install {quiet} --require-hashes --requirement {root}/requirements.txt"
    yield f'"$python" -m pip --python {venv}/bin/python {install} >&2 || exit 1'
