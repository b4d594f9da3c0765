"""Archives and sums by the whole program, unpacked and checked by the tools that users have."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Repository
from support import need

pytestmark = pytest.mark.integration

TARGET = "x86_64-unknown-linux-gnu"
FORMATS = ("tar.gz", "tar.xz", "tar.zst", "zip")
CONFIG = f"""
[project]
name = "quiet"
license = "MIT"

[package.quiet]
build = "prebuilt"
version = "1.0.0"

[package.quiet.prebuilt]
files = {{ {TARGET} = "quiet.bin" }}

[checksums]
algorithms = ["sha256", "sha512"]
single = true

[package.quiet.archive]
files = ["README*"]
"""


@pytest.fixture
def quiet(repository: Repository) -> Repository:
    """A project whose one program, `true`, is built elsewhere, and lies in a file that git ignores."""
    repository.write(shipways_dot_toml=CONFIG, _dot_gitignore="/dist/\n*.bin\n", README_dot_md="quiet\n")
    shutil.copyfile("/bin/true", repository.root / "quiet.bin")
    return repository.commit()


def archive(repository: Repository, form: str) -> Path:
    """The one archive in dist/."""
    (found,) = (repository.root / "dist").glob(f"quiet-*-{TARGET}.{form}")
    return found


def set_format(repository: Repository, form: str) -> Repository:
    text = (repository.root / "shipways.toml").read_text()
    repository.file("shipways.toml", text + f'format = "{form}"\n')
    return repository.commit()


@pytest.mark.parametrize("form", FORMATS)
def test_real_tools_unpack_it(quiet: Repository, tmp_path: Path, form: str) -> None:
    """tar, xz, zstd and unzip find one folder with a program that runs, and files of the commit's time."""
    need("tar", "xz", "zstd", "unzip")
    ran = set_format(quiet, form).shipways("release")
    assert 0 == ran.code, ran.err
    path, out = archive(quiet, form), tmp_path / "out"
    out.mkdir()
    argv = ("unzip", "-q", str(path)) if form == "zip" else ("tar", "-xf", str(path))
    subprocess.run(argv, cwd=out, check=True, env=os.environ | {"TZ": "UTC"})
    (top,) = out.iterdir()
    assert path.name == f"{top.name}.{form}"
    assert {"README.md", "quiet"} == {file.name for file in top.iterdir()}
    assert 0 == subprocess.run((str(top / "quiet"),), check=False).returncode
    committed = float(quiet.git("log", "-1", "--format=%ct"))
    assert abs((top / "README.md").stat().st_mtime - committed) < 2


def test_zipinfo(quiet: Repository) -> None:
    """Unix rights, deflated, no extra fields, as Info-ZIP sees it."""
    need("unzip")
    set_format(quiet, "zip").shipways("release")
    done = subprocess.run(("unzip", "-Z", str(archive(quiet, "zip"))), capture_output=True, text=True, check=True)
    rows = [line.split()[:6] for line in done.stdout.splitlines() if line.startswith("-")]
    assert [["-rw-r--r--", "2.0", "unx", "6", "b-", "defN"]] == rows[:1]
    assert ["-rwxr-xr-x"] == [row[0] for row in rows[1:]]


def test_coreutils_check_the_sums(quiet: Repository) -> None:
    """`sha256sum -c` and `sha512sum -c` pass in dist/, for all in one and each by itself; and notice a changed byte."""
    assert 0 == quiet.shipways("release").code
    dist = quiet.root / "dist"
    for algorithm in ("sha256", "sha512"):
        files = [*dist.glob(f"*-{algorithm.upper()}SUMS"), *dist.glob(f"*.{algorithm}")]
        assert 4 == len(files)  # of all, and of archive, bill of materials and source
        for file in files:
            subprocess.run((f"{algorithm}sum", "--check", "--strict", "--quiet", file.name), cwd=dist, check=True)
    with archive(quiet, "tar.gz").open("r+b") as stream:
        stream.write(b"x")
    (combined,) = dist.glob("*-SHA256SUMS")
    done = subprocess.run(("sha256sum", "--check", combined.name), cwd=dist, capture_output=True, check=False)
    assert 1 == done.returncode


@pytest.mark.parametrize("form", FORMATS)
def test_equal_bytes_whatever_the_process(quiet: Repository, tmp_path: Path, form: str) -> None:
    """Another folder, store, hash seed, time zone and locale: the same manifest to the byte."""
    set_format(quiet, form).shipways("release", env={"PYTHONHASHSEED": "1"})
    other = Repository(tmp_path / "deep" / "er", tmp_path / "other")
    other.git("pull", "--quiet", str(quiet.root), "main")
    shutil.copyfile(quiet.root / "quiet.bin", other.root / "quiet.bin")
    env = {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "LC_ALL": "C", "COLUMNS": "40"}
    assert 0 == other.shipways("release", env=env).code
    assert (quiet.root / "dist/manifest.json").read_bytes() == (other.root / "dist/manifest.json").read_bytes()


def test_disk_that_fills_up(quiet: Repository) -> None:
    """An archive that the disk does not take: exit 4, the reason, and neither a half archive nor its sums."""
    need("prlimit")
    with (quiet.root / "quiet.bin").open("ab") as stream:
        stream.write(b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(20_000)))
    assert 0 == quiet.shipways("build").code
    shutil.rmtree(quiet.root / "dist")
    done = subprocess.run(
        ("prlimit", "--fsize=500000", sys.executable, "-m", "shipways", "release"),
        cwd=quiet.root,
        env=os.environ | {"XDG_CACHE_HOME": str(quiet.cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 4 == done.returncode, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert ["report.html"] == [path.name for path in (quiet.root / "dist").iterdir()]
    assert not [*quiet.cache.glob("**/tmp/run-*")]


def test_glob_that_matches_nothing(quiet: Repository) -> None:
    """Exit 2 with the key, before anything is built."""
    text = (quiet.root / "shipways.toml").read_text()
    quiet.file("shipways.toml", text.replace("README*", "NEWS"))
    ran = quiet.commit().shipways("release")
    assert 2 == ran.code
    assert "package.quiet.archive.files: no file matches NEWS" in ran.err


@pytest.fixture
def huge(quiet: Repository) -> Iterator[Repository]:
    """The same with a program of 2 GB; its gigabytes are gone after the test."""
    with (quiet.root / "quiet.bin").open("r+b") as stream:
        stream.truncate(2 << 30)
    yield quiet
    for folder in (quiet.root, quiet.cache):
        shutil.rmtree(folder)


MEASURE = """
import resource, subprocess, sys
code = subprocess.run((sys.executable, "-m", "shipways", "release"), check=False).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.long
@pytest.mark.parametrize("form", FORMATS)
def test_two_gigabytes(huge: Repository, form: str) -> None:
    """A program of 2 GB is taken, looked into, archived, summed and delivered in less than 150 MB of memory."""
    set_format(huge, form)
    env = os.environ | {"XDG_CACHE_HOME": str(huge.cache)}
    done = subprocess.run(
        (sys.executable, "-c", MEASURE), cwd=huge.root, env=env, stdout=subprocess.PIPE, text=True, check=True
    )
    code, kilobytes = map(int, done.stdout.split())
    assert 0 == code
    assert kilobytes < 150_000
    assert archive(huge, form).stat().st_size > 1000


@pytest.mark.slow
def test_interrupted_while_archiving(quiet: Repository) -> None:
    """Ctrl-C in the midst of a big archive is followed at once, and leaves nothing half written."""
    with (set_format(quiet, "tar.xz").root / "quiet.bin").open("r+b") as stream:
        stream.truncate(512 << 20)  # seconds to archive
    with subprocess.Popen(
        (sys.executable, "-m", "shipways", "release", "--log", "plain"),
        cwd=quiet.root,
        env=os.environ | {"XDG_CACHE_HOME": str(quiet.cache)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any("start   bundle/archive" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        assert 130 == process.wait(timeout=60)
    assert time.monotonic() - begin < 5
    assert not [*(quiet.root / "dist").glob("*")]
    assert not [*quiet.cache.glob("**/tmp/run-*")]
