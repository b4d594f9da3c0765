"""What registries may answer to a push: elsewhere, refusals and what is forgotten, with registries in memory."""

from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import pytest

from httpdouble import BASIC, BLOB, DATA, Handler, Machine, answer
from shipways.adapters.dockerauth import DockerLogins
from shipways.adapters.registryhttp import RegistryHttp
from shipways.adapters.registrypush import PushRegistries
from shipways.adapters.registryupload import Uploads
from shipways.errors import PreflightError, Transient, Unfinished
from shipways.model.digest import digest_bytes
from shipways.model.oci import parse_reference
from shipways.testing.console import ManualClock

LOGIN = {"auths": {"example.com": {"auth": BASIC.partition(" ")[2]}}}


class Registry:
    """Answers by method and the end of the path; keeps what it was asked."""

    def __init__(self, **answers: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answers = answers
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        found = self.answers.get(request.method)
        return found(request) if found else DEFAULT[request.method]

    def methods(self) -> list[str]:
        return [request.method for request in self.asked]


DEFAULT = {
    "HEAD": httpx.Response(404),
    "POST": httpx.Response(202, headers={"Location": "/v2/x/blobs/uploads/1?_state=a%3D"}),
    "PUT": httpx.Response(201),
    "GET": httpx.Response(404),
}


def http(handler: Handler, machine: Machine) -> RegistryHttp:
    return RegistryHttp(DockerLogins(machine, machine), ManualClock(), transport=httpx.MockTransport(handler))


def upload(folder: Path, handler: Handler, uploads: Uploads | None = None, times: int = 1, near: str = "") -> None:
    """Send the blob; all tries but the last one fail in a way that passes."""

    async def main() -> None:
        own, opener = uploads or Uploads(), http(handler, Machine(folder, LOGIN))
        async with opener.session(parse_reference("example.com/x"), push=True, near=near) as session:
            for _ in range(times - 1):
                with pytest.raises(Transient):
                    await own.send(session, BLOB, DATA, near)
            await own.send(session, BLOB, DATA, near)

    anyio.run(main)


def test_upload_in_one_piece(tmp_path: Path) -> None:
    """The place that the registry names is used as it is, with the digest."""
    registry = Registry()
    upload(tmp_path, registry)
    put = registry.asked[-1]
    assert f"https://example.com/v2/x/blobs/uploads/1?_state=a%3D&digest={BLOB.digest}" == str(put.url)
    assert (str(len(DATA)), None) == (put.headers["Content-Length"], put.headers.get("Content-Range"))


def test_upload_elsewhere_gets_no_login(tmp_path: Path) -> None:
    """A registry may name another host for the bytes; that one does not get the password."""

    def guarded(answer: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
        wants = httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="r"'})
        return lambda request: answer if request.headers.get("Authorization") == BASIC else wants

    place = httpx.Response(202, headers={"Location": "https://uploads.example.net/1"})
    registry = Registry(HEAD=guarded(DEFAULT["HEAD"]), POST=guarded(place))
    upload(tmp_path, registry)
    assert [("uploads.example.net", None)] == [
        (request.url.host, request.headers.get("Authorization"))
        for request in registry.asked
        if request.method == "PUT"
    ]


def test_upload_elsewhere_without_tls_is_refused(tmp_path: Path) -> None:
    """Not even the bytes."""
    place = httpx.Response(202, headers={"Location": "http://uploads.example.net/1"})
    with pytest.raises(PreflightError, match="is not HTTPS"):
        upload(tmp_path, Registry(POST=lambda _: place))


@pytest.mark.parametrize("status", [202, 401, 403, 404, 405])
def test_mount_that_is_refused(tmp_path: Path, status: int) -> None:
    """The blob is sent, in the session that is open already if there is one."""

    def post(request: httpx.Request) -> httpx.Response:
        mount = "mount" in request.url.params
        return httpx.Response(status, headers=DEFAULT["POST"].headers) if mount else DEFAULT["POST"]

    registry = Registry(POST=post)
    upload(tmp_path, registry, near="y")
    assert ["PUT"] == registry.methods()[-1:]
    assert (1 if status == 202 else 2) <= registry.methods().count("POST")


def test_mount(tmp_path: Path) -> None:
    """A blob that is mounted is not sent."""
    registry = Registry(POST=lambda _: httpx.Response(201))
    upload(tmp_path, registry, near="y")
    assert ["HEAD", "POST"] == registry.methods()
    assert {"mount": BLOB.digest, "from": "y"} == dict(registry.asked[-1].url.params)


@pytest.mark.parametrize("told", [httpx.Response(404), httpx.Response(400)])
def test_upload_that_is_forgotten(tmp_path: Path, told: httpx.Response) -> None:
    """What the registry does not know any more is begun anew."""
    answers = iter([httpx.Response(502)])
    registry = Registry(GET=lambda _: told, PUT=lambda _: next(answers, None) or httpx.Response(201))
    upload(tmp_path, registry, times=2)
    assert ["HEAD", "POST", "PUT", "HEAD", "GET", "POST", "PUT"] == registry.methods()


def test_upload_that_is_lost_on_the_way(tmp_path: Path) -> None:
    """A registry that does not want the next chunk has lost the ones before: the next try begins anew."""
    count = iter([202, 416, *[202] * 100])

    def patch(request: httpx.Request) -> httpx.Response:
        return httpx.Response(next(count), headers=DEFAULT["POST"].headers)

    registry = Registry(PATCH=patch)
    upload(tmp_path, registry, Uploads(whole=0, chunk=len(DATA) // 3), times=2)
    ranges = [request.headers["Content-Range"].partition("-")[0] for request in registry.asked if request.content]
    third = len(DATA) // 3
    assert ["0", str(third), "0", str(third), str(2 * third)] == ranges[:5]


def test_smallest_chunk(tmp_path: Path) -> None:
    """A registry may want larger chunks than ours (OCI-Chunk-Min-Length)."""
    headers = {**DEFAULT["POST"].headers, "OCI-Chunk-Min-Length": str(len(DATA) - 1)}
    registry = Registry(POST=lambda _: httpx.Response(202, headers=headers), PATCH=lambda _: DEFAULT["POST"])
    upload(tmp_path, registry, Uploads(whole=0, chunk=10))
    assert [len(DATA) - 1, 1] == [len(request.content) for request in registry.asked if request.content]


def test_refused(tmp_path: Path) -> None:
    """The error has what the registry says, and what to do."""
    registry = Registry(POST=lambda _: httpx.Response(403, json={"errors": [{"code": "DENIED"}]}))
    with pytest.raises(Unfinished, match=r"(?s)403 Forbidden.*DENIED.*docker login example.com.*may push to it"):
        upload(tmp_path, registry)


def test_digest_without_a_header(tmp_path: Path) -> None:
    """A registry that does not tell the digest of a manifest is asked for the manifest."""
    registry = Registry(HEAD=lambda _: httpx.Response(200), GET=lambda _: answer(b"{}"))
    found = anyio.run(PushRegistries(http(registry, Machine(tmp_path))).digests, ("example.com/x:1",))
    assert {"example.com/x:1": digest_bytes(b"{}")} == found


@pytest.mark.parametrize("realm", ["", "token", "file:///etc/passwd"])
def test_realm_that_is_no_address(tmp_path: Path, realm: str) -> None:
    """A token is asked for at a URL, or not at all."""
    wants = httpx.Response(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})
    with pytest.raises(Unfinished, match="401 Unauthorized"):
        anyio.run(PushRegistries(http(lambda _: wants, Machine(tmp_path))).digests, ("example.com/x:1",))
