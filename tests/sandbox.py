"""Small real repositories, and shipways as users run it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str


def commanded(*words: str, outputs: str = "*.txt", source: bool = False) -> str:
    """shipways.toml of a project whose only package a command makes; `source`: with an archive of its sources."""
    return f"""
[project]
name = "hello"
source_archive = {str(source).lower()}

[package.hello]
build = "command"
version = "1.0.0"

[package.hello.command]
run = [{json.dumps(words)}]
outputs = ["{outputs}"]
"""


class Repository:
    """A git repository in a folder of the test, with a store of its own."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root
        self.cache = cache
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", ".")

    def git(self, *words: str) -> str:
        """Run git with a fixed author and date."""
        date = {"GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z"}
        who = ("-c", "user.name=tests", "-c", "user.email=tests@localhost", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ("git", *who, *words), cwd=self.root, env=os.environ | date, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, **files: str) -> "Repository":
        """Write files; `__` in a name is a slash, `_dot_` a dot."""
        for name, text in files.items():
            self.file(name.replace("__", "/").replace("_dot_", "."), text)
        return self

    def file(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write one file."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def commit(self, message: str = "feat: all") -> "Repository":
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self

    def tag(self, version: str) -> None:
        """Give the first package of the config this version, and tag that; a tag that is there stays."""
        if not self.git("tag", "--list", f"v{version}"):
            head, _, tail = (self.root / "shipways.toml").read_text().partition('version = "')
            self.file("shipways.toml", f'{head}version = "{version}"{tail.partition(chr(34))[2]}')
            self.commit("chore: version").git("tag", f"v{version}")

    def carry(self, program: Path, version: str) -> None:
        """What lies in dist/ afterwards is this program under this version, as bin/beat, with that at its end."""
        place = self.root / "bin/beat"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(program.read_bytes() + version.encode())
        place.chmod(0o755)
        config = (self.root / "shipways.toml").read_text()
        self.file("shipways.toml", re.sub(r'^version = ".*"$', f'version = "{version}"', config, flags=re.MULTILINE))
        ran = self.commit().shipways("release", "--snapshot")
        assert 0 == ran.code, ran.err

    def share(self, tools: Path) -> "Repository":
        """Use toolchains, and what compilers keep for themselves, of a folder that other tests use too."""
        own = self.cache / "shipways"
        own.mkdir(parents=True)
        for name in ("toolchains", "caches"):
            (tools / name).mkdir(exist_ok=True)
            (own / name).symlink_to(tools / name)
        return self

    def shipways(
        self, *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, timeout: float = 600
    ) -> Ran:
        """Run the program as a user does."""
        mine = {"XDG_CACHE_HOME": str(self.cache), "GITHUB_ACTIONS": "", "CI": ""}
        done = subprocess.run(
            (sys.executable, "-m", "shipways", *words),
            cwd=cwd or self.root,
            env=os.environ | mine | dict(env or {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


class Clone(Repository):
    """A clone, as on another machine, with a store of its own."""

    def __init__(self, origin: Repository, root: Path) -> None:
        origin.git("clone", "--quiet", ".", str(root))
        super().__init__(root, root.with_suffix(".cache"))

    @property
    def dist(self) -> Path:
        """What it has made."""
        return self.root / "dist"
