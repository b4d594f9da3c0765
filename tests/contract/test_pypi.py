"""The stand-in of PyPI is true: real clients work with it, and what it does for the channel a real server does too."""

import base64
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
import trustme
from pypi_simple import ACCEPT_HTML_ONLY, ACCEPT_JSON_ONLY, ProjectPage, PyPISimple
from uv import find_uv_bin

from indexes import Release, hello, metadata, pypiserver, run, states, table, told, wheel
from pypis import PUBLISHER
from shipways.adapters.pypi import SimpleIndex
from shipways.config.publish import PypiTable
from shipways.errors import Moved, Unfinished
from shipways.model.digest import digest_bytes
from shipways.model.outcome import State
from shipways.rehearse.index import PackageIndex
from shipways.rehearse.serving import served

pytestmark = pytest.mark.integration

PASSWORD = "pass-" + "word"
NAME, DATA = wheel("hello", "1.0.0")


@dataclass(frozen=True)
class Place:
    """An index, and what a process needs to upload to it."""

    table: PypiTable
    env: dict[str, str]


@pytest.fixture(params=["stand-in", "pypiserver", "pypiserver md5", "pypiserver login"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The stand-in, and a real server: as it comes, with another kind of digest, and asking who reads."""
    if request.param == "stand-in":
        index = PackageIndex()
        with served(index.app) as url:
            yield Place(table(url), {"SHIPWAYS_PYPI_TOKEN": index.token("hello")})
        return
    sha = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
    (tmp_path / "users").write_text(f"ann:{{SHA}}{sha}\n")
    users = ("-P", str(tmp_path / "users"), "-a")
    words = {
        "pypiserver": (*users, "update"),
        "pypiserver md5": (*users, "update", "--hash-algo", "md5"),
        "pypiserver login": (*users, "update,list,download"),
    }
    with pypiserver(tmp_path / "packages", *words[request.param]) as url:
        yield Place(table(url, uploads="/"), {"TWINE_USERNAME": "ann", "TWINE_PASSWORD": PASSWORD})


@pytest.fixture
def index(place: Place, tmp_path: Path) -> SimpleIndex:
    """The port over each place."""
    return Release(tmp_path, place.table, place.env).index()


def put(tmp_path: Path, index: SimpleIndex, data: bytes = DATA) -> None:
    """Upload a wheel of this name."""
    (tmp_path / NAME).write_bytes(data)
    anyio.run(index.upload, tmp_path / NAME)


def test_absent(index: SimpleIndex) -> None:
    """A project that is not there has no files."""
    assert {} == anyio.run(index.files, "hello", [NAME])


def test_upload(index: SimpleIndex, tmp_path: Path) -> None:
    """A file is there under its name with the digest of its bytes, and can be asked for alone."""
    put(tmp_path, index)
    found = anyio.run(index.files, "hello", [NAME, "hello-2.0.0.tar.gz"])
    assert {NAME: digest_bytes(DATA)} == {name: seen.value for name, seen in found.items()}
    assert NAME in found[NAME].url
    assert {} == anyio.run(index.files, "hello", ["hello-2.0.0.tar.gz"])


def test_other_bytes(index: SimpleIndex, tmp_path: Path) -> None:
    """A name that is taken stays what it is."""
    put(tmp_path, index)
    with pytest.raises(Moved, match="is there by now"):
        put(tmp_path, index, wheel("hello", "1.0.0", metadata("hello", "1.0.0", "Other.\n"))[1])
    assert digest_bytes(DATA) == anyio.run(index.files, "hello", [NAME])[NAME].value


def test_wrong_password(place: Place, tmp_path: Path) -> None:
    """Nothing is stored, and what was sent is not shown."""
    env = place.env | {"SHIPWAYS_PYPI_TOKEN": "canary-5f1d2c"}
    (tmp_path / NAME).write_bytes(DATA)
    with pytest.raises(Unfinished, match="token") as raised:
        anyio.run(Release(tmp_path, place.table, env).index().upload, tmp_path / NAME)
    assert "canary" not in str(raised.value)
    assert {} == anyio.run(Release(tmp_path, place.table, place.env).index().files, "hello", [NAME])


def test_channel(place: Place, tmp_path: Path) -> None:
    """A release, the same again without a write, and the next."""
    (tmp_path / "dist").mkdir()
    first = Release(tmp_path / "dist", place.table, place.env)(hello())
    assert first.error() is None, told(first)
    assert {State.DONE} == set(states(Release(tmp_path / "dist", place.table, place.env)(hello())).values())
    second = Release(tmp_path / "dist", place.table, place.env)(hello("1.1.0"), "1.1.0")
    assert second.error() is None, told(second)


@pytest.fixture
def standin() -> Iterator[tuple[PackageIndex, str]]:
    """The stand-in alone, and its URL."""
    made = PackageIndex()
    with served(made.app) as url:
        yield made, url


def environment(folder: Path) -> dict[str, str]:
    """What a client gets: no settings of this machine's user."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "PIP_CONFIG_FILE": os.devnull, "COLUMNS": "1000"}


@pytest.fixture
def twine(standin: tuple[PackageIndex, str], tmp_path: Path) -> Callable[..., str]:
    """The real command over files; a status is what it must end with."""

    def upload(token: str, files: dict[str, bytes], *words: str, expected: int = 0) -> str:
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
        command = (sys.executable, "-m", "twine", "--no-color", "upload", "--non-interactive", "--verbose", *words)
        login = ("--repository-url", f"{standin[1]}/legacy/", "-u", "__token__", "-p", token)
        return run(*command, *login, *sorted(files), env=environment(tmp_path), cwd=tmp_path, expected=(expected,))

    return upload


def test_twine(standin: tuple[PackageIndex, str], twine: Callable[..., str]) -> None:
    """The real twine uploads, does it again without harm, and is told why a name is taken or used up."""
    index, token = standin[0], standin[0].token("hello")
    twine(token, hello())
    twine(token, hello())
    assert sorted(hello()) == sorted(index.uploads)
    other = dict([wheel("hello", "1.0.0", metadata("hello", "1.0.0", "Other.\n"))])
    assert "File already exists" in twine(token, other, expected=1)
    index.delete(NAME)
    assert "This filename was previously used" in twine(token, {NAME: DATA}, expected=1)


def test_twine_is_refused(standin: tuple[PackageIndex, str], twine: Callable[..., str]) -> None:
    """A token that is none, or for another project: 403."""
    assert "403" in twine("none", {NAME: DATA}, expected=1)
    assert "allowed to upload to project" in twine(standin[0].token("other"), {NAME: DATA}, expected=1)
    assert [] == standin[0].uploads


def test_uv(tmp_path: Path) -> None:
    """The real uv, in a job that says who it is, exchanges that for a token and uploads; a second time it need not."""
    authority, index = trustme.CA(), PackageIndex(publishers=[PUBLISHER])
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, data in hello().items():
        (tmp_path / name).write_bytes(data)
    with served(index.app, certificate=tmp_path / "server.pem") as url:
        identity = index.identity.environment(url) | {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        where = ("--publish-url", f"{url}/legacy/", "--check-url", f"{url}/simple/")
        command = (find_uv_bin(), "publish", "--no-config", "--trusted-publishing", "always", *where, *sorted(hello()))
        for _ in range(2):
            run(*command, env=environment(tmp_path) | identity, cwd=tmp_path)
    assert (sorted(hello()), 2) == (sorted(index.uploads), len(index.used))


def page(url: str, accept: str) -> ProjectPage:
    """A page as a real client of the simple API reads it."""
    with PyPISimple(f"{url}/simple/", accept=accept) as client:
        client.s.trust_env = False
        return client.get_project_page("Hello")


def test_pip(standin: tuple[PackageIndex, str], twine: Callable[..., str], tmp_path: Path) -> None:
    """The real pip installs the newest wheel into a fresh environment, and leaves out what was yanked."""
    index, url = standin
    twine(index.token(), hello() | hello("1.1.0") | hello("1.2.0"))
    index.yanked.add("hello-1.2.0-py3-none-any.whl")
    index.yanked.add("hello-1.2.0.tar.gz")
    env = environment(tmp_path)
    run(sys.executable, "-m", "venv", "fresh", env=env, cwd=tmp_path)
    python = str(tmp_path / "fresh" / "bin" / "python")
    words = ("install", "--quiet", "--no-deps", "--no-cache-dir", "--index-url", f"{url}/simple/", "hello")
    run(python, "-m", "pip", *words, env=env, cwd=tmp_path)
    assert "1.1.0\n" == run(python, "-c", "import hello; print(hello.VERSION)", env=env, cwd=tmp_path / "fresh")


def test_both_forms(standin: tuple[PackageIndex, str], twine: Callable[..., str]) -> None:
    """JSON and HTML list the same files with the same digests, yanked ones and metadata."""
    index, url = standin
    twine(index.token(), hello())
    index.yanked.add(NAME)
    both = [
        {
            (file.filename, file.url, *file.digests.items(), file.is_yanked, str(file.metadata_digests or {}))
            for file in page(url, accept).packages
        }
        for accept in (ACCEPT_JSON_ONLY, ACCEPT_HTML_ONLY)
    ]
    assert (3, both[0]) == (len(both[1]), both[1])
