"""A remote to rehearse a release with that makes its own tags, and a clone of it where they are made."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp

from shipways.config.schema import Config
from shipways.model.manifest import Manifest
from shipways.ports import Clock
from shipways.rehearse.gitserver import GitServer, settings

_CLONE: Final = ".git"
_REMOTE: Final = "origin.git"
_SETTINGS: Final = "gitconfig"
_BRANCH: Final = "refs/heads/main"


class GitBerth:
    """A remote that has the commit, and no tag; the folder of the harbour is a clone of it.

    Both borrow their objects from the user's repository, which nothing is written to: what is made lies here.
    """

    channel = "git"

    def __init__(self, folder: Path, objects: Path, commit: str) -> None:
        self._folder = folder
        self._objects = objects
        self._commit = commit
        self._server = GitServer(folder, _REMOTE)

    def fresh(self, clock: Clock) -> Sequence[ASGIApp]:
        """One server, and a clone that has no tag either."""
        del clock
        for name in (_CLONE, _REMOTE):
            shutil.rmtree(self._folder / name, ignore_errors=True)
            self._lay(self._folder / name)
        self._server = GitServer(self._folder, _REMOTE)
        return (self._server,)

    def lead(self, config: Config, urls: Sequence[str]) -> Config:
        """Git's own settings name the remote; no table does."""
        remote = f'[remote "origin"]\n\turl = {urls[0]}/{_REMOTE}\n'
        who = "[user]\n\tname = rehearsal\n\temail = rehearsal@localhost\n"
        (self._folder / _SETTINGS).write_text(f"{remote}{who}")
        return config

    def tokens(self, urls: Sequence[str]) -> Mapping[str, str]:
        """No token, and nothing of the user's settings, which may sign."""
        del urls
        return settings(str(self._folder / _SETTINGS))

    def holds(self) -> object:
        """Every tag of the remote."""
        return self._server.tags

    def _lay(self, repository: Path) -> None:
        """A repository (gitrepository-layout) with one branch."""
        (repository / "refs" / "heads").mkdir(parents=True)
        (repository / "objects" / "info").mkdir(parents=True)
        (repository / "HEAD").write_text(f"ref: {_BRANCH}\n")
        (repository / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        (repository / "objects" / "info" / "alternates").write_text(f"{self._objects}\n")
        (repository / _BRANCH).write_text(f"{self._commit}\n")
        if (shallow := self._objects.parent / "shallow").exists():  # then some parents are nowhere
            shutil.copy(shallow, repository)


@dataclass(frozen=True, slots=True)
class Tagging:
    """As a module of `berths/`, for a repository whose objects are in a folder: the config does not say who tags."""

    objects: Path

    def berth(self, config: Config, manifest: Manifest, folder: Path) -> GitBerth:
        """Whatever remote the repository has."""
        del config
        return GitBerth(folder, self.objects, manifest.commit)
