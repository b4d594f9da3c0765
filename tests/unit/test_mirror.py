"""docker.io's images at a mirror: where is asked, and what is said when it does not have them."""

from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import pytest

from httpdouble import BLOB, DATA, Machine, answer, registry
from imaging import packed, stacked
from shipways.adapters.mirror import Mirrored
from shipways.config.engines import Engine, chosen_mirror
from shipways.config.load import parse
from shipways.errors import BuildError, ConfigError, ShipwaysError, Unavailable
from shipways.model.lock import LockedImage
from shipways.testing.images import documents

MANIFEST, INDEX = documents({"linux/amd64": stacked(packed({"a": b"a"}))})
NAME = "docker.io/library/golang:1"


class Mirror:
    """A mirror of one image, that keeps what it was asked."""

    def __init__(self, tmp_path: Path, mirror: str) -> None:
        self.asked: list[str] = []
        self.images = Mirrored(registry(self, Machine(tmp_path)), mirror)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if "/blobs/" in request.url.path:
            return answer(DATA)
        return answer(INDEX if request.url.path.endswith("/1") else MANIFEST)

    def resolve(self, name: str) -> LockedImage:
        async def ask() -> LockedImage:
            return await self.images.resolve(name)

        return anyio.run(ask)


@pytest.mark.parametrize("name", [NAME, "golang:1", "index.docker.io/library/golang:1"])
@pytest.mark.parametrize(
    ("mirror", "place"),
    [
        ("127.0.0.1:5000", "http://127.0.0.1:5000/v2/library/golang/"),
        ("mirror.example.com/hub", "https://mirror.example.com/v2/hub/library/golang/"),
    ],
)
def test_docker_hub_is_asked_at_the_mirror(tmp_path: Path, name: str, mirror: str, place: str) -> None:
    """Names and blobs go there and nowhere else; what is locked has the name of the config."""
    double = Mirror(tmp_path, mirror)
    assert name == double.resolve(name).name
    anyio.run(double.images.blob, name, BLOB, tmp_path / "blob")
    assert DATA == (tmp_path / "blob").read_bytes()
    assert [True] * 3 == [url.startswith(place) for url in double.asked]


def test_other_registries_are_asked_themselves(tmp_path: Path) -> None:
    """A mirror is one of docker.io alone."""
    double = Mirror(tmp_path, "127.0.0.1:5000")
    double.resolve("ghcr.io/a/b:1")
    assert ["ghcr.io", "ghcr.io"] == [httpx.URL(url).host for url in double.asked]


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (lambda _: httpx.Response(404), ConfigError),
        (lambda _: httpx.Response(403), Unavailable),
        (lambda _: answer(b"<html>"), BuildError),
        (refuse, Unavailable),
    ],
)
def test_errors_name_image_and_mirror(
    tmp_path: Path, handler: Callable[[httpx.Request], httpx.Response], error: type[ShipwaysError]
) -> None:
    """The same errors as of a registry; docker.io is not asked after it."""
    asked: list[str] = []

    def only(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return handler(request)

    images = Mirrored(registry(only, Machine(tmp_path)), "mirror.example.com/hub")

    async def ask() -> None:
        await images.resolve(NAME)

    with pytest.raises(error) as caught:
        anyio.run(ask)
    (problem,) = caught.value.problems
    assert NAME == problem.path
    assert "mirror.example.com/hub is asked in place of docker.io" in problem.why
    assert {"mirror.example.com"} == set(asked)


def engine(mirror: str) -> Engine:
    return parse(f'[project]\nname = "p"\n[engine]\nmirror = "{mirror}"\n', "shipways.toml").engine


def test_variable_goes_before_the_config() -> None:
    """An empty one is none."""
    assert "a.example" == chosen_mirror(engine("b.example"), {"SHIPWAYS_MIRROR": "a.example"})
    assert "b.example" == chosen_mirror(engine("b.example"), {"SHIPWAYS_MIRROR": ""})
    assert "" == chosen_mirror(engine(""), {})


@pytest.mark.parametrize("text", ["http://a.example", "a.example/", "a.example/B", "a b", "mirror", "mirror/hub"])
def test_what_is_no_mirror(text: str) -> None:
    """Neither key nor variable takes an address, or a host that a name of an image could not begin with."""
    with pytest.raises(ConfigError, match=r"^engine\.mirror: "):
        engine(text)
    with pytest.raises(ConfigError, match=r"^SHIPWAYS_MIRROR: expected HOST\[:PORT\]"):
        chosen_mirror(engine(""), {"SHIPWAYS_MIRROR": text})


@pytest.mark.parametrize("text", ["localhost", "mirror:5000", "127.0.0.1:5000/hub", "[::1]:5000", "a.example/b/c"])
def test_mirrors(text: str) -> None:
    """Everything that can stand before a repository."""
    assert text == engine(text).mirror
