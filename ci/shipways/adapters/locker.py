"""Asks the user's package index through pip, which knows its address, mirror and certificates."""

import json
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import anyio
from packaging.utils import canonicalize_name, parse_wheel_filename

from shipways.adapters.platformtags import platforms
from shipways.errors import ConfigError, PreflightError, Problem
from shipways.model.lock import HOSTS
from shipways.ports import Process, Shell

_PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
_OFFLINE: Final = re.compile(r"Retrying \(|[Cc]onnection (error|broken)|ConnectTimeout|CERTIFICATE_VERIFY|Max retries")
_VERSIONS: Final = re.compile(r"\(from versions: .*, ((?:[^,()]+, ){4}[^,()]+)\)")
_QUIET: Final = ("--quiet", "--disable-pip-version-check", "--no-input", "--retries=2")
"""A broken connection is only told when it is tried again, so the caller's own number of tries may not be none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wheel:
    """A wheel that pip has chosen, as its installation report tells (pip documentation, "Installation Report")."""

    name: str
    version: str
    file: str
    digest: str

    @property
    def pure(self) -> bool:
        """Whether it fits every machine."""
        return self.file.endswith("-none-any.whl")

    @property
    def pythons(self) -> tuple[str, ...]:
        """The releases of Python to ask for: a wheel that uses CPython's ABI has a sibling for each."""
        tags = parse_wheel_filename(self.file)[3]
        return _PYTHONS[-1:] if all(tag.abi == "none" for tag in tags) else _PYTHONS


class PipIndex:
    """The `Index` port."""

    def __init__(self, process: Process, shell: Shell) -> None:
        self._process = process
        self._shell = shell
        self._limit = anyio.CapacityLimiter(4)

    async def wheels(self, distribution: str, version: str, hosts: Sequence[str]) -> Mapping[str, str]:
        """The digest of the wheel for each kind of host that has one: of several, the one for the oldest systems."""
        asked = [(host, _PYTHONS[-1]) for host in hosts]
        found = await self._siblings(f"{distribution}=={version}", asked)
        return {host: wheel.digest for (host, _), wheel in found.items()}

    async def requirements(self, requires: Sequence[str]) -> tuple[str, ...]:
        """Requirement lines, each with the hash of a pure wheel, or of the wheels for every kind of host and Python."""
        chosen, refusal = await self._pip(requires)
        if refusal:
            raise ConfigError(
                Problem(
                    what=f"pip cannot find wheels for {', '.join(requires)}",
                    why=refusal,
                    hint="check names and versions in pyproject.toml",
                )
            )
        return tuple([await self._line(wheel) for wheel in sorted(chosen, key=lambda wheel: wheel.name)])

    async def _line(self, wheel: _Wheel) -> str:
        digests = {wheel.digest}
        pin = f"{wheel.name}=={wheel.version}"
        if not wheel.pure:
            found = await self._siblings(pin, product(HOSTS, wheel.pythons))
            digests |= {sibling.digest for sibling in found.values()}
        return " ".join([pin, *(f"--hash={digest}" for digest in sorted(digests))])

    async def _siblings(self, pin: str, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], _Wheel]:
        """The wheels of one version for these pairs of host and Python."""
        found: dict[tuple[str, str], _Wheel] = {}
        failures: list[PreflightError] = []

        async def ask(host: str, python: str) -> None:
            try:
                async with self._limit:
                    chosen, _ = await self._pip([pin], host=host, python=python)
            except PreflightError as error:
                failures.append(error)
                return
            for wheel in chosen:
                found[host, python] = wheel

        async with anyio.create_task_group() as group:
            for host, python in asked:
                group.start_soon(ask, host, python)
        if failures:
            raise failures[0]
        return dict(sorted(found.items()))

    async def _pip(self, requires: Sequence[str], host: str = "", python: str = "") -> tuple[list[_Wheel], str]:
        """What pip would install, or the reason why it would not. Nothing is installed; where the index has a wheel's
        metadata beside it (PEP 658), the wheel is not fetched either.
        """
        with tempfile.TemporaryDirectory() as folder:
            words = [sys.executable, "-m", "pip", "install", *_QUIET, "--dry-run", "--ignore-installed"]
            words += ["--only-binary=:all:", "--report=-", f"--target={folder}"]
            if host:
                words += ["--no-deps", "--implementation=cp", f"--python-version={python}"]
                words += [f"--platform={tag}" for tag in platforms(host)]
            answer = await self._process.run([*words, "--", *requires], env=self._shell.env())
        if answer.code == 0:
            return _read(answer.stdout), ""
        reason = _reason(answer.stderr)
        if _OFFLINE.search(answer.stderr):
            raise PreflightError(
                Problem(
                    what="the package index cannot be reached",
                    why=reason,
                    hint="check the network and `python -m pip config list`, then run `shipways lock` again",
                )
            )
        return [], reason


def _read(report: str) -> list[_Wheel]:
    found: list[_Wheel] = []
    items: Any = json.loads(report)["install"]
    for item in items:
        name, place = canonicalize_name(item["metadata"]["name"]), item["download_info"]
        if item["is_direct"]:
            raise ConfigError(
                Problem(
                    what=f"{name} is asked for by its address",
                    why="only what an index has under a name and a version can be locked",
                    hint=f"ask for {name}=={item['metadata']['version']}",
                )
            )
        file = unquote(urlsplit(place["url"]).path).rsplit("/", 1)[-1]
        digest = "sha256:" + place["archive_info"]["hashes"]["sha256"]
        found.append(_Wheel(name=name, version=item["metadata"]["version"], file=file, digest=digest))
    return found


def _reason(stderr: str) -> str:
    """The line of pip's that tells most: the connection that broke, else its first error with the newest versions."""
    lines = stderr.strip().splitlines() or ["pip said nothing"]
    broken = (line.partition("after ")[2] for line in lines if _OFFLINE.search(line))
    errors = (line for line in lines if line.startswith("ERROR: ") and "yanked" not in line)
    line = next(broken, "") or next(errors, lines[-1])
    return _VERSIONS.sub(r"(the newest are \1)", line.removeprefix("ERROR: "))
