"""What git knows: the commit, its tags, and the work tree as a tree object."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shipways.errors import PreflightError, Problem
from shipways.model.commit import Commit
from shipways.model.facts import Git
from shipways.model.source import SourceFile, SourceTree
from shipways.ports import Process, Shell

_OWN: Final = ("-c", "core.safecrlf=false", "-c", "core.hooksPath=/dev/null")
"""Settings of the user that must not stop, or listen to, a snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A work tree, and the environment in which git writes new objects beside the repository instead of into it."""

    root: Path
    git_dir: Path
    env: Mapping[str, str]

    @property
    def objects(self) -> Path:
        """Where the repository itself keeps its objects."""
        return Path(self.env["GIT_ALTERNATE_OBJECT_DIRECTORIES"])


async def open_repository(process: Process, shell: Shell, objects: Path) -> Repository:
    """The repository of the current folder. Raises PreflightError when there is none, or no git."""
    env = {
        name: value for name, value in shell.env().items() if not name.startswith("GIT_") or name == "GIT_SSL_CAINFO"
    }
    try:
        argv = ("git", "rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-path", "objects")
        answer = await process.run(argv, cwd=shell.cwd(), env=env)
    except FileNotFoundError:
        raise PreflightError(
            Problem(what="there is no `git` on PATH", why="what is built is named by its git tree", hint="install git")
        ) from None
    if answer.code:
        raise PreflightError(_closed(shell.cwd(), answer.stderr))
    top, git_dir, own = answer.stdout.splitlines()
    try:
        objects.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PreflightError(
            Problem(
                path=str(objects),
                what="cannot be made",
                why=error.strerror or str(error),
                hint="let XDG_CACHE_HOME name a folder that can be written to",
            )
        ) from None
    beside = {
        "GIT_OBJECT_DIRECTORY": str(objects),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((shell.cwd() / own).resolve()),
    }
    return Repository(root=Path(top), git_dir=Path(git_dir), env=env | beside | {"GIT_OPTIONAL_LOCKS": "0"})


def _closed(folder: Path, said: str) -> Problem:
    """Why git does not open a folder: there is no repository, or git refuses it (safe.directory, a bare one)."""
    if "not a git repository" in said:
        hint = "`git init && git add . && git commit`, or change to the repository"
        return Problem(path=str(folder), what="not a git repository", hint=hint)
    return Problem(path=str(folder), what="git does not open this repository", why=said.strip())


async def clone(process: Process, repository: Repository, tag: str, folder: Path) -> None:
    """Check a tag out into a new folder. Raises PreflightError where the repository has none of this name."""
    env = {name: value for name, value in repository.env.items() if not name.startswith(("GIT_OBJECT", "GIT_ALTER"))}
    words = ("clone", "--quiet", "--config", "advice.detachedHead=false", "--branch", tag)
    answer = await process.run(("git", *words, str(repository.root), str(folder)), cwd=repository.root, env=env)
    if answer.code:
        raise PreflightError(Problem(path=tag, what="cannot be checked out", why=answer.stderr.strip()))


async def ask(process: Process, repository: Repository, *words: str, env: Mapping[str, str] | None = None) -> str:
    """What a git command prints. Raises PreflightError with git's own words when it fails."""
    answer = await process.run(("git", *words), cwd=repository.root, env=dict(repository.env) | dict(env or {}))
    if answer.code:
        raise PreflightError(Problem(what=f"`git {' '.join(words)}` failed", why=answer.stderr.strip()))
    return answer.stdout


async def ignores(process: Process, repository: Repository, path: Path) -> bool:
    """Whether git would leave a file out. One that it has already is not left out."""
    argv = ("git", "check-ignore", "--quiet", "--", str(path))
    return (await process.run(argv, cwd=repository.root, env=repository.env)).code == 0


async def snapshot(process: Process, repository: Repository) -> str:
    """The work tree (tracked files, and new ones that are not ignored) as the name of a tree object.

    A copy of the index keeps git's own cache of file times, so that only changed files are read.
    """
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder, "index")
        if (repository.git_dir / "index").exists():
            shutil.copy2(repository.git_dir / "index", index)
        env = {"GIT_INDEX_FILE": str(index)}
        await ask(process, repository, *_OWN, "add", "--all", ".", env=env)
        return (await ask(process, repository, "write-tree", env=env)).strip()


async def read_git(process: Process, repository: Repository) -> tuple[Git, SourceTree]:
    """The commit and the files of the work tree."""
    answer = await process.run(
        ("git", "log", "-1", "--no-show-signature", "--format=%H%n%ct%n%T"), cwd=repository.root, env=repository.env
    )
    if answer.code:
        raise PreflightError(
            Problem(path=str(repository.root), what="has no commit yet", hint="`git add . && git commit`")
        )
    commit, seconds, tree = answer.stdout.split()
    tags = await ask(process, repository, "tag", "--points-at", "HEAD")
    now = await snapshot(process, repository)
    listing = await ask(process, repository, "ls-tree", "-r", "-z", "--full-tree", now)
    git = Git(commit=commit, epoch=int(seconds), tags=tuple(tags.split()), dirty=now != tree)
    return git, SourceTree(files=_files(listing.split("\0")))


async def last_tag(process: Process, repository: Repository, pattern: str, *words: str) -> str | None:
    """The newest tag before HEAD that matches a glob; `words` are more options of `git describe`.

    Raises PreflightError in a shallow clone, which cannot know.
    """
    answer = await process.run(
        ("git", "describe", "--tags", "--abbrev=0", "--match", pattern, *words), cwd=repository.root, env=repository.env
    )
    if answer.code == 0:
        return answer.stdout.strip()
    await _refuse_shallow(process, repository, pattern)
    return None


async def tag_before(process: Process, repository: Repository, tag: str, tags: str, *, full: bool) -> str | None:
    """The tag before this one, of those that fit the glob; before a `full` release the last full one.

    Raises PreflightError in a shallow clone, which cannot know.
    """
    skipped = ("--exclude", tag, *(("--exclude", tags.replace("*", "*-*", 1)) if full else ()))
    return await last_tag(process, repository, tags, *skipped)


async def reached_tags(process: Process, repository: Repository, pattern: str) -> tuple[str, ...]:
    """The tags of HEAD and of all commits before it that fit a glob, the newest first.

    Raises PreflightError in a shallow clone that has none, which cannot know.
    """
    said = await ask(process, repository, "tag", "--merged", "HEAD", "--sort=-creatordate", "--list", pattern)
    if not said:
        await _refuse_shallow(process, repository, pattern)
    return tuple(said.split())


async def commits_since(
    process: Process, repository: Repository, before: str | None, folders: Sequence[str]
) -> tuple[Commit, ...]:
    """The commits since a tag, newest first; all without one. Only those that change something in these folders."""
    scope = f"{before}..HEAD" if before else "HEAD"
    log = ("log", "--no-merges", "--no-show-signature", "--format=%s%x1f%b%x1e", scope, "--", *folders)
    said = await ask(process, repository, *log)
    parts = (entry.strip().partition("\x1f") for entry in said.split("\x1e") if entry.strip())
    return tuple(Commit(subject=subject, body=body.strip()) for subject, _, body in parts)


async def _refuse_shallow(process: Process, repository: Repository, pattern: str) -> None:
    if (await ask(process, repository, "rev-parse", "--is-shallow-repository")).strip() == "true":
        raise PreflightError(
            Problem(
                path=str(repository.root),
                what=f"this clone is shallow and has no tag {pattern}",
                why="versions and notes come from the last tag, which may lie in the history that is missing",
                hint="`git fetch --unshallow --tags` (in GitHub Actions: fetch-depth: 0), or set package.NAME.version "
                "and let publish.github.notes name a file",
            )
        )


def _files(entries: Sequence[str]) -> tuple[SourceFile, ...]:
    heads = (entry.partition("\t") for entry in entries if entry)
    parts = ((head.split(), path) for head, _, path in heads)
    return tuple(sorted(SourceFile(path=path, mode=words[0], oid=words[2]) for words, path in parts))
