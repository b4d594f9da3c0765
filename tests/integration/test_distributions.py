"""What the index gets of this project itself: complete, and nothing else."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox import Repository
from shipways import __version__
from shipways.model.digest import digest_bytes

pytestmark = [pytest.mark.integration, pytest.mark.slow]

DIRECT = """
[project]
name = "shipways"
source_archive = false

[package.shipways]
build = "python"
python.sdist = false
"""


def tracked(repository: Repository, *paths: str) -> dict[str, bytes]:
    """What is committed, by path; git alone knows it."""
    names = repository.git("ls-files", "--", *paths).splitlines()
    return {name: (repository.root / name).read_bytes() for name in names}


def one(repository: Repository, pattern: str) -> Path:
    """The one file in dist/."""
    (found,) = (repository.root / "dist").glob(pattern)
    return found


def package(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What of a wheel is not about the wheel."""
    return {name: data for name, data in files.items() if ".dist-info/" not in name}


def summed(files: Mapping[str, bytes]) -> dict[str, str]:
    """Their digests: what differs is told by its name, and not by megabytes."""
    return {name: digest_bytes(data) for name, data in files.items()}


def test_wheel(distributions: Repository) -> None:
    """Every committed file of the package, byte by byte, with manual pages and completions; no others."""
    with zipfile.ZipFile(one(distributions, "*.whl")) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    code = tracked(distributions, "ci/shipways")
    hatch = tomllib.loads((distributions.root / "pyproject.toml").read_text())["tool"]["hatch"]
    data = hatch["build"]["targets"]["wheel"]["shared-data"]
    shared = {f"shipways-{__version__}.data/data/{there}": here for here, there in data.items()}
    expected = {name.removeprefix("ci/"): text for name, text in code.items()}
    expected |= {there: (distributions.root / here).read_bytes() for there, here in shared.items()}
    assert summed(expected) == summed(package(files))
    about = {name.partition(".dist-info/")[2] for name in files.keys() - package(files).keys()}
    assert {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"} == about
    for name in ("py.typed", "config/reference.toml", "workflows/pins.toml", "schemas/config.json"):
        assert f"shipways/{name}" in files


def test_sdist(distributions: Repository) -> None:
    """The same, and what a wheel is built of; no tests, no caches."""
    with tarfile.open(one(distributions, "*.tar.gz")) as archive:
        files = {
            entry.name.partition("/")[2]: stream.read()
            for entry in archive
            if (stream := archive.extractfile(entry)) is not None
        }
    words = ("ci/shipways", "packaging/completions", "packaging/man", "README.md", "LICENSE", "pyproject.toml")
    expected = tracked(distributions, *words)
    assert files.pop("PKG-INFO").startswith(b"Metadata-Version: ")
    assert summed(expected) == summed(files)


def test_index_accepts_them(distributions: Repository) -> None:
    """`twine check --strict` has nothing to say: the index shows the README."""
    files = [str(one(distributions, pattern)) for pattern in ("*.whl", "*.tar.gz")]
    twine = (sys.executable, "-m", "twine", "--no-color", "check", "--strict")
    done = subprocess.run((*twine, *files), capture_output=True, text=True, check=False)
    assert (0, 2) == (done.returncode, done.stdout.count("PASSED")), done.stdout + done.stderr


def test_wheel_without_the_sdist(distributions: Repository, tmp_path: Path) -> None:
    """Built from the sdist or from the repository itself, it is the same wheel."""
    distributions.git("clone", "--quiet", ".", str(tmp_path / "direct"))
    direct = Repository(tmp_path / "direct", distributions.cache)
    direct.file("shipways.toml", DIRECT)
    ran = direct.shipways("build", "--step=builders/shipways/wheel")
    assert 0 == ran.code, ran.err
    assert ("made    builders/shipways/wheel" in ran.err, "sdist" in ran.err) == (True, False), ran.err
    assert one(distributions, "*.whl").read_bytes() == one(direct, "*.whl").read_bytes()
