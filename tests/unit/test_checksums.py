"""Sums: of everything that is uploaded, in the form of coreutils."""

import hashlib
from pathlib import Path

import pytest

from packing import FILES, Shop
from shipways.errors import ConfigError
from shipways.model.artifact import Kind
from shipways.model.source import SUBMODULE

ASSETS = (
    "pulse-1.2.3-source.tar.gz",
    "pulse-1.2.3-x86_64-pc-windows-msvc.zip",
    "pulse-1.2.3-x86_64-unknown-linux-gnu.tar.gz",
)


def line(path: Path, algorithm: str) -> str:
    return f"{hashlib.new(algorithm, path.read_bytes()).hexdigest()}  {path.name}\n"


def sums(shop: Shop, extra: str) -> dict[str, str]:
    made = shop.release(extra)
    found = [artifact.name for artifact in made.artifacts if artifact.kind is Kind.CHECKSUM]
    return {name: (shop.dist / name).read_text() for name in found}


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_combined(algorithm: str, tmp_path: Path) -> None:
    """A line for each archive and the sources, sorted; not for programs, which are not uploaded."""
    shop = Shop(tmp_path)
    found = sums(shop, f'[checksums]\nalgorithms = ["{algorithm}"]\n')
    expected = "".join(line(shop.dist / name, algorithm) for name in ASSETS)
    assert {f"pulse-1.2.3-{algorithm.upper()}SUMS": expected} == found


def test_single(tmp_path: Path) -> None:
    """A file beside each, and with `combined = false` only those; sums of sums are not made."""
    shop = Shop(tmp_path)
    found = sums(shop, '[checksums]\nalgorithms = ["sha256", "sha512"]\nsingle = true\ncombined = false\n')
    assert {f"{name}.{a}": line(shop.dist / name, a) for name in ASSETS for a in ("sha256", "sha512")} == found


def test_neither(tmp_path: Path) -> None:
    """Nothing wanted, nothing made."""
    assert {} == sums(Shop(tmp_path), "[checksums]\ncombined = false\n")


def test_needs_every_step_before(tmp_path: Path) -> None:
    """The plan says of what: every step of the makers before it, and no other sums."""
    plan = Shop(tmp_path).whole('[checksums]\nalgorithms = ["sha256", "sha512"]\n')
    others = {step.spec.id for step in plan.steps if not step.spec.needs_all}
    assert {frozenset(others)} == {frozenset(step.spec.needs) for step in plan.steps if step.spec.needs_all}


def test_problems_of_several_makers_come_at_once(tmp_path: Path) -> None:
    """A glob for archives and a submodule for the sources: one run tells both."""
    with pytest.raises(ConfigError) as caught:
        Shop(tmp_path, files={**FILES, "sub": (SUBMODULE, b"")}).whole('[package.pulse.archive]\nman = ["*.1"]\n')
    assert ["package.pulse.archive.man", "project.source_archive"] == [p.path for p in caught.value.problems]
