"""Rendered workflows as GitHub reads them, for the tests of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from shipways.config.load import parse
from shipways.config.schema import Config
from shipways.workflows import github
from support import facts

ROOT = Path(__file__).parent.parent
DEMO = """
[project]
name = "demo"
repository = "example/demo"
branch = "trunk"

[package.demo]
build = "go"
tag = "demo-v{version}"
secrets = ["MODULES_TOKEN"]

[package.lib]
build = "python"
path = "lib"

[image.demo]
package = "demo"
repositories = ["ghcr.io/example/demo", "docker.io/example/demo"]

[formula.demo]
package = "demo"
description = "Shows something"
test = [{ run = ["demo"] }]

[publish.github]
[publish.pypi]
[publish.registry]

[publish.attest]
signer = "sigstore"
identity = "https://github.com/example/demo/.github/workflows/release.yml@refs/tags/{tag}"
issuer = "https://token.actions.githubusercontent.com"

[publish.crates]
registry = "my-own"

[publish.homebrew]
tap = "example/homebrew-tap"

[workflows]
timeout = "90m"

[workflows.job.lint]
timeout = "90s"

[workflows.job.tests]
arguments = ["--engine", "host"]
pythons = ["3.11", "3.14"]
runners = ["ubuntu-latest", "macos-latest", "windows-latest"]
"""
"""A project whose release needs something of everything."""
TAGGING = DEMO.replace("[workflows]\n", "[workflows]\ncreate_tag = true\n").replace("tags/{tag}", "heads/trunk")
"""The same, with releases that somebody starts by hand, that make their tags, and that are signed at a branch."""

SMALL = '[project]\nname = "p"\n[package.p]\nbuild = "go"\n[workflows]\n'
OURS = parse((ROOT / "pyproject.toml").read_text(), "pyproject.toml")


def demo(text: str = DEMO) -> Config:
    """A config of this text."""
    return parse(text, "shipways.toml")


def texts(config: Config) -> dict[str, str]:
    """The rendered files by their paths."""
    return {file.path: file.text for file in github.rendered(config, facts())}


def read(text: str) -> Any:
    """What GitHub reads; YAML 1.1 takes the key `on` for true."""
    found = yaml.safe_load(text)
    return {"on" if key is True else key: value for key, value in found.items()}


def ci_and_release(config: Config) -> tuple[Any, Any]:
    """Both workflows, read."""
    found = texts(config)
    return read(found[".github/workflows/ci.yml"]), read(found[".github/workflows/release.yml"])


def every(config: Config) -> list[Any]:
    """All workflows, read."""
    return [read(text) for text in texts(config).values()]


def jobs(*workflows: Any) -> Iterator[tuple[str, Any]]:
    """All jobs with their names."""
    return ((name, job) for workflow in workflows for name, job in workflow["jobs"].items())


def commands(job: Any) -> list[str]:
    """What a job runs in a shell."""
    return [step["run"] for step in job["steps"] if "run" in step]
