"""Source files out of git's object store: what was digested is what is built, whatever happens to the work tree."""

import os
import posixpath
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO

from anyio import to_thread

from shipways.adapters.files import disk_error
from shipways.errors import PreflightError, Problem
from shipways.model.source import EXECUTABLE, SUBMODULE, SYMLINK, SourceFile, SourceTree


class GitSources:
    """The `Sources` port: reads objects by name from a repository (and the object folder of the snapshot)."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        self._root = root
        self._env = dict(env)

    def read(self, file: SourceFile) -> bytes:
        """The bytes of a source file; for a symlink, its target."""
        with self._batch() as git:
            return _ask(git, file.oid)

    async def export(self, tree: SourceTree, folder: Path) -> None:
        """Write a tree below an empty folder.

        Raises PreflightError for a symlink that leaves it, or a submodule; BuildError when the disk does not take it.
        """
        check_exportable(tree)
        try:
            await to_thread.run_sync(self._export, tree, folder)
        except OSError as error:
            raise disk_error(error, folder) from error

    def _export(self, tree: SourceTree, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with self._batch() as git:
            for parent in sorted({parent for f in tree.files for parent in PurePosixPath(f.path).parents[:-1]}):
                (folder / parent).mkdir(exist_ok=True)
                (folder / parent).chmod(0o755)  # whatever the umask: an image may take it over
            for file in tree.files:
                data = _ask(git, file.oid)
                _refuse_pointer(file, data)
                path = folder / file.path
                if file.mode == SYMLINK:
                    path.symlink_to(_inside(file, os.fsdecode(data)))
                else:
                    path.write_bytes(data)
                    path.chmod(0o755 if file.mode == EXECUTABLE else 0o644)

    def _batch(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            ["git", "cat-file", "--batch"],
            cwd=self._root,
            env=self._env,  # the whole of it: a GIT_DIR of the caller, a hook for one, means another repository
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )


def check_exportable(tree: SourceTree) -> None:
    """Raises PreflightError with every submodule of the tree: its files are in another repository."""
    wrong = [
        Problem(
            path=file.path,
            what="is a git submodule",
            why="its files are not part of this repository's digest",
            hint="vendor it, or leave it out with package.NAME.source",
        )
        for file in tree.files
        if file.mode == SUBMODULE
    ]
    if wrong:
        raise PreflightError(*wrong)


def _refuse_pointer(file: SourceFile, data: bytes) -> None:
    """What Git LFS keeps in git's tree (git-lfs, docs/spec.md, "The Pointer") would be built as if it were the file."""
    if data.startswith(b"version https://git-lfs.github.com/spec/"):
        raise PreflightError(
            Problem(
                path=file.path,
                what="is a pointer of Git LFS, not the file itself",
                why="what it points to is not part of the tree that names the build",
                hint="take the file out of LFS, or leave it out with package.NAME.source",
            )
        )


def _inside(file: SourceFile, target: str) -> str:
    """The target of a symlink, which must lie in the repository."""
    end = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), target))
    if end.startswith(("/", "..")):
        raise PreflightError(
            Problem(
                path=file.path,
                what="is a symlink that leaves the source",
                why=f"what {target} holds is not part of the tree that names the build",
                hint="copy the file, or leave the link out with package.NAME.source",
            )
        )
    return target


def _ask(git: "subprocess.Popen[bytes]", oid: str) -> bytes:
    stdin, stdout = _streams(git)
    with suppress(BrokenPipeError):  # git has died: the answer that does not come says so
        # Past the buffer, which would hold the line for close(), where it breaks again.
        os.write(stdin.fileno(), f"{oid}\n".encode())
    header = stdout.readline().split()
    if len(header) != 3:
        raise PreflightError(
            Problem(what=f"git object {oid} is missing", why="the repository is incomplete", hint="run `git fsck`")
        )
    data = stdout.read(int(header[2]))
    stdout.read(1)
    return data


def _streams(git: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    if git.stdin is None or git.stdout is None:
        raise ValueError("cat-file was started without pipes")
    return git.stdin, git.stdout
