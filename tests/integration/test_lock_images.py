"""`shipways lock` and the images that builds run in: from a mirror, and without one."""

from collections.abc import Iterator

import pytest

from imaging import packed, stacked
from registries import LocalRegistry, local_registry
from sandbox import Ran, Repository
from shipways.config.lockfile import parse_lock
from shipways.model.digest import digest_bytes
from shipways.testing.images import documents
from support import need

pytestmark = pytest.mark.integration

TOOLS, ALPINE = "docker.io/library/tools:1.2-bookworm", "alpine:3"
IMAGES = {
    name: {f"linux/{arch}": stacked(packed({name: b"x"}), arch=arch) for arch in ("amd64", "arm64")}
    for name in (TOOLS, ALPINE)
}
CONFIG = f"""
[project]
name = "hello"
source_archive = false

[package.hello]
build = "command"
version = "1.0.0"
image = "{TOOLS}"
command = {{ run = [["true"]], outputs = ["x"] }}

[package.other]
build = "command"
version = "1.0.0"
tag = "other-v{{version}}"
image = "./ci/Dockerfile"
command = {{ run = [["true"]], outputs = ["y"] }}
"""
DOCKERFILE = "ARG V=3\nFROM alpine:$V AS base\nRUN true\nFROM base\n"
NOBODY = "127.0.0.1:1"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    """A mirror that has both images below hub/."""
    need("docker-registry")
    with local_registry(tmp_path_factory.mktemp("mirror")) as started:
        started.push(f"{started.host}/hub/library/tools:1.2-bookworm", IMAGES[TOOLS])
        started.push(f"{started.host}/hub/library/alpine:3", IMAGES[ALPINE])
        yield started


@pytest.fixture
def project(repository: Repository) -> Repository:
    """Builds in an image of docker.io, and in one of a Dockerfile upon another; not locked."""
    repository.file("shipways.toml", CONFIG)
    repository.file("ci/Dockerfile", DOCKERFILE)
    return repository.commit()


def lock(project: Repository, mirror: str, *words: str, engine: str = "") -> Ran:
    return project.shipways("lock", *words, env={"SHIPWAYS_ENGINE": engine, "SHIPWAYS_MIRROR": mirror})


def locked(project: Repository) -> dict[str, str]:
    """Digests of images by name."""
    return {image.name: image.digest for image in parse_lock((project.root / "shipways.lock").read_text()).images}


WHOLE = {name: digest_bytes(documents(platforms)[-1]) for name, platforms in IMAGES.items()}


@pytest.mark.parametrize("engine", ["", "auto", "dagger"])
def test_images_come_from_the_mirror(project: Repository, mirror: LocalRegistry, engine: str) -> None:
    """They are locked under the names of the config and the Dockerfile, once; then nobody is asked."""
    ran = lock(project, f"{mirror.host}/hub", engine=engine)
    assert (0, "wrote shipways.lock; commit it\n") == (ran.code, ran.out), ran.err
    assert WHOLE == locked(project)
    again = lock(project, NOBODY, "--engine", "dagger")
    assert (0, "shipways.lock is up to date\n") == (again.code, again.out), again.err


def test_mirror_of_the_config(project: Repository, mirror: LocalRegistry) -> None:
    """engine.mirror does the same as the variable."""
    project.file("shipways.toml", f'{CONFIG}\n[engine]\nuse = "dagger"\nmirror = "{mirror.host}/hub"\n')
    assert 0 == lock(project, "").code
    assert WHOLE == locked(project)


def test_nothing_listens_at_the_mirror(project: Repository) -> None:
    """It is a warning for each image, unless builds are by Dagger: then exit 3. The rest is written."""
    ran = lock(project, NOBODY)
    assert (0, "wrote shipways.lock; commit it\n") == (ran.code, ran.out), ran.err
    for name in WHOLE:
        assert f"warning: could not lock {name}, which builds by Dagger need" in ran.err
    assert f"{NOBODY} is asked in place of docker.io" in ran.err
    ran = lock(project, NOBODY, "--engine", "dagger")
    assert 3 == ran.code
    assert f"error: {TOOLS}: {NOBODY}/library/tools cannot be fetched" in ran.err
    assert {} == locked(project)
    assert 0 == project.shipways("check").code


def test_mirror_that_does_not_have_it(project: Repository, mirror: LocalRegistry) -> None:
    """The same with a name that stands for nothing there, except that it is exit 2. docker.io is not asked."""
    ran = lock(project, mirror.host)
    assert 0 == ran.code, ran.err
    assert f"could not lock {TOOLS}, which builds by Dagger need\n{TOOLS}: there is no such image" in ran.err
    ran = lock(project, mirror.host, engine="dagger")
    assert 2 == ran.code
    assert f"error: {TOOLS}: there is no such image\n  why: {mirror.host} is asked in place of docker.io" in ran.err


def test_host_asks_for_none(project: Repository, mirror: LocalRegistry) -> None:
    """What is locked stays while the config names it, with an upgrade that reaches nobody too."""
    ran = lock(project, NOBODY, engine="host")
    assert (0, "") == (ran.code, ran.err)
    assert {} == locked(project)
    assert 0 == lock(project, f"{mirror.host}/hub").code
    for words, engine in (((), "host"), (("--upgrade",), "host"), (("--upgrade",), "auto")):
        assert 0 == lock(project, NOBODY, *words, engine=engine).code
        assert WHOLE == locked(project)
    project.file("ci/Dockerfile", "FROM scratch\n")
    assert 0 == lock(project, NOBODY, engine="host").code
    assert [TOOLS] == list(locked(project))


@pytest.mark.parametrize(
    ("dockerfile", "told"),
    [
        ("ARG V\nFROM alpine:$V\n", "error: ci/Dockerfile: the image of FROM alpine:$V is not known"),
        (None, "ci/Dockerfile: cannot be read"),
    ],
)
def test_dockerfile_that_tells_no_image(project: Repository, dockerfile: str | None, told: str) -> None:
    """`lock` and `check` say so, with exit 2."""
    place = project.root / "ci/Dockerfile"
    place.unlink() if dockerfile is None else place.write_text(dockerfile)
    for ran in (lock(project, NOBODY), project.shipways("check")):
        assert 2 == ran.code
        assert told in ran.err


def test_check_with_dagger(project: Repository) -> None:
    """A project that says it builds by Dagger needs its images locked."""
    assert 0 == lock(project, NOBODY).code
    assert 0 == project.shipways("check").code
    project.file("shipways.toml", f'{CONFIG}\n[engine]\nuse = "dagger"\n')
    ran = project.shipways("check")
    assert 2 == ran.code
    assert f"error: {TOOLS}: is an image without a digest in the lock" in ran.err


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"SHIPWAYS_MIRROR": "https://mirror.example.com"}, "SHIPWAYS_MIRROR: expected HOST[:PORT][/PREFIX]"),
        ({"SHIPWAYS_ENGINE": "docker"}, "'docker' is not one of 'auto', 'host', 'dagger'"),
    ],
)
def test_wrong_variables(project: Repository, env: dict[str, str], told: str) -> None:
    """Exit 2, with what is expected."""
    ran = project.shipways("lock", env=env)
    assert 2 == ran.code
    assert told in ran.err
