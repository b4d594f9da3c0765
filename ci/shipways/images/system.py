"""What every program expects to find, for images that start from nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import certifi

from shipways.images.rootfs import Entry
from shipways.ports import Files

RECIPE: Final = f"certifi {certifi.__version__}"
"""Everything besides the user that it depends on, for the inputs of a step."""
_CERTIFICATES: Final = "etc/ssl/certs/ca-certificates.crt"
"""Where Debian has them, and so where every TLS library looks."""


def system(files: Files, user: str) -> Iterator[tuple[str, Entry]]:
    """CA certificates, the names of root and of the user (`uid:gid`), and /tmp."""
    uid, gid = user.split(":")
    people = ["root:x:0:0:root:/root:/sbin/nologin", f"nonroot:x:{uid}:{gid}:nonroot:/:/sbin/nologin"]
    groups = ["root:x:0:", f"nonroot:x:{gid}:"]
    yield _CERTIFICATES, Entry(mode=0o644, content=files.read(Path(certifi.where())))
    yield "etc/passwd", Entry(mode=0o644, content=_lines(people if int(uid) else people[:1]))
    yield "etc/group", Entry(mode=0o644, content=_lines(groups if int(gid) else groups[:1]))
    yield "tmp", Entry(mode=0o1777)


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
