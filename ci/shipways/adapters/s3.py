"""A bucket of S3, or of a server that speaks its protocol, for the `files` channel."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypedDict, TypeVar

import anyio
from anyio import to_thread
from botocore.exceptions import ClientError

from shipways.adapters import s3errors
from shipways.adapters.files import DiskFiles
from shipways.adapters.s3door import S3Door
from shipways.config.publish import S3, FilesTable
from shipways.errors import Moved, Problem, ShipwaysError
from shipways.model.digest import digest_bytes
from shipways.ports import Clock
from shipways.tasks import together

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef, HeadObjectOutputTypeDef

_T = TypeVar("_T")
_WHOLE: Final = 64 << 20
"""A file up to this size in bytes is sent in one request, so that the server itself knows its digest."""
_PART: Final = 8 << 20
_MOST: Final = 10_000
"""Parts that a file may have (S3 user guide, "Multipart upload limits")."""
_WIDTH: Final = 8
"""How many parts are in memory and on their way at once, of all files."""
_PIECE: Final = 1 << 20
_SHA256: Final = "sha256"
"""The key of the digest in the metadata of a file, where checksums are those of parts or are not kept."""
_TRIAL: Final = ".shipways"
"""The key of an upload that is begun and given up."""
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class _Condition(TypedDict, total=False):
    IfMatch: str
    IfNoneMatch: str


class S3Bucket:
    """The `Bucket` port. A file of more than `whole` bytes is sent in parts of `part` bytes."""

    def __init__(self, table: FilesTable, clock: Clock, *, whole: int = _WHOLE, part: int = _PART) -> None:
        self._whole = whole
        self._part = part
        self._name, _, prefix = table.folder.removeprefix(S3).rstrip("/").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._door = S3Door(table, clock)
        self._sending = anyio.CapacityLimiter(_WIDTH)

    async def digest(self, key: str) -> str:
        """As the server or the one who sent it tells it, else by downloading it."""
        head = await self._head(key)
        return (_told(head) or await self._downloaded(key)) if head else ""

    async def read(self, key: str) -> bytes:
        """A small file."""
        return await self._ask(key, lambda s3: s3.get_object(Bucket=self._name, Key=self._key(key))["Body"].read())

    async def fetch(self, key: str, into: Path) -> None:
        """Never whole in memory."""

        def ask(s3: "S3Client") -> None:
            body = s3.get_object(Bucket=self._name, Key=self._key(key))["Body"]
            with DiskFiles().create(into) as stream:
                for piece in body.iter_chunks(_PIECE):
                    stream.write(piece)

        await self._ask(key, ask)

    async def put(self, key: str, source: Path, *, seen: str) -> None:
        """Send a file: never whole in memory."""
        condition = await self._condition(key, seen)
        digest = await to_thread.run_sync(DiskFiles().digest, source)
        size = (await anyio.Path(source).stat()).st_size
        if size > self._whole:
            await self._parts(key, source, (digest, size), condition)
            return

        def send(s3: "S3Client") -> None:
            with source.open("rb") as stream:
                self._send(s3, key, stream, digest, condition)

        await self._ask(key, send)

    async def write(self, key: str, data: bytes, *, seen: str) -> None:
        """Send a small file."""
        condition = await self._condition(key, seen)
        await self._ask(key, lambda s3: self._send(s3, key, data, digest_bytes(data), condition))

    async def remove(self, key: str) -> None:
        """Whether it was there, the server does not tell."""

        def delete(s3: "S3Client") -> None:
            s3.delete_object(Bucket=self._name, Key=self._key(key))

        await self._ask(key, delete)

    async def writable(self) -> None:
        """Look for a file, begin to send one, and give that up: nothing tells rights but trying."""
        await self._head(_TRIAL)
        async with self._upload(_TRIAL, digest_bytes(b"")) as upload:
            await self._abort(_TRIAL, upload)

    def url(self, key: str) -> str:
        """What the tools of S3 call it: which web address a bucket has is not known here."""
        return f"{S3}{self._name}/{self._key(key)}"

    def _key(self, key: str) -> str:
        return self._prefix + key

    async def _head(self, key: str) -> "HeadObjectOutputTypeDef | None":
        """What is said of a file; None when there is none."""

        def ask(s3: "S3Client") -> "HeadObjectOutputTypeDef | None":
            try:
                return s3.head_object(Bucket=self._name, Key=self._key(key), ChecksumMode="ENABLED")
            except ClientError as error:
                if s3errors.absent(error):
                    return None
                raise

        return await self._ask(key, ask)

    async def _downloaded(self, key: str) -> str:
        def ask(s3: "S3Client") -> str:
            hasher = hashlib.sha256()
            for piece in s3.get_object(Bucket=self._name, Key=self._key(key))["Body"].iter_chunks(_PIECE):
                hasher.update(piece)
            return f"sha256:{hasher.hexdigest()}"

        return await self._ask(key, ask)

    async def _condition(self, key: str, seen: str) -> _Condition:
        """What the server is to check when it takes the file: that nothing is there, or still what has this ETag."""
        if not seen:
            return {"IfNoneMatch": "*"}
        head = await self._head(key)
        if head is None or (_told(head) or await self._downloaded(key)) != seen:
            raise Moved(Problem(path=self.url(key), what="has changed since it was looked at"))
        return {"IfMatch": head["ETag"]}

    def _send(self, s3: "S3Client", key: str, body: "bytes | BinaryIO", digest: str, condition: _Condition) -> None:
        s3.put_object(
            Bucket=self._name,
            Key=self._key(key),
            Body=body,
            Metadata={_SHA256: _hex(digest)},
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=_base64(digest),
            **condition,
        )

    async def _parts(self, key: str, source: Path, known: tuple[str, int], condition: _Condition) -> None:
        digest, size = known
        step = max(self._part, -(-size // _MOST))
        parts: dict[int, CompletedPartTypeDef] = {}
        async with self._upload(key, digest) as upload:

            async def send(number: int) -> None:
                async with self._sending:
                    parts[number] = await self._ask(key, partial(self._one, key, upload, source, (number, step)))

            await together((partial(send, number) for number in range(1, -(-size // step) + 1)), width=_WIDTH)
            finish = partial(self._finish, key, upload, [parts[number] for number in sorted(parts)], condition)
            await self._ask(key, finish)

    @asynccontextmanager
    async def _upload(self, key: str, digest: str) -> AsyncIterator[str]:
        """The id of an upload in parts, which is given up when the block fails: its parts would be kept, and paid."""

        def begin(s3: "S3Client") -> str:
            name, metadata = self._key(key), {_SHA256: _hex(digest)}
            made = s3.create_multipart_upload(
                Bucket=self._name, Key=name, Metadata=metadata, ChecksumAlgorithm="SHA256"
            )
            return made["UploadId"]

        upload = await self._ask(key, begin)
        try:
            yield upload
        except BaseException:
            with anyio.CancelScope(shield=True), suppress(ShipwaysError):  # what stopped it matters more
                await self._abort(key, upload)
            raise

    async def _abort(self, key: str, upload: str) -> None:
        def abort(s3: "S3Client") -> None:
            s3.abort_multipart_upload(Bucket=self._name, Key=self._key(key), UploadId=upload)

        await self._ask(key, abort)

    def _one(
        self, key: str, upload: str, source: Path, which: tuple[int, int], s3: "S3Client"
    ) -> "CompletedPartTypeDef":
        number, step = which
        with source.open("rb") as stream:
            stream.seek((number - 1) * step)
            data = stream.read(step)
        checksum = _base64(digest_bytes(data))
        sent = s3.upload_part(
            Bucket=self._name,
            Key=self._key(key),
            UploadId=upload,
            PartNumber=number,
            Body=data,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum,
        )
        return {"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum}

    def _finish(
        self, key: str, upload: str, parts: "list[CompletedPartTypeDef]", condition: _Condition, s3: "S3Client"
    ) -> str:
        """The ETag: an answer without it says nothing, for it begins before the work is done."""
        done = s3.complete_multipart_upload(
            Bucket=self._name,
            Key=self._key(key),
            UploadId=upload,
            MultipartUpload={"Parts": parts},
            **condition,
        )
        return done["ETag"]

    async def _ask(self, key: str, question: "Callable[[S3Client], _T]") -> _T:
        return await self._door.ask(self.url(key), question)


def _told(head: "HeadObjectOutputTypeDef") -> str:
    """The digest that is told of a file; empty when none is.

    The checksum of what was sent in parts is one of their checksums. The ETag of such a file has a dash; not
    every server that speaks the protocol says it in the checksum too.
    """
    checksum = head.get("ChecksumSHA256", "")
    if checksum and "-" not in head["ETag"] + checksum:
        return f"sha256:{base64.b64decode(checksum).hex()}"
    said = head["Metadata"].get(_SHA256, "")
    return f"sha256:{said}" if _HEX.fullmatch(said) else ""


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(_hex(digest))).decode()
