"""What a repository's objects do, the public fake included."""

import os
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from sandbox import Repository
from shipways.adapters.gitsource import GitSources
from shipways.errors import PreflightError
from shipways.model.source import EXECUTABLE, REGULAR, SYMLINK, SourceFile, SourceTree
from shipways.ports import Sources
from shipways.testing.sources import MemorySources

pytestmark = pytest.mark.integration

FILES = {
    "docs/guide.md": (REGULAR, b"guide\r\n\0\xff"),
    "docs/latest": (SYMLINK, b"guide.md"),
    "empty": (REGULAR, b""),
    "run.sh": (EXECUTABLE, b"#!/bin/sh\n"),
}


def git(root: Path, files: dict[str, tuple[str, bytes]]) -> tuple[Sources, SourceTree]:
    """The real one, over a repository on disk."""
    repository = Repository(root / "repository", root / "cache")
    for path, (mode, data) in files.items():
        repository.file(path, "")
        place = repository.root / path
        if mode == SYMLINK:
            place.unlink()
            place.symlink_to(data.decode())
        else:
            place.write_bytes(data)
            place.chmod(0o755 if mode == EXECUTABLE else 0o644)
    lines = repository.commit().git("ls-tree", "-r", "HEAD").splitlines()
    parts = [line.replace("\t", " ").split(" ", 3) for line in lines]
    tree = SourceTree(files=tuple(SourceFile(path=path, mode=mode, oid=oid) for mode, _, oid, path in parts))
    return GitSources(repository.root, os.environ), tree


def memory(_: Path, files: dict[str, tuple[str, bytes]]) -> tuple[Sources, SourceTree]:
    """The fake."""
    sources = MemorySources(files)
    return sources, sources.tree


Make = Callable[[Path, dict[str, tuple[str, bytes]]], tuple[Sources, SourceTree]]
each = pytest.mark.parametrize("make", [git, memory])


@each
def test_tree_has_gits_own_object_names(make: Make, tmp_path: Path) -> None:
    """A file's object name is git's, so that a digest of the tree means the same everywhere."""
    _, tree = make(tmp_path, {"a": (REGULAR, b"hello\n")})
    assert (SourceFile(path="a", mode=REGULAR, oid="ce013625030ba8dba906f756967f9e9ca394464a"),) == tree.files


@each
def test_reads_bytes_and_targets(make: Make, tmp_path: Path) -> None:
    """A file gives its bytes as they were committed, a symlink its target."""
    sources, tree = make(tmp_path, FILES)
    assert {path: data for path, (_, data) in FILES.items()} == {file.path: sources.read(file) for file in tree.files}


@each
def test_exports_a_tree(make: Make, tmp_path: Path) -> None:
    """Below the folder lie the same bytes, links and rights to run, and nothing else."""
    sources, tree = make(tmp_path, FILES)
    out = tmp_path / "out"
    anyio.run(sources.export, tree.below(("docs", "run.sh")), out)
    assert b"guide\r\n\0\xff" == (out / "docs/guide.md").read_bytes()
    assert "guide.md" == str((out / "docs/latest").readlink())
    assert (out / "run.sh").stat().st_mode & 0o111
    assert not (out / "docs/guide.md").stat().st_mode & 0o111
    assert not (out / "empty").exists()


@each
@pytest.mark.parametrize("target", [b"../outside", b"/etc/passwd"])
def test_link_out_of_the_tree(make: Make, tmp_path: Path, target: bytes) -> None:
    """A symlink that leaves the tree is refused."""
    sources, tree = make(tmp_path, {"link": (SYMLINK, target)})
    with pytest.raises(PreflightError, match="link: is a symlink that leaves the source"):
        anyio.run(sources.export, tree, tmp_path / "out")


def test_git_that_dies(tmp_path: Path) -> None:
    """The object that it does not give any more is missing; a broken pipe is no end of the program."""
    _, tree = git(tmp_path, FILES)
    dying = tmp_path / "bin" / "git"
    dying.parent.mkdir()
    dying.write_text("#!/bin/sh\nexec 0<&-\nprintf 'x blob 1\\nx\\n'\n")
    dying.chmod(0o755)
    sources = GitSources(tmp_path / "repository", {"PATH": str(dying.parent)})
    with pytest.raises(PreflightError, match=r"git object [0-9a-f]{40} is missing"):
        anyio.run(sources.export, tree, tmp_path / "out")
