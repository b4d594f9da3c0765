"""The list of everything that makes something, in order. To add one: a module, a line here, a test."""

from collections.abc import Sequence
from typing import Final

from shipways.builders import command, go, prebuilt, zig
from shipways.ports import Maker

MAKERS: Final[Sequence[Maker]] = (
    go,  # Go → a static program per target
    zig,  # Zig → a program per target
    command,  # any command → its files, or a program per target
    prebuilt,  # programs built elsewhere → taken as they are
)
