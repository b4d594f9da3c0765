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


@pytest.mark.parametrize(
    ("code", "printed", "what", "hint"),
    [
        (2, "no rule\n\nshipways: failed 1\n", "`make all` ended with status 2", "--shell"),
        (127, "shipways: missing 1\n", "there is no program `make`", ""),
        (1, "sh: cannot create /b/out", "its container ended with status 1", ""),
        (137, "compiling", "its container ended with status 137", "for want of memory"),
    ],
)
def test_end_of_a_script(code: int, printed: str, what: str, hint: str) -> None:
    """The command that failed is named; where none did, only a killed container is guessed to have lacked memory."""
    (problem,) = PLAN.error(code, printed).problems
    assert ("builders/x", what) == (problem.path, problem.what)
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
