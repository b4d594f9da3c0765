"""A project that goes to GitHub, to an index and to a registry at once, and runs of its release that are killed."""

import contextlib
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from forging import REPOSITORY, TOKEN, Github, github
from sandbox import Ran, Repository
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.forgedesk import API
from shipways.rehearse.index import PackageIndex
from shipways.rehearse.oci import OciRegistry
from shipways.rehearse.serving import served

CONFIG = """
[project]
name = "truth"
repository = "{repository}"
description = "Says that it is so"
license = "MIT"
source_archive = false

[package.truth]
build = "prebuilt"
version = "{version}"
targets = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"]

[package.truth.prebuilt.files]
x86_64-unknown-linux-gnu = "bin/amd64/truth"
aarch64-unknown-linux-gnu = "bin/arm64/truth"

[package.py-truth]
build = "python"
python = {{ binary = "truth", distribution = "truth" }}

[image.truth]
package = "truth"
repositories = ["{registry}/team/truth"]

[formula.truth]
package = "truth"
description = "Says that it is so"
test = [{{ run = ["truth", "--version"], output = "{{version}}" }}]
"""
CHANNELS = """
[publish.github]
api = "{github}"

[publish.pypi]
repository = "{pypi}/legacy/"
simple = "{pypi}/simple/"
trusted = false

[publish.registry]
"""
INDEX_TOKEN = "canary-of-the-index"  # noqa: S105 - it opens nothing
MACHINES = {"amd64": 62, "arm64": 183}
"""e_machine (ELF-64 Object File Format, figure 4, and its registry of machines)."""


def program(text: str, machine: int = 62) -> bytes:
    """The smallest static program that prints a text on x86-64 (System V ABI, "ELF-64 Object File Format")."""
    data = text.encode()
    begin = b"\xb8\x01\0\0\0\xbf\x01\0\0\0\x48\x8d\x35"  # eax = write, edi = 1, rsi = rip + …
    end = b"\xba" + struct.pack("<I", len(data)) + b"\x0f\x05\xb8\x3c\0\0\0\x31\xff\x0f\x05"  # edx, write, exit(0)
    code = begin + struct.pack("<i", len(end)) + end + data
    base, size = 0x400000, 64 + 56 + len(code)
    ident = b"\x7fELF\x02\x01\x01"
    head = struct.pack("<16sHHIQQQIHHHHHH", ident, 2, machine, 1, base + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 4096) + code


@dataclass
class Fleet:
    """The three places. `deadly` says at which request, once it is answered, the run that sent it is killed."""

    hub: Github
    index: PackageIndex
    images: OciRegistry
    traffic: Traffic
    urls: dict[str, str] = field(default_factory=dict)
    deadly: Callable[[str, str], bool] = lambda *_: False
    run: "subprocess.Popen[bytes] | None" = None

    def choose(self, method: str, path: str) -> Fault:
        """SIGKILL, at the request that was chosen."""
        if self.run and self.deadly(method, path):
            self.run.send_signal(signal.SIGKILL)
            self.run = None
        return Fault.NONE

    def config(self, version: str = "1.0.0", channels: str = CHANNELS) -> str:
        """shipways.toml."""
        host = self.urls["registry"].partition("//")[2]
        head = CONFIG.format(repository=REPOSITORY, version=version, registry=host)
        return head + channels.format(github=f"{self.urls['github']}{API}", pypi=self.urls["pypi"])

    def project(self, root: Repository, version: str = "1.0.0", channels: str = CHANNELS) -> Repository:
        """A repository at its tag."""
        for name, machine in MACHINES.items():
            place = root.root / "bin" / name / "truth"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(program(f"truth {version}\n", machine))
            place.chmod(0o755)
        root.write(shipways_dot_toml=self.config(version, channels), README_dot_md="# truth\n")
        root.file(".gitignore", "/dist/\n")
        root.commit().git("tag", f"v{version}")
        return root

    @property
    def env(self) -> dict[str, str]:
        """The tokens."""
        return {"GH_TOKEN": TOKEN, "SHIPWAYS_PYPI_TOKEN": INDEX_TOKEN, "NO_PROXY": "127.0.0.1"}

    def killed(self, root: Repository, deadly: Callable[[str, str], bool]) -> None:
        """Release, and be killed."""
        env = os.environ | self.env | {"XDG_CACHE_HOME": str(root.cache), "GITHUB_ACTIONS": "", "CI": ""}
        argv = (sys.executable, "-m", "shipways", "release", "--publish")
        self.deadly = deadly
        with subprocess.Popen(
            argv, cwd=root.root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as self.run:
            process = self.run
        self.run = None
        assert -signal.SIGKILL == process.returncode

    def public(self) -> dict[str, bytes | str]:
        """Everything that users find: assets, files of the index, blobs of the image and its tags."""
        found: dict[str, bytes | str] = {}
        if release := self.hub.forge.published("v1.0.0"):
            found |= {f"github/{asset.name}": asset.data for asset in release.assets.values()}
            found["github/:notes"] = release.body or ""
        found |= {f"pypi/{name}": file.data for name, file in self.index.files.items()}
        stored = self.images.repository("team/truth")
        found |= {f"registry/{digest}": self.images.path(digest).read_bytes() for digest in stored.blobs}
        return found | {f"registry/:{tag}": digest for tag, digest in stored.tags.items()}

    def unpublish(self) -> None:
        """Let everything be staged, and nothing public."""
        (release,) = self.hub.forge.releases.values()
        release.draft, self.hub.forge.latest = True, None
        self.hub.forge.refs.clear()
        self.images.repository("team/truth").tags.clear()
        for kept in (self.index.files, self.index.projects, self.index.uploads):
            kept.clear()

    def clear(self) -> None:
        """Let every place be empty."""
        self.hub.forge.clear()
        for kept in (self.index.files, self.index.projects, self.index.uploads, self.images.repositories):
            kept.clear()


@contextlib.contextmanager
def fleet(folder: Path) -> Iterator[Fleet]:
    """The places, empty."""
    folder.mkdir()
    with github(apart=True) as hub, contextlib.ExitStack() as opened:
        traffic = Traffic()
        index, images = PackageIndex(tokens={INDEX_TOKEN: frozenset({"truth"})}), OciRegistry(folder)
        made = Fleet(hub=hub, index=index, images=images, traffic=traffic)
        hub.fault = made.choose
        for name, app in {"pypi": index.app, "registry": images.app}.items():
            made.urls[name] = opened.enter_context(served(Faulty(app, made.choose, traffic)))
        made.urls["github"] = hub.url
        yield made


def elsewhere(folder: Path, files: Mapping[str, str]) -> "Bare":
    """A machine that has only these files."""
    for name, text in files.items():
        (folder / "project").mkdir(parents=True, exist_ok=True)
        (folder / "project" / name).write_text(text)
    return Bare(folder / "project", folder / "cache")


@dataclass(frozen=True)
class Bare:
    """A folder that is no repository, and a store of its own."""

    root: Path
    cache: Path

    def shipways(self, *words: str, env: Mapping[str, str]) -> Ran:
        """Run the program there."""
        mine = {"XDG_CACHE_HOME": str(self.cache), "GITHUB_ACTIONS": "", "CI": ""}
        argv = (sys.executable, "-m", "shipways", *words)
        done = subprocess.run(
            argv, cwd=self.root, env=os.environ | mine | dict(env), capture_output=True, text=True, check=False
        )
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)

    def objects(self) -> list[Path]:
        """What was put into the store."""
        return [path for path in (self.cache / "shipways" / "objects").rglob("*") if path.is_file()]
