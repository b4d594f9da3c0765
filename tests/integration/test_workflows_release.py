"""release.yml from a tag to what is public, job by job, each on a machine of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox import Repository
from support import need
from working import commands, demo, read, texts

pytestmark = pytest.mark.integration

PACKAGES = "abc"
NOXFILE = f"""
import nox

@nox.session(venv_backend="none")
def plan(session):
    session.run({sys.executable!r}, "-m", "shipways", "plan", *session.posargs, external=True)

@nox.session(venv_backend="none")
def build(session):
    session.run({sys.executable!r}, "-m", "shipways", "build", *session.posargs, external=True)

@nox.session(venv_backend="none")
def release(session):
    session.run({sys.executable!r}, "-m", "shipways", "release", *session.posargs, external=True)
"""
TAG = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REF_TYPE": "tag",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REF_NAME": "v1.0.0",
    "CI": "true",
    "SHIPWAYS_PUBLISH": "false",
    "SHIPWAYS_CREATE_TAG": "false",
}
BY_HAND = {
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_EVENT_NAME": "workflow_dispatch",
    "GITHUB_REF_NAME": "main",
    "SHIPWAYS_PUBLISH": "true",
    "SHIPWAYS_CREATE_TAG": "true",
    "GIT_COMMITTER_NAME": "somebody",
    "GIT_COMMITTER_EMAIL": "1+somebody@localhost",
}
"""What is another one in the jobs of a run that somebody has started by hand."""


def config(public: Path) -> str:
    """Three packages for two machines, and a folder that they go to. One of what they make is a program."""
    packages = "".join(
        f'[package.{name}]\nbuild = "command"\nversion = "1.0.0"\n'
        f'command = {{ run = [["sh", "-c", "echo {name} > $0/{name}.txt && chmod +x $0/{name}.txt", "{{out}}"]], '
        f'outputs = ["{name}.txt"] }}\n'
        for name in PACKAGES
    )
    engine = '[engine]\nrelease = "host"\nuse = "host"\nshards = 2\n'
    tables = f'[workflows]\ncreate_tag = true\n[publish.files]\nfolder = "{public}"\n'
    return f'[project]\nname = "many"\n{engine}{tables}{packages}'


def job(origin: Repository, root: Path, line: str, env: dict[str, str], dist: Path | None = None) -> Path:
    """Run the line of a job in a clone, with what it has downloaded as its dist/; where that is afterwards."""
    subprocess.run(["git", "clone", "-q", str(origin.root), str(root)], check=True)
    if dist:
        shutil.copytree(dist, root / "dist")
    env = {**os.environ, **TAG, "XDG_CACHE_HOME": str(root.with_suffix(".cache")), **env}
    done = subprocess.run(["sh", "-c", line], cwd=root, env=env, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return root / "dist"


def upload(dist: Path, place: Path) -> None:
    """As actions/upload-artifact does, which forgets the modes of files."""
    for path in sorted(path for path in dist.rglob("*") if path.is_file()):
        (place / path.relative_to(dist)).parent.mkdir(parents=True, exist_ok=True)
        (place / path.relative_to(dist)).write_bytes(path.read_bytes())


def built(repository: Repository, tmp_path: Path, lines: dict[str, str], more: dict[str, str]) -> Path:
    """What the shards that the plan tells have handed over, each in a folder of its own; the page shows the plan."""
    outputs, summary, downloads = (tmp_path / name for name in ("outputs", "summary", "downloads"))
    env = {"GITHUB_OUTPUT": str(outputs), "GITHUB_STEP_SUMMARY": str(summary), **more}
    job(repository, tmp_path / "plan", lines["plan"], env)
    assert {"a.txt", "b.txt", "c.txt", "```"} <= set(summary.read_text().split())
    name, _, value = outputs.read_text().strip().partition("=")
    assert "shards" == name
    shards = json.loads(value)
    assert [("1/2", "ubuntu-latest"), ("2/2", "ubuntu-latest")] == [(each["shard"], each["runner"]) for each in shards]
    for index, each in enumerate(shards):
        made = job(repository, tmp_path / f"build-{index}", lines["build"], {"SHIPWAYS_SHARD": each["shard"], **more})
        upload(made, downloads / f"shard-{index}")
    return downloads


def written(repository: Repository, public: Path) -> dict[str, str]:
    """The line of each job of a project that is committed, and not tagged."""
    need("nox")
    repository.file("shipways.toml", config(public))
    repository.file("noxfile.py", NOXFILE)
    repository.file(".gitignore", "/dist/\n.nox/\n__pycache__/\n")
    repository.commit()
    workflow: Any = read(texts(demo(config(public)))[".github/workflows/release.yml"])
    return {name: commands(each)[-1] for name, each in workflow["jobs"].items()}


def test_by_hand(repository: Repository, tmp_path: Path) -> None:
    """Started by hand, the same jobs tag the commit and release it; another run finishes what one has left staged."""
    public = tmp_path / "public"
    lines = written(repository, public)
    downloads = built(repository, tmp_path, lines, BY_HAND)
    assert "" == repository.git("tag", "--list")
    job(repository, tmp_path / "release", lines["release"], BY_HAND, downloads)
    assert repository.git("rev-parse", "HEAD") == repository.git("rev-parse", "v1.0.0^{commit}")
    assert "somebody" == repository.git("for-each-ref", "--format=%(taggername)", "refs/tags/v1.0.0")
    manifest = public / "many" / "v1.0.0" / "manifest.json"
    staged = public / "many" / "staged" / "v1.0.0" / "manifest.json"
    staged.parent.mkdir(parents=True, exist_ok=True)
    manifest.rename(staged)
    env = {**BY_HAND, "SHIPWAYS_TAG": "v1.0.0", "SHIPWAYS_PUBLISH": "", "SHIPWAYS_CREATE_TAG": ""}
    job(repository, tmp_path / "finish", lines["finish"], env)
    assert staged.read_bytes() == manifest.read_bytes()


def test_from_tag_to_public(repository: Repository, tmp_path: Path) -> None:
    """S0-24, S0-AC8: the plan tells the machines, each builds its shard, the last publishes what one machine would."""
    public = tmp_path / "public"
    lines = written(repository, public)
    repository.git("tag", "v1.0.0")
    downloads = built(repository, tmp_path, lines, {})
    assert not public.exists()
    dist = job(repository, tmp_path / "release", lines["release"], {}, downloads)
    there = public / "many" / "v1.0.0"
    assert {f"{letter}.txt" for letter in PACKAGES} <= {path.name for path in there.iterdir()}
    one = repository.shipways("release", env=TAG)
    assert 0 == one.code, one.err
    bytes_of_one = (repository.root / "dist" / "manifest.json").read_bytes()
    assert bytes_of_one == (dist / "manifest.json").read_bytes() == (there / "manifest.json").read_bytes()
