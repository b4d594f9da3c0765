"""Results by the digest of their inputs, on disk, verified whenever they are read."""

import contextlib
import functools
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
from anyio import to_thread
from pydantic import TypeAdapter, ValidationError

from shipways.adapters.files import DiskFiles, disk_error
from shipways.adapters.locks import try_lock
from shipways.errors import PreflightError, Problem
from shipways.model.artifact import Artifact, Blob, Output
from shipways.tasks import together


class _Other(Exception):  # noqa: N818 - it ends the writing of a file, and is no error
    """The bytes are not those that were told."""


class DiskStore:
    """The `Store` port below one folder.

    `objects/ab/…` holds bytes by their own digest, `results/ab/….json` the outputs of a key, `tmp/` the scratch folders
    of runs. A run holds a lock on its scratch folder, so one that was killed is swept by the next.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files = DiskFiles()
        self._hashing = anyio.CapacityLimiter(os.cpu_count() or 2)

    async def load(self, key: str) -> tuple[Blob, ...] | None:
        """The result of these inputs; None when it, or one byte of it, is missing or wrong."""
        try:
            blobs = _blobs().validate_json(self._result(key).read_bytes())
        except (OSError, ValidationError):
            return None
        for blob in blobs:
            if await self._digest(self.path(blob)) != blob.digest:
                self.path(blob).unlink(missing_ok=True)
                return None
        with contextlib.suppress(OSError):  # a store that is read only still serves
            os.utime(self._result(key))  # so that `prune` knows what is in use
        return blobs

    async def save(self, key: str, outputs: Sequence[Output]) -> tuple[Blob, ...]:
        """Move the outputs into the store, then write the result: a kill in between leaves only bytes nobody names."""
        try:
            blobs = tuple([await self._adopt(output) for output in outputs])
            with self._files.create(self._result(key)) as stream:
                stream.write(_blobs().dump_json(blobs))
        except OSError as error:
            raise disk_error(error, self._root) from error
        return blobs

    async def receive(self, blob: Blob, source: Path) -> str:
        """Copy a file that was made elsewhere, if its bytes are the blob's; they are hashed while they are copied."""
        return await to_thread.run_sync(self._receive, blob, source, limiter=self._hashing)

    def _receive(self, blob: Blob, source: Path) -> str:
        hasher = hashlib.sha256()
        try:
            original = source.open("rb")
        except OSError:
            return ""
        with original, contextlib.suppress(_Other), self._files.create(self.path(blob)) as stream:
            while piece := original.read(1 << 20):
                hasher.update(piece)
                stream.write(piece)
            if f"sha256:{hasher.hexdigest()}" != blob.digest:
                raise _Other
        return f"sha256:{hasher.hexdigest()}"

    def path(self, blob: Blob) -> Path:
        """Where its bytes lie."""
        name = blob.digest.removeprefix("sha256:")
        return self._root / "objects" / name[:2] / name[2:]

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder for one run; folders of dead runs are swept first."""
        folder = self._root / "tmp"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            sweep(folder)
            own = folder / f"run-{uuid.uuid4().hex}"
        except OSError as error:
            raise disk_error(error, self._root) from error
        with contextlib.ExitStack() as stack:
            # The lock comes first, so a folder without one is nobody's; a sweep may hold it for a moment.
            while stack.enter_context(try_lock(own.with_suffix(".lock"))) is None:
                stack.close()
            try:
                own.mkdir()
                yield own
            finally:
                self._files.remove(own)
                own.with_suffix(".lock").unlink(missing_ok=True)

    async def deliver(self, artifacts: Sequence[Artifact], folder: Path) -> None:
        """Lay artifacts by name below a folder; what already has the right bytes is left alone."""
        await together(functools.partial(self._lay, artifact.blob, folder / artifact.name) for artifact in artifacts)

    async def _lay(self, blob: Blob, place: Path) -> None:
        try:
            if await self._digest(place) == blob.digest:
                place.chmod(0o755 if blob.executable else 0o644)
                return
        except OSError as error:
            raise disk_error(error, place) from error
        await to_thread.run_sync(self._copy, blob, place, limiter=self._hashing)

    def _copy(self, blob: Blob, place: Path) -> None:
        with self._files.create(place, executable=blob.executable) as stream, self.path(blob).open("rb") as source:
            shutil.copyfileobj(source, stream, 1 << 20)

    async def _adopt(self, output: Output) -> Blob:
        digest = await self._digest(output.path)
        blob = Blob(
            name=output.name,
            kind=output.kind,
            digest=digest,
            size=output.path.stat().st_size,
            executable=output.executable,
            linkage=output.linkage,
            media_type=output.media_type,
            varies=output.varies,
        )
        place = self.path(blob)
        place.parent.mkdir(parents=True, exist_ok=True)
        output.path.chmod(0o755 if output.executable else 0o644)
        output.path.replace(place)
        return blob

    async def _digest(self, path: Path) -> str:
        return await to_thread.run_sync(self._files.digest, path, limiter=self._hashing)

    def _result(self, key: str) -> Path:
        name = key.removeprefix("sha256:")
        return self._root / "results" / name[:2] / f"{name[2:]}.json"

    def usage(self) -> dict[str, tuple[int, int]]:
        """For each part of the store, how many files and bytes it holds."""
        parts = sorted(folder.name for folder in self._root.iterdir()) if self._root.exists() else []
        return {
            part: (len(files), sum(file.stat().st_size for file in files))
            for part in parts
            for files in (self._files.list(self._root / part),)
        }

    def prune(self, older_than: float) -> tuple[int, int]:
        """Remove results not written or read since `older_than` (seconds since 1970), and objects that no result names.

        Returns how many objects went, and their bytes. Raises PreflightError while a run uses the store.
        """
        self._idle()
        kept: set[str] = set()
        removed = size = 0
        for result in self._files.list(self._root / "results"):
            if result.stat().st_mtime < older_than:
                result.unlink()
                continue
            with contextlib.suppress(ValidationError):
                kept |= {self.path(blob).name for blob in _blobs().validate_json(result.read_bytes())}
        for item in self._files.list(self._root / "objects"):
            if item.name not in kept:
                removed, size = removed + 1, size + item.stat().st_size
                item.unlink()
        return removed, size

    def clear(self) -> tuple[int, int]:
        """Remove everything, installed toolchains and compiler caches too. Returns and raises as `prune`."""
        self._idle()
        parts = self.usage()
        for part in parts:
            self._files.remove(self._root / part)
        return sum(files for files, _ in parts.values()), sum(size for _, size in parts.values())

    def _idle(self) -> None:
        sweep(self._root / "tmp")
        if any((self._root / "tmp").glob("*.lock")):
            raise PreflightError(
                Problem(
                    path=str(self._root),
                    what="a run is using the store",
                    why="it would lose what it has just made",
                    hint="try again when it has ended",
                )
            )


@functools.cache
def _blobs() -> TypeAdapter[tuple[Blob, ...]]:
    """Built when first used: a plan reads no results."""
    return TypeAdapter(tuple[Blob, ...])


def sweep(folder: Path) -> None:
    """Remove the folders whose `NAME.lock` nobody holds, or that have none: their run was killed.

    A lock is always there before its folder. Those of other users are theirs.
    """
    names = {path.with_suffix("") for path in folder.glob("*")}
    for lock in (name.with_suffix(".lock") for name in names):
        with contextlib.suppress(PermissionError, FileNotFoundError), try_lock(lock) as held:
            if held is not None:
                DiskFiles().remove(lock.with_suffix(""))
                lock.unlink(missing_ok=True)
