"""The tree of a transparency log (RFC 6962, 2.1)."""

import hashlib
from collections.abc import Sequence


def leaf_hash(data: bytes) -> bytes:
    """The hash of an entry."""
    return hashlib.sha256(b"\0" + data).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The hash of all of at least one leaf."""
    if len(leaves) == 1:
        return leaves[0]
    middle = _middle(leaves)
    return _node(root(leaves[:middle]), root(leaves[middle:]))


def path(index: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """The hashes that lead from a leaf to the root, the nearest first."""
    if len(leaves) == 1:
        return ()
    middle = _middle(leaves)
    if index < middle:
        return (*path(index, leaves[:middle]), root(leaves[middle:]))
    return (*path(index - middle, leaves[middle:]), root(leaves[:middle]))


def _middle(leaves: Sequence[bytes]) -> int:
    """The largest power of two below their number."""
    return 1 << (len(leaves) - 1).bit_length() - 1


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
