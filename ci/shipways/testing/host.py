"""A host in memory: files, a lock, a service manager and a proxy, as far as deployers ask for them."""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shipways.errors import PreflightError, Problem, Unfinished
from shipways.model.digest import digest_bytes
from shipways.outside.hosts import Address, Host
from shipways.ports import Completed

_FINE = Completed(code=0, stdout="", stderr="")


@dataclass(slots=True)
class MemoryHost:
    """The `Host` port. `files` by their paths, `units` what systemd says of those it knows, `log` what was run.

    `stale` units have been written since systemd has read them. `facts` answers the question for what kind of machine
    it is; `begins` is the state of what is started; `backend` what the proxy leads to, None where there is none, which
    for `drains` looks after a turn finds something under way; `containers` are the states of those by their releases,
    `images` what was pulled by its `engine`, `weights` bytes of them, and `pulls` why nothing is pulled; `stored` are
    lines of releases with their age and size, empty for those that lie there, all of them young. `busy` is who holds
    each lock, `tokens` the newest of each, `lines` what is held over this connection; `sick`: no service is healthy but
    those `well`, and `says` is why; `dead`: nothing answers the proxy; `full`: nothing can be written to paths that end
    so.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    containers: dict[str, str] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    weights: dict[str, int] = field(default_factory=dict)
    log: list[tuple[str, ...]] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)
    facts: str = "0\nsystemd\nx86_64\n1000\n9999999\n"
    ports: str = ""
    stored: str = ""
    begins: str = "active running"
    backend: str | None = None
    drains: int = 0
    busy: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    sick: bool = False
    well: set[str] = field(default_factory=set)
    dead: bool = False
    engine: bool = True
    pulls: str = ""
    says: str = "status 503, expected 200"
    full: str = ""

    def held(self, lock: str) -> str:
        """As it was said."""
        return self.lines.get(lock, "")

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """What is not known here goes well."""
        words = tuple(argv)
        if words[1:2] == ("fence",):
            if self.tokens.get(words[3]) != int(words[5]):
                return Completed(code=76, stdout="", stderr="not the newest token")
            words = words[words.index("--") + 1 :]
        self.log.append(words)
        self.told += [stdin] if stdin else []
        acts: Mapping[str, Callable[[tuple[str, ...]], Completed]] = {
            "cat": self._cat,
            "base64": self._cat,
            "sha256sum": self._sums,
            "systemctl": self._systemctl,
            "sh": self._sh,
            "rm": self._rm,
            "test": self._test,
            "readlink": self._readlink,
            "docker": self._docker,
            "swap": self._swap,
            "probe": self._probe,
            "proxy": self._proxy,
        }
        act = acts.get(words[0]) or acts.get(words[1] if len(words) > 1 else "")
        return act(words) if act else _FINE

    async def follow(self, argv: Sequence[str], told: Callable[[str], None]) -> Completed:
        """All of it at once."""
        done = await self.run(argv)
        if done.stdout:
            told(done.stdout)
        return done

    async def put(self, source: Path | bytes, path: str, *, mode: int, within: Sequence[str] = ()) -> None:
        """As it is; `within` may refuse."""
        del mode
        if self.full and path.endswith(self.full):
            raise Unfinished(Problem(path=path, what="cannot be written", why="No space left on device"))
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

    async def hold(self, locks: Sequence[str], argv: Sequence[str]) -> Completed:
        """Only when nobody does."""
        self.log.append(tuple(argv))
        if held := [lock for lock in locks if lock in self.busy]:
            return Completed(code=75, stdout=json.dumps({"holder": self.busy[held[0]]}), stderr="")
        token = max(self.tokens.get(lock, 0) for lock in locks) + 1
        self.tokens |= dict.fromkeys(locks, token)
        self.busy |= dict.fromkeys(locks, argv[argv.index("--holder") + 1])
        self.lines |= dict.fromkeys(locks, f'{{"token":{token}}}\n')
        return Completed(code=0, stdout=self.lines[locks[0]], stderr="")

    def end(self) -> None:
        """The connection ends, and what is held over it."""
        for lock in self.lines:
            del self.busy[lock]
        self.lines.clear()

    def _real(self, path: str) -> str:
        for link, target in self.links.items():
            if path.startswith(f"{link}/"):
                return target + path.removeprefix(link)
        return path

    def _cat(self, words: tuple[str, ...]) -> Completed:
        found = [self.files.get(self._real(path)) for path in words[2:]]
        text = b"".join(each or b"" for each in found)
        text = base64.encodebytes(text) if words[0] == "base64" else text
        return Completed(code=int(None in found), stdout=text.decode(errors="replace"), stderr="")

    def _sums(self, words: tuple[str, ...]) -> Completed:
        found = {path: self.files.get(self._real(path)) for path in words[2:]}
        lines = (f"{digest_bytes(content)[7:]}  {path}\n" for path, content in found.items() if content is not None)
        return Completed(code=0, stdout="".join(lines), stderr="")

    def _swap(self, words: tuple[str, ...]) -> Completed:
        self.links[words[2]] = f"{words[2].rpartition('/')[0]}/{words[3]}"
        return _FINE

    def _readlink(self, words: tuple[str, ...]) -> Completed:
        target = self.links.get(words[-1], "")
        return Completed(code=int(not target), stdout="/".join(target.split("/")[-2:]), stderr="")

    def _proxy(self, words: tuple[str, ...]) -> Completed:
        if self.backend is None or (words[2] == "switch" and self.dead):
            return Completed(code=1, stdout="", stderr="connection refused")
        if words[2] == "switch":
            self.backend = words[words.index("--to") + 1]
        if words[2] == "pause":
            self.backend = ""
        orders = [each[2] for each in self.log if each[1:2] == ("proxy",)]
        left = ["one"] if {"switch", "pause"} & {*orders[-1 - self.drains : -1]} else []
        told = {"pid": 1, "backend": self.backend, "since": f"2026-11-22T10:00:{len(orders):02}Z", "draining": left}
        return Completed(code=0, stdout=json.dumps(told), stderr="")

    def _probe(self, words: tuple[str, ...]) -> Completed:
        """What is not asked at a port of a release goes where the proxy leads."""
        where = words[2].split("/")[2]
        sick = self.sick and (where if ":2" in where else self.backend) not in self.well
        return Completed(code=int(sick), stdout="", stderr=f"tender: unhealthy: {self.says}" if sick else "")

    def _systemctl(self, words: tuple[str, ...]) -> Completed:
        names = [word for word in words[2:] if not word.startswith("-")]
        if words[1] == "show":
            texts = (
                f"LoadState=loaded\nActiveState={self._state(name)}\nUnitFileState=enabled\n"
                f"NeedDaemonReload={'yes' if name in self.stale else 'no'}\n"
                for name in names
            )
            return Completed(code=0, stdout="\n".join(texts), stderr="")
        if words[1] == "is-active":
            return Completed(code=int((state := self._state(names[0])) != "active"), stdout=f"{state}\n", stderr="")
        if words[1] == "list-units":
            known = [name for name in self.units if name.startswith(names[0][:-1]) and name.endswith(".service")]
            lines = "".join(f"{name} loaded {self.units[name]} x\n" for name in known)
            return Completed(code=0, stdout=lines, stderr="")
        if words[1] in {"start", "restart"}:
            self.units |= dict.fromkeys(names, self.begins)
            if any(name.endswith("-proxy.service") for name in names) and self.backend is None:
                self.backend = ""
        if words[1] == "daemon-reload":
            self.stale.clear()
        if words[1] in {"stop", "disable"}:
            self.units = {name: state for name, state in self.units.items() if name not in names}
        return _FINE

    def _state(self, name: str) -> str:
        return self.units.get(name, "inactive dead").split()[0]

    def _docker(self, words: tuple[str, ...]) -> Completed:
        if not self.engine or (self.pulls and words[1] == "pull"):
            return Completed(code=1, stdout="", stderr=self.pulls or "Cannot connect to the Docker daemon")
        if words[1] == "ps":
            return Completed(code=0, stdout="".join(f"{a} {b}\n" for a, b in self.containers.items()), stderr="")
        if words[1] == "pull":
            self.images.add(words[-1])
        if words[1:3] == ("image", "inspect"):
            return Completed(code=int(words[-1] not in self.images), stdout="", stderr="")
        if words[1:3] == ("image", "rm"):
            self.images.discard(words[-1])
        if words[1] == "rm":
            self.containers.pop(words[-1].rpartition("-")[2], None)
        if words[1] == "run":
            label = next(word for word in words if word.startswith("shipways.release="))
            self.containers[label.partition("=")[2]] = self.begins.split()[1]
        return _FINE

    def _sh(self, words: tuple[str, ...]) -> Completed:
        if "docker" in words:
            return self._docker(words[words.index("docker") :])
        if "grep -vxF" in words[2]:
            return self._others(image=words[4].encode(), folder=words[-1])
        answers = {"uname -m": self.facts, "/proc/net/tcp": self.ports, "du -sk": self._releases(words[-1])}
        answers["{{.Size}}"] = "".join(
            f"{image} id {self.weights.get(image, 0)} {image} {self.weights.get(image, 0)},\n"
            for image in (word.partition("=")[2] for word in words[5:])
            if self.engine and image in self.images
        )
        ports = (text.decode() for path, text in self.files.items() if path.endswith("/port"))
        answers["/releases/*/port"] = "".join(ports)
        answers["*/release.json"] = "".join(
            f"{path}\n"
            for path, text in self.files.items()
            if path.startswith(f"{words[-1]}/") and b'"image": "' in text.replace(b'"image": ""', b"")
        )
        answers["hold.json"] = "".join(
            f"{path.split('/')[-2]} {text.decode().strip()}\n"
            for path, text in sorted(self.files.items())
            if path == f"{words[-1]}/{path.split('/')[-2]}/hold.json"
        )
        told = next((text for part, text in answers.items() if part in words[2]), "")
        return Completed(code=0, stdout=told, stderr="")

    def _others(self, image: bytes, folder: str) -> Completed:
        """The releases of an image, but for that of a folder."""
        found = [path for path, text in self.files.items() if path.endswith("/release.json") and image in text]
        others = "".join(f"{path}\n" for path in found if path != f"{folder}/release.json")
        return Completed(code=int(not others), stdout=others, stderr="")

    def _releases(self, folder: str) -> str:
        """What lies in those of a folder, and the image of each."""
        found: dict[str, int] = {}
        for path, content in self.files.items():
            if path.startswith(f"{folder}/"):
                name = path[len(folder) + 1 :].partition("/")[0]
                found[name] = found.get(name, 0) + len(content)
        told = {name: "whole" if f"{folder}/{name}/release.json" in self.files else "half" for name in found}
        told |= {name: "pinned" for name in found if f"{folder}/{name}/pinned" in self.files}
        lines = [f"{name} {10**9} {-(-size // 1024)} {told[name]}" for name, size in found.items()]
        rows = self.stored.splitlines() or lines
        return "".join(f"{row} {self._image(f'{folder}/{row.split()[0]}')}\n" for row in rows)

    def _image(self, folder: str) -> str:
        found = re.search(rb'^ "image": "([^" ]*)",$', self.files.get(f"{folder}/release.json", b""), re.MULTILINE)
        return found[1].decode() if found else ""

    def _test(self, words: tuple[str, ...]) -> Completed:
        """Whether it is there, as a file or as a folder."""
        there = any(f"{path}/".startswith(f"{words[-1]}/") for path in self.files)
        return Completed(code=int(not there), stdout="", stderr="")

    def _rm(self, words: tuple[str, ...]) -> Completed:
        gone = words[words.index("--") + 1 :]
        self.links = {path: target for path, target in self.links.items() if path not in gone}
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
            host.end()
