"""The build information that Go's linker writes into programs (Go's debug/buildinfo, since Go 1.18)."""

from typing import Final

_MAGIC: Final = b"\xff Go buildinf:"
_ALIGN: Final = 16
_FLAGS: Final = 15
_INLINE: Final = 2
"""The flag that says that the texts follow; before Go 1.18 there were pointers to them."""
_HEADER: Final = 32
_MARK: Final = 16
"""Bytes of a mark around the text about modules, by which a running program finds it."""


def build_information(section: bytes) -> str:
    """The version of Go, and below it the text about modules; empty when the section has none."""
    at = section.find(_MAGIC)
    while at != -1 and at % _ALIGN:
        at = section.find(_MAGIC, at + 1)
    if at == -1 or len(section) < at + _HEADER or not section[at + _FLAGS] & _INLINE:
        return ""
    version, rest = _text(section[at + _HEADER :])
    modules, _ = _text(rest)
    return f"{version.decode(errors='replace')}\n{modules[_MARK:-_MARK].decode(errors='replace')}"


def _text(data: bytes) -> tuple[bytes, bytes]:
    """A text behind its length (encoding/binary, "Uvarint"), and what comes after it."""
    size = shift = used = 0
    for used, byte in enumerate(data, 1):  # noqa: B007 - it is what is left of the loop
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return data[used : used + size], data[used + size :]
