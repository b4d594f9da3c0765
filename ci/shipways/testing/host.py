"""A host in memory: files, a lock, and a service manager, as far as deployers ask for them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shipways.errors import PreflightError, Problem
from shipways.model.digest import digest_bytes
from shipways.outside.hosts import Address, Host
from shipways.ports import Completed

_FINE = Completed(code=0, stdout="", stderr="")


@dataclass(slots=True)
class MemoryHost:
    """The `Host` port. `files` by their paths, `active` is what systemd says of services, `log` what was run.

    `facts` answers the question for what kind of machine it is; `busy` is who holds the lock; `sick`: no service is
    healthy; `fenced`: somebody has held the lock since.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    log: list[tuple[str, ...]] = field(default_factory=list)
    facts: str = "0\nsystemd\nx86_64\n1000\n9999999\n"
    ports: str = ""
    active: str = "inactive"
    busy: str = ""
    sick: bool = False
    fenced: bool = False
    held: str = ""

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """What is not known here goes well."""
        del stdin
        words = tuple(argv)
        if words[1:2] == ("fence",):
            if self.fenced:
                return Completed(code=76, stdout="", stderr="not the newest token")
            words = words[words.index("--") + 1 :]
        self.log.append(words)
        acts = {"cat": self._cat, "sha256sum": self._sums, "systemctl": self._systemctl, "sh": self._sh, "rm": self._rm}
        if words[1:2] == ("swap",):
            self.links[words[2]] = f"{words[2].rpartition('/')[0]}/{words[3]}"
        if words[1:2] == ("probe",):
            return Completed(code=int(self.sick), stdout="", stderr="503" if self.sick else "")
        return acts[words[0]](words) if words[0] in acts else _FINE

    async def put(self, source: Path | bytes, path: str, *, mode: int, within: Sequence[str] = ()) -> None:
        """As it is; `within` may refuse."""
        del mode
        if within and (await self.run((*within, "true"))).code:
            raise PreflightError(Problem(path=path, what="cannot be written"))
        self.files[path] = source if isinstance(source, bytes) else source.read_bytes()

    async def send(self, source: Path, path: str, told: Callable[[int], None]) -> None:
        """At once."""
        self.files[path] = source.read_bytes()
        told(len(self.files[path]))

    async def digest(self, path: str) -> str:
        """Of what is there."""
        content = self.files.get(self._real(path))
        return "" if content is None else digest_bytes(content)

    async def hold(self, argv: Sequence[str]) -> Completed:
        """Only when nobody does."""
        self.log.append(tuple(argv))
        if self.busy:
            return Completed(code=75, stdout=json.dumps({"holder": self.busy}), stderr="")
        self.held = '{"token":7}\n'
        return Completed(code=0, stdout=self.held, stderr="")

    def _real(self, path: str) -> str:
        for link, target in self.links.items():
            if path.startswith(f"{link}/"):
                return target + path.removeprefix(link)
        return path

    def _cat(self, words: tuple[str, ...]) -> Completed:
        content = self.files.get(self._real(words[-1]))
        return Completed(code=int(content is None), stdout=(content or b"").decode(), stderr="")

    def _sums(self, words: tuple[str, ...]) -> Completed:
        found = {path: self.files.get(self._real(path)) for path in words[2:]}
        lines = (f"{digest_bytes(content)[7:]}  {path}\n" for path, content in found.items() if content is not None)
        return Completed(code=0, stdout="".join(lines), stderr="")

    def _systemctl(self, words: tuple[str, ...]) -> Completed:
        if "show" in words:
            text = f"LoadState=loaded\nActiveState={self.active}\nUnitFileState=enabled\n"
            return Completed(code=0, stdout=text, stderr="")
        if words[1] == "is-active":
            return Completed(code=int(self.active != "active"), stdout=f"{self.active}\n", stderr="")
        if words[1] in {"start", "restart"}:
            self.active = "active"
        return _FINE

    def _sh(self, words: tuple[str, ...]) -> Completed:
        return Completed(code=0, stdout=self.facts if len(words) > 3 else self.ports, stderr="")

    def _rm(self, words: tuple[str, ...]) -> Completed:
        gone = words[words.index("--") + 1 :]
        self.files = {
            path: content
            for path, content in self.files.items()
            if not any(path == each or path.startswith(f"{each}/") for each in gone)
        }
        return _FINE


@dataclass(slots=True)
class MemoryHosts:
    """The `Hosts` port: those that are known by their names."""

    known: dict[str, MemoryHost]

    async def reach(self, address: Address) -> Host:
        """Raises PreflightError for one whose key is not known."""
        if address.name not in self.known:
            raise PreflightError(Problem(path=address.name, what="the key of this host is not known"))
        return self.known[address.name]

    async def aclose(self) -> None:
        """What is held ends."""
        for host in self.known.values():
            host.held = ""
