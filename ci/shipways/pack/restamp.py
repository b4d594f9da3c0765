"""Takes the hour of a build out of a tar archive that another program wrote, and leaves everything else as it is."""

import tarfile
from typing import BinaryIO, Final, cast

from shipways.pack.tarwriter import Sink

_PIECE: Final = 1 << 20
_TIMES: Final = {"mtime", "atime", "ctime"}


def restamp(archive: BinaryIO, sink: Sink, epoch: int) -> None:
    """Copy an archive; everything in it gets the time `epoch`, in seconds since 1970. Raises tarfile.TarError.

    To set only what is newer is not enough: what an engine has in its cache is of the hour when it was built there.
    """
    with (
        tarfile.open(fileobj=archive, mode="r|", bufsize=_PIECE, encoding="utf-8") as old,
        tarfile.open(
            fileobj=cast(BinaryIO, sink), mode="w|", bufsize=_PIECE, encoding="utf-8", format=tarfile.PAX_FORMAT
        ) as new,
    ):
        while (member := old.next()) is not None:
            member.mtime = max(epoch, 0)
            member.pax_headers = {name: value for name, value in member.pax_headers.items() if name not in _TIMES}
            new.addfile(member, old.extractfile(member) if member.isreg() else None)
            # tarfile remembers every member, and a layer may have a hundred thousand
            for archive_ in (old, new):
                archive_.members.clear()  # type: ignore[attr-defined] # it is public, but the stubs lack it
    while archive.read(_PIECE):
        pass
