"""A bare repository as the remote of a release that makes its own tags."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import Repository
from shipways.adapters.gittags import GitTags
from shipways.adapters.process import OsProcess
from shipways.model.secret import Secret
from shipways.ports import Completed

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


class Heard(OsProcess):
    """The `Process` port of this machine, which notes every command with its environment."""

    def __init__(self) -> None:
        self.argv: list[Sequence[str]] = []
        self.env: list[Mapping[str, str]] = []

    async def run(self, argv: Sequence[str], **more: Any) -> Completed:
        self.argv.append(argv)
        self.env.append(more["env"])
        return await super().run(argv, **more)


class Remote:
    """It has nothing, and is the origin of a clone."""

    def __init__(self, folder: Path, clone: Repository) -> None:
        self.bare = folder / "example" / "demo.git"
        self.clone = clone
        self.process = Heard()
        subprocess.run(("git", "init", "--quiet", "--bare", self.bare), check=True)
        clone.git("remote", "add", "origin", self.bare.as_uri())

    @property
    def head(self) -> str:
        """The commit of the clone."""
        return self.clone.git("rev-parse", "HEAD")

    def tags(self, repository: str = "", **env: str) -> GitTags:
        """The adapter, as the clone sees it, without a token."""
        return self.let_in("", "", repository=repository, **env)

    def let_in(self, site: str, token: str, *, repository: str = "", **env: str) -> GitTags:
        """The same with a token for a site."""
        shell = Shell(self.clone.root, env or WHO)
        return GitTags(repository, self.process, shell, site=site, token=Secret(token))

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
