"""Small projects that integration tests start from."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aisopods import build as build_aisopod
from cdsagent import Programs, built
from pypis import PUBLISHER, Harbour
from sandbox import Repository, commanded
from shipways.rehearse.faults import Faulty
from shipways.rehearse.serving import served
from wheelhouse import build


@pytest.fixture(scope="session")
def aisopod_program(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """aisopod, built for this machine."""
    return build_aisopod(
        pytestconfig.cache.mkdir("aisopod") if pytestconfig.cache else tmp_path_factory.mktemp("cargo")
    )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository."""
    return Repository(tmp_path / "repository", tmp_path / "cache")


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For `Repository.share`: a toolchain is unpacked once, and a language's library is compiled once for a target.

    All processes of one run share it, as all runs of a user share theirs.
    """
    top = tmp_path_factory.getbasetemp()
    place = (top.parent if "PYTEST_XDIST_WORKER" in os.environ else top) / "tools"
    place.mkdir(exist_ok=True)
    return place


@pytest.fixture(scope="session")
def cdsagent(tools: Path, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """The three programs of the project, built for this machine."""
    folder = tmp_path_factory.mktemp("cdsagent")
    return built(folder, pytestconfig.cache.mkdir("cdsagent") if pytestconfig.cache else folder / "target", tools)


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A clone of this repository, with the sdist and the wheel of its own release in dist/."""
    return build(tmp_path_factory.mktemp("distributions"))


@pytest.fixture
def hello(repository: Repository) -> Repository:
    """A committed project whose build is a shell script that writes what it sees."""
    repository.file("shipways.toml", commanded("sh", "build.sh", "{out}", "{version}"))
    repository.file(".gitignore", "/dist/\nignored\n")
    repository.file("build.sh", 'cat greeting > "$1/hello.txt"\necho "$2" >> "$1/hello.txt"\n')
    repository.file("greeting", "hello\n")
    return repository.commit()


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """The folder that releases go to."""
    return tmp_path / "mirror"


@pytest.fixture
def project(hello: Repository, mirror: Path) -> Repository:
    """A small project with a channel."""
    text = (hello.root / "shipways.toml").read_text()
    hello.file("shipways.toml", f'{text}\n[publish.files]\nfolder = "{mirror}"\n')
    return hello.commit()


@pytest.fixture
def harbour(tmp_path: Path) -> Iterator[Harbour]:
    """An index that has one token, for the project hello."""
    made = Harbour(tmp_path)
    made.env["SHIPWAYS_PYPI_TOKEN"] = made.index.token("hello")
    with served(Faulty(made.index.app, made.choose, made.traffic)) as made.url:
        yield made


@pytest.fixture
def trusted(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> Harbour:
    """A job of a CI that says who it is, and a project that trusts it. There is no token."""
    harbour.env.clear()
    for name, value in harbour.index.identity.environment(harbour.url).items():
        monkeypatch.setenv(name, value)
    harbour.index.publishers.append(PUBLISHER)
    return harbour
