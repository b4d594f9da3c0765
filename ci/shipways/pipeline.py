"""The list of everything that makes something, in order. To add one: a module, a line here, a test."""

from collections.abc import Sequence
from typing import Final

from shipways.builders import go
from shipways.ports import Maker

MAKERS: Final[Sequence[Maker]] = (
    go,  # Go → a static program per target
)
