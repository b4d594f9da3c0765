"""A bare repository as the remote of a release that makes its own tags."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox import Repository
from shipways.adapters.gittags import GitTags
from shipways.adapters.process import OsProcess

WHO = {"GIT_COMMITTER_NAME": "tests", "GIT_COMMITTER_EMAIL": "tests@localhost"}


@dataclass
class Shell:
    """The `Shell` port of a user in a folder."""

    folder: Path
    own: dict[str, str]

    def env(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": "/nonexistent"} | self.own

    def cwd(self) -> Path:
        return self.folder

    def find(self, program: str) -> tuple[Path, ...]:
        raise AssertionError(program)


class Remote:
    """It has nothing, and is the origin of a clone."""

    def __init__(self, folder: Path, clone: Repository) -> None:
        self.bare = folder / "example" / "demo.git"
        self.clone = clone
        subprocess.run(("git", "init", "--quiet", "--bare", self.bare), check=True)
        clone.git("remote", "add", "origin", self.bare.as_uri())

    @property
    def head(self) -> str:
        """The commit of the clone."""
        return self.clone.git("rev-parse", "HEAD")

    def tags(self, repository: str = "", **env: str) -> GitTags:
        """The adapter, as the clone sees it."""
        return GitTags(repository, OsProcess(), Shell(self.clone.root, env or WHO))

    def kind(self, tag: str) -> str:
        """What the tag is here: `tag` is an annotated one, `commit` one without a message; empty where it is not."""
        return self._ask("cat-file", "-t", f"refs/tags/{tag}")

    def commit(self, tag: str) -> str:
        """The commit that the tag names here."""
        return self._ask("rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}")

    def refuse(self, *, anything: bool = True) -> None:
        """Let it take nothing from now on, or everything again."""
        hook = self.bare / "hooks" / "pre-receive"
        hook.write_text(f"#!/bin/sh\necho tags are protected\nexit {int(anything)}\n")
        hook.chmod(0o755)

    def _ask(self, *words: str) -> str:
        done = subprocess.run(("git", *words), cwd=self.bare, capture_output=True, text=True, check=False)
        return done.stdout.strip()
