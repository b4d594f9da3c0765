"""tests/projects/cdsagent: its three programs, built once, and running on ports of the test's own."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registries import running
from sandbox import Repository
from support import need

PROJECT = Path(__file__).parent / "projects" / "cdsagent"
TARGET = "x86_64-unknown-linux-gnu"
KEY = "sk-do-not-show-4711"
_LEFT = shutil.ignore_patterns("target", "dist", "node_modules", "volumes")


@dataclass(frozen=True)
class Programs:
    """Where they are. `repository` is the one that shipways has built the agent in."""

    index: Path
    cds: Path
    agent: Path
    repository: Repository

    def told(
        self, program: Path, *words: str, env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """What a program says, with these variables and the PATH alone."""
        mine = {"PATH": os.environ["PATH"], **(env or {})}
        argv = (str(program), *words)
        return subprocess.run(argv, env=mine, capture_output=True, text=True, check=False, timeout=30, input="")

    def defaults(self, program: Path) -> dict[str, str]:
        """Every variable that a program reads, and its value where it is not set."""
        done = self.told(program, "--defaults")
        assert 0 == done.returncode, done.stderr
        return dict(line.split("=", 1) for line in done.stdout.splitlines())


def copied(folder: Path) -> Repository:
    """The project in a repository of its own."""
    shutil.copytree(PROJECT, folder, ignore=_LEFT)
    return Repository(folder, folder.with_suffix(".cache")).commit()


def built(folder: Path, kept: Path, tools: Path) -> Programs:
    """Those in Rust by cargo, which keeps what it compiles in `kept`; the agent by shipways."""
    need("cargo")
    env = os.environ | {"CARGO_TARGET_DIR": str(kept), "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_INCREMENTAL": "0"}
    subprocess.run(("cargo", "build", "--locked", "--quiet"), cwd=PROJECT, env=env, check=True, timeout=600)
    repository = copied(folder / "cdsagent").share(tools)
    ran = repository.shipways("build", "--step", f"builders/cds-agent/{TARGET}")
    assert 0 == ran.code, ran.err
    agent = repository.root / "dist" / "bin" / f"cds-agent-{TARGET}" / "cds-agent"
    return Programs(kept / "debug" / "cds-index", kept / "debug" / "cds", agent, repository)


@contextlib.contextmanager
def serving(program: Path, log: Path, env: Mapping[str, str]) -> Iterator[str]:
    """A program that serves, with these variables; its address, as the first line of its log says it."""
    mine = {"CDS_PORT": "0", "CDS_AGENT_PORT": "0", **env}
    with running((str(program),), log, lambda: "listening" in log.read_text(), env=mine):
        found = re.search(r'address"?[=:]"?([\d.]+:\d+)', log.read_text())
        assert found, log.read_text()
        yield found[1]


@contextlib.contextmanager
def index(programs: Programs, folder: Path, *, ready: bool = True, **env: str) -> Iterator[str]:
    """The index, with its folders below this one, from when it is ready; or else from when it listens."""
    places = {"CDS_GRAPH_INDEX": str(folder / "graph_index"), "CDS_BM25_INDEX": str(folder / "bm25_index")}
    with serving(programs.index, folder / "index.log", places | env) as address:
        while ready and ask(address, "/health")[0] != 200:
            time.sleep(0.02)
        yield address


def ask(address: str, path: str, body: object = None) -> tuple[int, Any]:
    """The status and the JSON, or the text, of an answer; a POST where there is a body."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(f"http://{address}{path}", data, timeout=30) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    return status, json.loads(text) if text.startswith("{") else text
