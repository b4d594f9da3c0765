"""Data directories of this machine into backups and back; what is said to be there is on the disk."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from anyio import from_thread, to_thread

from shipways.adapters.files import DiskFiles
from shipways.adapters.locks import try_lock
from shipways.adapters.trees import Laying, walk
from shipways.errors import PreflightError, Problem, Unfinished
from shipways.model.backup import Backup, Measured, Source, Verified
from shipways.pack.backup import Sealed, Sealer


class DiskVault:
    """The `Vault` port on this machine's disks."""

    @contextlib.contextmanager
    def locked(self, path: Path) -> Iterator[bool]:
        """Whether nobody else has the lock."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with try_lock(path) as held:
            yield held is not None

    def real(self, path: Path) -> Path:
        """The whole path, with every link followed."""
        return Path(os.path.realpath(path))

    def there(self, path: Path) -> bool:
        """Whether there is anything."""
        return os.path.lexists(path)

    def list(self, folder: Path) -> tuple[str, ...]:
        """The names in a folder, sorted; none where there is no such folder."""
        return tuple(sorted(each.name for each in folder.iterdir())) if folder.is_dir() else ()

    def mounted(self, folder: Path) -> bool:
        """Whether it is the top of a disk of its own, which cannot be renamed."""
        return folder.is_mount()

    def free(self, folder: Path) -> int:
        """Bytes that may still be written where it is, or would be."""
        while not folder.is_dir():
            folder = folder.parent
        return shutil.disk_usage(folder).free

    def make(self, folder: Path, *, like: Path | None = None) -> None:
        """An empty folder, for this user alone, or for the owner of another one."""
        with _failing(folder):
            folder.mkdir(parents=True, mode=0o700)
            if like:
                owner = like.stat()
                os.chown(folder, owner.st_uid, owner.st_gid)

    def move(self, source: Path, place: Path) -> None:
        """Give it another name on the same disk."""
        with _failing(place):
            source.rename(place)
            _settle(place.parent)

    def read(self, path: Path) -> bytes:
        """The bytes of a small file; none where there is no such file."""
        return path.read_bytes() if path.exists() else b""

    def write(self, path: Path, data: bytes) -> None:
        """Write a small file."""
        with _failing(path), DiskFiles().create(path, private=True) as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        _settle(path.parent)

    def remove(self, path: Path) -> None:
        """Remove a file or a folder, if it is there."""
        with _failing(path):
            DiskFiles().remove(path)

    async def measure(self, source: Source) -> Measured:
        """What there is in a data directory. Raises PreflightError where it cannot be read."""
        return await to_thread.run_sync(_measure, source)

    async def pack(self, head: Backup, sources: Sequence[Source], archive: Path) -> None:
        """Write a backup for this user alone, or none. Raises PreflightError and Unfinished."""
        await to_thread.run_sync(_pack, head, sources, archive)

    async def verify(self, archive: Path) -> Verified:
        """What a backup says of itself, when each bit is as it was written. Raises Conflict, or PreflightError."""
        return await to_thread.run_sync(_verify, archive)

    async def unpack(self, archive: Path, places: Mapping[str, Path]) -> None:
        """Lay the data directories of a verified backup at places where nothing is. Raises Conflict, Unfinished."""
        await to_thread.run_sync(_unpack, archive, places)


def _measure(source: Source) -> Measured:
    size, passed, out = 0, [], []
    with _refusing(source.path):
        for thing in walk(source):
            from_thread.check_cancelled()
            size += thing.taken
            if thing.entry is None:
                passed.append(thing.path)
            elif thing.entry.leads_out:
                out.append(f"{thing.path} → {thing.entry.target}")
    return Measured(size=size, passed=tuple(passed), leading_out=tuple(out))


def _pack(head: Backup, sources: Sequence[Source], archive: Path) -> None:
    with _refusing(archive):
        archive.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        archive.unlink(missing_ok=True)
        descriptor = os.open(archive, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with (
            _failing(archive),
            os.fdopen(descriptor, "wb") as stream,
            tempfile.TemporaryFile(dir=archive.parent) as scratch,
        ):
            sealer = Sealer(stream, head, scratch)
            for source in sources:
                _add(sealer, source)
            sealer.seal()
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        archive.unlink(missing_ok=True)
        raise


def _add(sealer: Sealer, source: Source) -> None:
    for thing in walk(source):
        if thing.entry and thing.entry.kind == "file":
            with thing.open() as stream:
                sealer.add(thing.entry, stream)
        elif thing.entry:
            sealer.add(thing.entry)


def _verify(archive: Path) -> Verified:
    with _open(archive) as stream:
        sealed = Sealed(stream, str(archive))
        digest = sealed.verify()
        return Verified(head=sealed.head(), digest=digest)


def _unpack(archive: Path, places: Mapping[str, Path]) -> None:
    beside = next(iter(places.values())).parent
    with _open(archive) as stream:
        sealed = Sealed(stream, str(archive))
        for place in places.values():
            with _failing(place):
                place.parent.mkdir(parents=True, exist_ok=True)
        with (
            _failing(beside),
            tempfile.TemporaryFile(dir=beside) as scratch,
            sealed.reading(),
            contextlib.closing(Laying(places)) as laying,
        ):
            for entry, body in sealed.entries(scratch):
                laying.put(entry, body)
        os.sync()


def _open(archive: Path) -> BinaryIO:
    with _refusing(archive):
        return archive.open("rb")


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """What cannot be begun is for the user to mend first."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise PreflightError(Problem(path=str(path), what="cannot be used", why=why)) from error


@contextlib.contextmanager
def _failing(path: Path) -> Iterator[None]:
    """What fails midway is undone by who began it."""
    try:
        yield
    except OSError as error:
        where, why = str(error.filename or path), error.strerror or str(error)
        hint = "mend that, and run the same command again"
        raise Unfinished(Problem(path=where, what="cannot be read or written", why=why, hint=hint)) from error


def _settle(folder: Path) -> None:
    """Names of files are on the disk too, not only their bytes."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
