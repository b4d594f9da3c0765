"""What the end of a container is told as."""

import pytest

from shipways.adapters.dagger.engine import refused
from shipways.adapters.dagger.jobs import Answer
from shipways.adapters.dagger.script import Plan
from shipways.model.build import Build
from shipways.model.source import SourceTree

BUILD = Build(
    name="builders/x",
    tools=(),
    source=SourceTree(files=()),
    commands=(("true",), ("make", "all")),
    outputs=("x",),
    image="tools:1",
)
PLAN = Plan(build=BUILD, root="/b", places={}, path=(), env={})


@pytest.mark.parametrize(("code", "hint"), [(1, ""), (137, "for want of memory")])
def test_container_that_ended(code: int, hint: str) -> None:
    """Where no command is to blame, only of a killed container is it said that it may have lacked memory."""
    (problem,) = PLAN.error(code, "sh: cannot create /b/out").problems
    assert f"its container ended with status {code}" == problem.what
    assert hint in problem.hint
    assert bool(hint) == bool(problem.hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("no match for platform in manifest: not found", ""),
        ("write /x: no space left on device", "local-cache prune"),
        ("the engine could not keep how the command ended, as on a full disk", "local-cache prune"),
    ],
)
def test_what_an_engine_cannot_run(text: str, hint: str) -> None:
    """The engine's words; a full disk gets a way out."""
    (problem,) = refused("x", Answer(number=1, state="refused", text=text)).problems
    assert text == problem.why
    assert hint in problem.hint
    assert bool(hint) == bool(problem.hint)
