"""What `shipways test` runs, and where."""

import pytest

from shipways.config.load import parse
from shipways.errors import ConfigError
from shipways.model.build import Build
from shipways.pipeline.makers import MAKERS
from shipways.run import planner
from shipways.run.testing import test_builds as builds_of
from support import facts

CONFIG = """
[project]
name = "p"

[package.tool]
build = "command"
image = "docker.io/library/tool:1"
secrets = ["TOKEN"]
test = ["sh", "test.sh"]
command = { run = [["sh", "build.sh"]], outputs = ["*"], tools = ["go"] }

[package.files]
build = "prebuilt"
image = "docker.io/library/files:1"
prebuilt = { files = { x86_64-unknown-linux-gnu = "p" } }
test = ["sh", "test.sh"]

[package.none]
build = "command"
command = { run = [["true"]], outputs = ["x"] }
"""


def builds(*packages: str) -> dict[str, Build]:
    """The builds of these packages, by name."""
    config = parse(CONFIG, "shipways.toml")
    given = facts(tool="1.0.0", files="1.0.0", none="1.0.0")
    plan = planner.plan(config, given, MAKERS, snapshot=True)
    return {build.name: build for build in builds_of(config, given, plan, packages)}


def test_surroundings_of_the_build() -> None:
    """The tests of a package have the image, the tools and the secrets of its build, and no outputs."""
    found = builds()
    assert {"test/tool", "test/files"} == set(found)
    tool = found["test/tool"]
    assert ("docker.io/library/tool:1", ["go"], ("TOKEN",), (), (("sh", "test.sh"),)) == (
        tool.image,
        [each.name for each in tool.tools],
        tool.secrets,
        tool.outputs,
        tool.commands,
    )


def test_package_without_a_program() -> None:
    """A package that nothing builds is tested in its image too."""
    assert "docker.io/library/files:1" == builds("files")["test/files"].image


@pytest.mark.parametrize(("name", "what"), [("none", "is not set"), ("nobody", "there is no such package")])
def test_package_without_tests(name: str, what: str) -> None:
    """Asked for by name, it is an error."""
    with pytest.raises(ConfigError, match=f"package.{name}.test: {what}"):
        builds(name)
