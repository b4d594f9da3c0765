"""The `files` channel at a bucket: releases, faults on the way, and what a server says when it refuses."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from starlette.responses import Response

from buckets import KEY, S3, SECRET, logged_in, moto, small_parts
from forging import at, gone_after, manifest
from sandbox import Repository
from shipways.adapters.s3 import S3Bucket
from shipways.config.manifestfile import FILE_NAME, manifest_text
from shipways.config.publish import FilesTable
from shipways.errors import Transient, Unfinished
from shipways.model.digest import digest_bytes
from shipways.model.manifest import Manifest
from shipways.model.outcome import Outcome, State
from shipways.publish.files import FilesChannel
from shipways.rehearse.faults import Fault
from shipways.rehearse.serving import served
from shipways.run.reconciler import Around, converge
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED

pytestmark = pytest.mark.integration
FAULTS = [Fault.LOST, *(pytest.param(f, marks=pytest.mark.long) for f in (Fault.ERROR, Fault.ERROR_AFTER, Fault.LIMIT))]
PART = 5 << 20
ANY = FilesTable(folder="s3://any")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """One server for all tests; each has its own bucket."""
    with moto(tmp_path_factory.mktemp("moto")) as made:
        yield made


@pytest.fixture
def s3(server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """The server, without faults, and a login for it."""
    logged_in(monkeypatch)
    server.fault = lambda *_: Fault.NONE
    server.traffic.requests.clear()
    return server


def run(bucket: S3Bucket, made: Manifest, folder: Path) -> Outcome:
    """A run of its own, but for its client: to make one takes longer than a release."""
    outside = replace(CLOSED, artifact=lambda path: folder / path, bucket=lambda _: bucket)
    around = Around(outside=outside, console=RecordingConsole(), clock=ManualClock())
    return anyio.run(lambda: converge([FilesChannel(table=ANY, project=made.project)], made, around))


def named(made: Manifest, project: str, folder: Path) -> Manifest:
    """The same release of another project, which has keys of its own."""
    other = replace(made, project=project)
    (folder / FILE_NAME).write_text(manifest_text(other))
    return other


def states(outcome: Outcome) -> list[State]:
    return [row.state for row in outcome.rows]


def dist(folder: Path, name: str) -> Path:
    """A folder for the files of a release."""
    (folder / name).mkdir()
    return folder / name


def test_releases(s3: S3, tmp_path: Path) -> None:
    """A release, the same again by reads alone, the next one beside it, and the first again, which moves nothing."""
    table, one, two = s3.bucket("/mirror"), dist(tmp_path, "1"), dist(tmp_path, "2")
    bucket = small_parts(table)
    first, second = manifest("1.0.0", one), manifest("1.1.0", two, a_tar_gz=b"b" * 100)
    assert [State.APPLIED] * 5 == states(run(bucket, first, one))
    s3.traffic.requests.clear()
    assert [State.DONE] * 5 == states(run(bucket, first, one))
    assert {"HEAD": 5, "GET": 1} == s3.traffic.methods()
    assert [State.APPLIED] * 4 == states(run(bucket, second, two))
    assert [*[State.DONE] * 4, State.KEPT] == states(run(bucket, first, one))
    there = s3.objects(table)
    for version, folder in (("1.0.0", one), ("1.1.0", two)):
        assert (folder / FILE_NAME).read_bytes() == there.pop(f"mirror/demo/staged/v{version}/{FILE_NAME}")
    assert b'{"tag": "v1.1.0", "version": "1.1.0"}\n' == there.pop("mirror/demo/latest/demo")
    assert there == {
        f"mirror/demo/v{version}/{path.name}": path.read_bytes()
        for version, folder in (("1.0.0", one), ("1.1.0", two))
        for path in folder.iterdir()
    }


def test_conflict(s3: S3, tmp_path: Path) -> None:
    """Another manifest under the tag stays as it is."""
    table, made = s3.bucket(), manifest("1.0.0", tmp_path)
    s3.put(table, "demo/v1.0.0/manifest.json", b"{}")
    assert State.CONFLICT in states(run(small_parts(table), made, tmp_path))
    assert b"{}" == s3.objects(table)["demo/v1.0.0/manifest.json"]


def test_digest_of_what_others_sent(s3: S3) -> None:
    """A file without a checksum is downloaded to know it."""
    table = s3.bucket()
    s3.put(table, "a", b"a")
    assert digest_bytes(b"a") == anyio.run(small_parts(table).digest, "a")
    assert {"HEAD": 1, "GET": 1} == s3.traffic.methods()


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_at_every_request(s3: S3, tmp_path: Path, fault: Fault) -> None:
    """Wherever it comes, the same run ends well, and what is there is whole."""
    table, number = s3.bucket(), 0
    bucket, made = small_parts(table), manifest("1.0.0", tmp_path)
    while number <= len(s3.traffic.requests):  # a fault that came has made the run longer
        mine, s3.fault = named(made, f"p{number}", tmp_path), at(number, fault)
        s3.traffic.requests.clear()
        assert None is run(bucket, mine, tmp_path).error()
        _whole(s3, table, mine.project, tmp_path)
        number += 1
    assert number > 9


@pytest.mark.parametrize("fault", FAULTS)
def test_crash_at_every_request(s3: S3, tmp_path: Path, fault: Fault) -> None:
    """A run that ends anywhere is ended by the next one, which sends no file again."""
    table = s3.bucket()
    bucket, made = small_parts(table), manifest("1.0.0", tmp_path)
    for number in range(12):
        mine, s3.fault = named(made, f"p{number}", tmp_path), gone_after(number, fault)
        assert None is not run(bucket, mine, tmp_path).error()
        there, s3.fault = s3.objects(table, f"{mine.project}/"), lambda *_: Fault.NONE
        s3.traffic.requests.clear()
        assert None is run(bucket, mine, tmp_path).error()
        _whole(s3, table, mine.project, tmp_path)
        assert 5 - len(there) == s3.traffic.methods()["PUT"]


def _whole(s3: S3, table: FilesTable, project: str, folder: Path) -> None:
    there = s3.objects(table, f"{project}/")
    assert b"v1.0.0" in there.pop(f"{project}/latest/demo")
    assert (folder / FILE_NAME).read_bytes() == there.pop(f"{project}/staged/v1.0.0/{FILE_NAME}")
    assert {f"{project}/v1.0.0/{path.name}": path.read_bytes() for path in folder.iterdir()} == there


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.LOST])
@pytest.mark.parametrize("number", range(6))
def test_big_file(s3: S3, tmp_path: Path, number: int, fault: Fault) -> None:
    """An upload in parts that breaks off leaves no parts behind, and is not there; then it is sent again."""
    source, table = tmp_path / "big", s3.bucket()
    source.write_bytes(b"x" * (2 * PART + 1))
    s3.fault, bucket = at(number, fault), small_parts(table)
    with pytest.raises(Transient) if number < 5 else nullcontext():
        anyio.run(lambda: bucket.put("big", source, seen=""))
    done = number == 4 and fault is Fault.LOST  # all but the answer
    assert (done or number == 5) == ("big" in s3.objects(table))
    if number != 0:  # of an upload whose id has never come nobody can know
        assert 0 == s3.uploads(table)
    if not done and number < 5:
        anyio.run(lambda: bucket.put("big", source, seen=""))
    assert source.read_bytes() == s3.objects(table)["big"]


def _xml(code: str, message: str = "why") -> str:
    return f"<Error><Code>{code}</Code><Message>{message}</Message><StringToSign>{SECRET}</StringToSign></Error>"


ANSWERS = [
    (404, _xml("NoSuchBucket"), {}, "there is no such bucket"),
    (403, _xml("AccessDenied"), {}, "s3:PutObject"),
    (403, _xml("InvalidAccessKeyId"), {}, "does not know these credentials"),
    (403, _xml("SignatureDoesNotMatch"), {}, "does not know these credentials"),
    (400, _xml("ExpiredToken"), {}, "does not know these credentials: ExpiredToken"),
    (301, _xml("PermanentRedirect"), {"x-amz-bucket-region": "eu-north-1"}, 'region = "eu-north-1"'),
    (400, _xml("IllegalLocationConstraintException"), {}, "the bucket is in another region"),
    (403, _xml("RequestTimeTooSkewed"), {}, "the clock of this machine is wrong"),
    (403, "", {}, "is refused: 403"),
    (501, _xml("NotImplemented"), {}, "does not take conditional writes"),
    (418, _xml("Teapot"), {}, "is refused: 418 Teapot"),
]


@pytest.mark.parametrize(("status", "body", "headers", "words"), ANSWERS)
def test_refusals(status: int, body: str, headers: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is told in words that help, without a key or what was signed."""
    told = _refused(monkeypatch, Response(body, status, headers))
    assert words in told
    assert "canary" not in told


def test_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without a body tells the server's time, which is all there is to see why it refuses."""
    assert "it differs by 120 minutes" in _refused(monkeypatch, Response(status_code=403), ahead=7200)


def _refused(monkeypatch: pytest.MonkeyPatch, answer: Response, *, ahead: float = 0.0) -> str:
    logged_in(monkeypatch)
    with served(answer) as url, pytest.raises(Unfinished) as raised:
        table = FilesTable(folder="s3://bucket", endpoint=url, region="eu-west-1")
        anyio.run(lambda: small_parts(table, ahead=ahead).write("a", b"a", seen=""))
    assert not isinstance(raised.value, Transient)
    assert None is raised.value.__cause__
    return str(raised.value)


def test_without_a_login(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what is missing."""
    table = s3.bucket()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Unfinished, match="there are no credentials for it"):
        anyio.run(small_parts(table).writable)


def test_a_profile(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The login is found where the tools of AWS keep it; a program that fails to give one is not quoted."""
    config = tmp_path / "config"
    config.write_text(
        f"[profile mine]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
        f"[profile broken]\ncredential_process = sh -c 'echo {SECRET} >&2; exit 1'\n"
    )
    table = s3.bucket()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    anyio.run(small_parts(table).writable)
    monkeypatch.setenv("AWS_PROFILE", "broken")
    with pytest.raises(Unfinished, match="there are no credentials for it") as raised:
        anyio.run(small_parts(table).writable)
    assert SECRET not in str(raised.value)


def test_no_bucket(s3: S3) -> None:
    """A bucket that is not there is told before anything is put there."""
    table = FilesTable(folder="s3://no-such-bucket", endpoint=s3.proxy, region="us-east-1")
    with pytest.raises(Unfinished, match="there is no such bucket"):
        anyio.run(small_parts(table).writable)


def test_only_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that the environment gives is as safe as one of the config must be."""
    logged_in(monkeypatch, AWS_ENDPOINT_URL="http://s3.example")
    with pytest.raises(Exception, match="is not HTTPS"):
        anyio.run(S3Bucket(FilesTable(folder="s3://bucket"), ManualClock()).writable)


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is worth another try."""
    logged_in(monkeypatch)
    table = FilesTable(folder="s3://bucket", endpoint="http://127.0.0.1:1")
    with pytest.raises(Transient, match="does not answer"):
        anyio.run(small_parts(table).writable)


def test_release(hello: Repository, s3: S3) -> None:
    """`release` publishes to a bucket and `verify` agrees; no output has the key or its secret."""
    table = s3.bucket("/mirror")
    _configure(hello, table)
    ran = [hello.shipways(*words) for words in (("release", "--publish"), ("release", "--publish"), ("verify",))]
    assert [0, 0, 0] == [each.code for each in ran], ran[0].err
    assert "5 there" in ran[1].err
    assert "mirror/hello/v1.0.0/manifest.json" in s3.objects(table)
    assert "canary" not in "".join(each.out + each.err for each in ran)


def test_doctor(hello: Repository, s3: S3) -> None:
    """Exit 3 when there is no such bucket, before anything is built."""
    _configure(hello, FilesTable(folder="s3://no-such-bucket", endpoint=s3.proxy))
    ran = hello.shipways("release", "--publish")
    assert (3, True) == (ran.code, "there is no such bucket" in ran.err), ran.err
    assert not (hello.root / "dist").exists()


def _configure(hello: Repository, table: FilesTable) -> None:
    text = (hello.root / "shipways.toml").read_text()
    hello.file("shipways.toml", f'{text}[publish.files]\nfolder = "{table.folder}"\nendpoint = "{table.endpoint}"\n')
    hello.commit().git("tag", "v1.0.0")
