"""The source archive: every file of the commit, as git has it."""

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from packing import FILES, PROJECT, Shop
from shipways.errors import ConfigError, PreflightError
from shipways.model.source import SUBMODULE, SYMLINK


def names(shop: Shop, project: str = PROJECT) -> list[str]:
    """The files of the plan that are about the whole release."""
    wanted = ("bundle/source", "bundle/checksums/sha256")
    return [name for step in shop.whole(project=project).steps if step.spec.id in wanted for name in step.spec.outputs]


def test_members(tmp_path: Path) -> None:
    """All files below one folder, sorted, with their right to run; a symlink stays one."""
    shop = Shop(tmp_path)
    shop.release()
    with tarfile.open(shop.dist / "pulse-1.2.3-source.tar.gz") as archive:
        members = {m.name.removeprefix("pulse-1.2.3/"): m for m in archive.getmembers()}
        assert list(FILES) == list(members)
        assert "cli/README.md" == members["latest"].linkname
        assert (0o755, 0o644) == (members["cli/setup.sh"].mode, members["LICENSE"].mode)
        assert {(1_700_000_000, 0, "")} == {(m.mtime, m.uid, m.uname) for m in members.values()}
        stream = archive.extractfile(members["cli/src/main.go"])
        assert stream is not None
        assert b"package main\n" == stream.read()


def test_names(tmp_path: Path) -> None:
    """One package gives its name; several are the project, at the version of the first."""
    shop = Shop(tmp_path, versions={"pulse": "1.2.3", "other": "0.3.0"})
    assert ["pulse-1.2.3-source.tar.gz", "pulse-1.2.3-SHA256SUMS"] == names(shop, PROJECT.replace('"pulse"', '"whole"'))
    two = f'{PROJECT}[package.other]\nbuild = "zig"\n'.replace('name = "pulse"', 'name = "whole"')
    assert ["whole-1.2.3-source.tar.gz", "whole-1.2.3-SHA256SUMS"] == names(shop, two)


def test_not_wanted(tmp_path: Path) -> None:
    """`source_archive = false`, or no package to release: there is none."""
    without = PROJECT.replace("[package.pulse]", "source_archive = false\n[package.pulse]")
    assert ["pulse-1.2.3-SHA256SUMS"] == names(Shop(tmp_path), without)
    assert [] == names(Shop(tmp_path), '[project]\nname = "pulse"\n')


def test_submodule(tmp_path: Path) -> None:
    """Its files are elsewhere, so the archive would not be whole."""
    shop = Shop(tmp_path, files={**FILES, "vendor/other": (SUBMODULE, b"")})
    with pytest.raises(ConfigError, match=r"project.source_archive: cannot hold the git submodules vendor/other"):
        shop.whole()


def test_symlink_out_of_the_tree(tmp_path: Path) -> None:
    """It is refused, and there is no archive."""
    shop = replace(Shop(tmp_path), files={**FILES, "out": (SYMLINK, b"../../etc")})
    with pytest.raises(PreflightError, match="out: is a symlink that leaves the source"):
        shop.release()
    assert not shop.dist.exists()
