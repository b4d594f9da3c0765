"""A token or password as a type, so that it cannot be printed, compared or stored by accident."""

from collections.abc import Iterable
from typing import Final, NoReturn

_SHORT: Final = 3
"""Letters of a text that is too short to be hidden: every other text has it."""


class Secret:
    """Prints as `***`. `open` is for the adapter that sends it, and for nobody else."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def open(self) -> str:
        """The value itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not stored")


def telling(values: Iterable[str]) -> tuple[str, ...]:
    """What a log shows of values: each, and its lines, one time."""
    lines = dict.fromkeys(line for value in values for line in (value, *value.splitlines()))
    return tuple(line for line in lines if len(line) > _SHORT)


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without the values of secrets. One may begin with another, so the longest go first."""
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, "***")
    return text
