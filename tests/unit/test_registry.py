"""How registries are asked: authorization, redirects, broken connections, and what is never sent where."""

import json
from pathlib import Path

import httpx
import pytest

from httpdouble import BASIC, BLOB, DATA, Guarded, Machine, answer, fetch, resolve
from imaging import packed, stacked
from shipways.errors import BuildError, ConfigError, Unavailable
from shipways.model.digest import digest_bytes
from shipways.model.oci import LAYER_GZIP
from shipways.testing.images import documents


def test_anonymous_token(tmp_path: Path) -> None:
    """A challenge is answered with a token for just this repository."""
    guarded = Guarded()
    assert DATA == fetch(tmp_path, guarded)
    assert {"service": "s", "scope": "repository:x:pull"} == dict(guarded.token_requests[0].url.params)


@pytest.mark.parametrize("name", ["example.com", "https://example.com/v2/"])
def test_login_of_docker(tmp_path: Path, name: str) -> None:
    """`docker login` is enough, however it spells the host."""
    machine = Machine(tmp_path, {"auths": {name: {"auth": BASIC.partition(" ")[2]}}})
    assert DATA == fetch(tmp_path, Guarded(BASIC), machine)


def test_docker_hub_has_a_name_of_its_own(tmp_path: Path) -> None:
    """A name without a registry asks Docker's, with the login that Docker keeps under an old address."""
    machine = Machine(tmp_path, {"auths": {"https://index.docker.io/v1/": {"auth": BASIC.partition(" ")[2]}}})
    guarded, seen = Guarded(BASIC), []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return guarded(request)

    assert DATA == fetch(tmp_path, handler, machine, "debian")
    assert f"https://registry-1.docker.io/v2/library/debian/blobs/{BLOB.digest}" == seen[0]


def test_credential_helper(tmp_path: Path) -> None:
    """A helper is asked by its protocol."""
    machine = Machine(
        tmp_path, {"credHelpers": {"example.com": "vault"}}, json.dumps({"Username": "me", "Secret": "secret"})
    )
    assert DATA == fetch(tmp_path, Guarded(BASIC), machine)
    assert [("docker-credential-vault", "get", "example.com")] == machine.asked


def test_identity_token_of_a_helper(tmp_path: Path) -> None:
    """What a helper calls `<token>` is exchanged, not sent as a password (OAuth2, refresh_token)."""
    machine = Machine(tmp_path, {"credsStore": "vault"}, json.dumps({"Username": "<token>", "Secret": "i0"}))
    guarded = Guarded()
    assert DATA == fetch(tmp_path, guarded, machine)
    request = guarded.token_requests[0]
    assert ("POST", True) == (request.method, b"refresh_token=i0" in request.content)


def test_basic_challenge(tmp_path: Path) -> None:
    """A registry without tokens gets the login itself."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.headers.get("Authorization") == BASIC:
            return answer(DATA)
        return httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="r"'})

    machine = Machine(tmp_path, {"auths": {"example.com": {"auth": BASIC.partition(" ")[2]}}})
    assert DATA == fetch(tmp_path, handler, machine)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("{", "gives no credentials"),
        ({"auths": {"example.com": {"auth": "%"}}}, "not base64"),
        ({"credsStore": "vault"}, "docker-credential-vault, which is not on PATH"),
    ],
)
def test_broken_logins(tmp_path: Path, config: object, why: str) -> None:
    """What is wrong with the login is said, with the file."""
    with pytest.raises(Unavailable, match=f"(?s)config.json.*{why}"):
        fetch(tmp_path, Guarded(BASIC), Machine(tmp_path, config))


def test_no_login_where_one_is_needed(tmp_path: Path) -> None:
    """The fix is `docker login`."""
    with pytest.raises(Unavailable, match=r"(?s)the registry refuses example\.com/x: .*docker login example\.com"):
        fetch(tmp_path, Guarded(BASIC))


def test_redirect_gets_no_credentials(tmp_path: Path) -> None:
    """Blobs often lie elsewhere; the token stays with the registry."""
    guarded, elsewhere = Guarded(), []

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.host == "cdn.example.net":
            elsewhere.append(request.headers.get("Authorization"))
            return answer(DATA)
        told = guarded(request)
        if told.status_code == 200 and request.url.host == "example.com":
            return httpx.Response(307, headers={"Location": "https://cdn.example.net/b"})
        return told

    assert DATA == fetch(tmp_path, handler)
    assert [None] == elsewhere


@pytest.mark.parametrize("location", ["http://cdn.example.net/b", "ftp://cdn.example.net/b"])
def test_redirect_away_from_https_is_refused(tmp_path: Path, location: str) -> None:
    """HTTPS everywhere, also where a redirect leads."""

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"Location": location})

    with pytest.raises(Unavailable):
        fetch(tmp_path, handler)


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("127.0.0.1:5000/x", "http://127.0.0.1:5000"),
        ("localhost:5000/x", "http://localhost:5000"),
        ("[::1]:5000/x", "http://[::1]:5000"),
        ("10.0.0.1:5000/x", "https://10.0.0.1:5000"),
        ("127.0.0.1.example.com/x", "https://127.0.0.1.example.com"),
    ],
)
def test_plain_http_only_on_this_machine(tmp_path: Path, name: str, origin: str) -> None:
    """A registry on a loopback address speaks HTTP, every other HTTPS."""
    seen = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return answer(DATA)

    fetch(tmp_path, handler, name=name)
    assert seen[0].startswith(f"{origin}/v2/x/blobs/")


@pytest.mark.parametrize("ranges", [True, False])
def test_broken_connection_goes_on(tmp_path: Path, ranges: bool) -> None:
    """The next try asks for the rest; a registry that sends everything again is fine too."""
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("Range"))
        if len(asked) == 1:
            return answer(DATA[:5000], breaks=True)
        return answer(DATA[5000:], 206) if ranges else answer(DATA)

    assert DATA == fetch(tmp_path, handler)
    assert [None, "bytes=5000-"] == asked


def test_short_answer_goes_on(tmp_path: Path) -> None:
    """An answer that ends early without an error is asked for the rest."""
    answers = iter([answer(DATA[:10]), answer(DATA[10:], 206)])
    assert DATA == fetch(tmp_path, lambda _: next(answers))


def test_busy_registry_is_asked_again(tmp_path: Path) -> None:
    """429 and 5xx pass; after the last try it is a skip that says what was answered."""
    answers = iter([httpx.Response(429, headers={"Retry-After": "0"}), httpx.Response(502)])
    assert DATA == fetch(tmp_path, lambda _: next(answers, None) or answer(DATA))
    with pytest.raises(Unavailable, match="503 Service Unavailable"):
        fetch(tmp_path, lambda _: httpx.Response(503))


def test_unreachable_registry(tmp_path: Path) -> None:
    """No network is a skip of the kind image."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Name or service not known")

    with pytest.raises(Unavailable, match="Name or service not known") as caught:
        fetch(tmp_path, handler)
    assert "image" == caught.value.kind


@pytest.mark.parametrize("data", [DATA[:-1] + b"!", DATA + b"!"])
def test_other_bytes_are_refused(tmp_path: Path, data: bytes) -> None:
    """Neither changed nor appended bytes are taken."""
    with pytest.raises(BuildError):
        fetch(tmp_path, lambda _: answer(data))


def docker_words(data: bytes) -> bytes:
    """The same documents as registries without OCI have them."""
    docker = b"application/vnd.docker."
    for oci, other in (
        (b"image.index.v1+json", b"distribution.manifest.list.v2+json"),
        (b"image.manifest.v1+json", b"distribution.manifest.v2+json"),
        (b"image.config.v1+json", b"container.image.v1+json"),
        (b"image.layer.v1.tar+gzip", b"image.rootfs.diff.tar.gzip"),
    ):
        data = data.replace(b"application/vnd.oci." + oci, docker + other)
    return data


def test_docker_manifest_without_an_index(tmp_path: Path) -> None:
    """Its platform stands in its config; media types become OCI's, digests stay."""
    content = stacked(packed({"a": b"a"}), arch="arm64")
    manifest = docker_words(documents({"linux/arm64": content})[0])

    def handler(request: httpx.Request) -> httpx.Response:
        return answer(content.config if "/blobs/" in request.url.path else manifest)

    locked = resolve(handler, Machine(tmp_path))
    assert digest_bytes(manifest) == locked.digest
    (platform,) = locked.platforms
    assert ("linux/arm64", [LAYER_GZIP]) == (platform.platform, [layer.media_type for layer in platform.layers])


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"{}", BuildError),
        (b"<html>", BuildError),
        (b" " * (5 << 20), BuildError),
        (b'{"layers":[{"mediaType":"x","digest":"sha256:1","size":1}]}', BuildError),
        (None, ConfigError),
    ],
)
def test_what_is_no_image(tmp_path: Path, content: bytes | None, error: type[Exception]) -> None:
    """Whatever a registry sends, the answer is a problem, never a traceback."""
    with pytest.raises(error):
        resolve(lambda _: httpx.Response(404) if content is None else answer(content), Machine(tmp_path))
