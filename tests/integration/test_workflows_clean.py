"""The jobs of rendered workflows where there is nothing but Debian, Python and git, and on this machine."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cleanroom import Room, room
from sandbox import Ran, Repository
from shipways import __version__
from shipways.config.load import parse
from shipways.render.text import render
from shipways.workflows.jobs import workflows
from shipways.workflows.local import environment, find, named
from support import need
from wheelhouse import Wheelhouse, wheelhouse
from working import OURS, ROOT, commands, demo, read, texts

pytestmark = [pytest.mark.integration, pytest.mark.long]

HELLO = """
[project]
name = "hello"
repository = "example/hello"
source_archive = false

[engine]
release = "host"

[package.hello]
build = "command"
version = "1.0.0"
test = ["sh", "-c", "test -f build.sh"]

[package.hello.command]
run = [["sh", "build.sh", "{out}", "{version}"]]
outputs = ["*.txt"]

[publish.github]
[workflows]
"""
HANDED = {"SHIPWAYS_SHARD": "1/1"}
"""What the matrix says, for one machine."""


@pytest.fixture(scope="module")
def clean(pytestconfig: pytest.Config) -> Iterator[Room]:
    """Where jobs run as on a runner."""
    assert pytestconfig.cache
    with room(pytestconfig.cache.mkdir("images")) as made:
        yield made


@pytest.fixture(scope="module")
def house(distributions: Repository, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wheelhouse]:
    """An index with shipways, which the sessions of a user's noxfile install."""
    with wheelhouse(distributions, tmp_path_factory.mktemp("house")) as made:
        yield made


def clone(origin: Path, folder: Path) -> Repository:
    """A clean clone of what is committed."""
    subprocess.run(["git", "clone", "-q", str(origin), str(folder)], check=True)
    return Repository(folder, folder.parent / "cache")


def steps(text: str) -> list[str]:
    """What sessions did, in order, but for how they got their environment; then what shipways did, some of it at once.

    Each step has a time, whose digits differ.
    """
    text = re.sub(r"successful( in [^.]*)?\.$", "successful", text, flags=re.MULTILINE)
    sessions = re.findall(r"^nox > (?!.*(?:pip install|virtual environment|uv binary)).*", text, re.MULTILINE)
    made = re.findall(r"^  (start|made|cached) +(\S+)(  \d+\.\d s)?$", text, re.MULTILINE)
    return [*sessions, *sorted(f"{what} {step}{' TIME' * bool(time)}" for what, step, time in made)]


@pytest.mark.parametrize("job", ["lint", "check"])
def test_ours(job: str, clean: Room, tmp_path: Path) -> None:
    """The lines of this project's workflow are enough on a clean machine; `ci run` does the same steps on this one."""
    need("nox")
    name, found = find(workflows(OURS), job)
    file, _, short = name.partition("/")
    lines = commands(read((ROOT / f".github/workflows/{file}.yml").read_text())["jobs"][short])
    there = clean.run(clone(ROOT, tmp_path / "there").root, lines, environment(found, os.environ))
    assert 0 == there.code, there.out + there.err
    here = clone(ROOT, tmp_path / "here").shipways("ci", "run", job)
    assert 0 == here.code, here.out + here.err
    assert [f"nox > Running session {found.session}"] == steps(there.err)[:1]
    assert steps(there.err) == steps(here.err)


def test_every_job(clean: Room, house: Wheelhouse, repository: Repository, tmp_path: Path) -> None:
    """Of a user's project, each on a machine of its own: its line in a container, and `ci run` here, step by step.

    The release gets what the build has made, where actions/download-artifact puts it. The third workflow is left out:
    it makes a release again that is on GitHub.
    """
    need("nox")
    repository.write(shipways_dot_toml=HELLO, noxfile_dot_py=render("init/noxfile.py", version=__version__))
    repository.write(build_dot_sh='echo "$2" > "$1/hello.txt"\n', _dot_gitignore="/dist/\n__pycache__/\n")
    for path, text in texts(demo(HELLO)).items():
        repository.file(path, text)
    repository.commit()
    ran = []
    ci, release, _ = workflows(parse(HELLO, "shipways.toml"))
    for name, job in named((ci, release)):
        file, _, short = name.partition("/")
        *_, line = lines = commands(
            read((repository.root / f".github/workflows/{file}.yml").read_text())["jobs"][short]
        )
        assert [f"python -m pip install nox=={lines[0].rpartition('=')[2]}", " ".join(job.command)] == lines
        folders = [checkout(repository, tmp_path, f"{file}-{short}-{side}") for side in ("there", "here")]
        env = environment(job, {**house.env, **HANDED})
        mounts = (f"{shutil.which('uv')}:/usr/local/bin/uv:ro", f"{env['UV_CACHE_DIR']}:{env['UV_CACHE_DIR']}")
        there, here = clean.run(folders[0], lines, env, *mounts), ci_run(house, folders[1], name)
        assert (0, 0) == (there.code, here.code), there.out + there.err + here.out + here.err
        assert f"{name}: {line}\n" in here.err
        assert re.search(rf"^{name}: done in \d+\.\d s$", here.err, re.MULTILINE)
        assert [f"nox > Running session {job.session}"] == steps(there.err)[:1]
        assert steps(there.out + there.err) == steps(here.out + here.err)
        ran.append(name)
    assert ["check", "tests", "plan", "rehearse"] == [name.removeprefix("ci/") for name in ran[:4]]
    assert ["plan", "build", "release", "finish"] == [name.removeprefix("release/") for name in ran[4:]]


def checkout(repository: Repository, folder: Path, name: str) -> Path:
    """A clone for a job; with the files of the build for the release."""
    made = clone(repository.root, folder / name).root
    before = folder / name.replace("release-release", "release-build") / "dist"
    if before.is_dir():
        shutil.copytree(before, made / "dist" / "shard-0")
    return made


def ci_run(house: Wheelhouse, folder: Path, name: str) -> Ran:
    """The same job here, with a store that is as empty as that of a new machine."""
    words = ("uvx", "shipways", "ci", "run", name)
    env = {**house.env, **HANDED, "XDG_CACHE_HOME": str(folder.with_suffix(".cache"))}
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=900)
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr)
