"""What several tables share: how a table behaves, and kinds of string."""

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


class Frozen(BaseModel):
    """Every table: frozen, no coercion, and an unknown key is an error. Only what is read is built, as one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


def table() -> Any:
    """A table that need not be there, as the defaults of its keys say.

    It is made by the validator of what it is in: an instance here would have one built for it alone, at every start.
    """
    return Field(default_factory=dict, validate_default=True)


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$", max_length=80)]
Binary = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=80)]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""What can be handed to a program."""
Command = tuple[Word, ...]
Program = Annotated[Command, Field(min_length=1)]
"""A command that is run here, so that its first word is a program."""
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""The name of an environment variable that a shell can set."""
Variables = dict[Annotated[str, StringConstraints(pattern=r"^[^=\x00]+$")], Word]
Duration = Annotated[str, StringConstraints(pattern=r"^\d+(ms|s|m|h)$")]
Size = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)? ?(kB|MB|GB)$")]
TargetTriple = Literal[
    "x86_64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
]


def inside(text: str) -> str:
    """A path below the repository, normalized. Raises ValueError for any other."""
    path = PurePosixPath(text)
    if not text or "\\" in text or "\0" in text or path.is_absolute() or ".." in path.parts:
        raise ValueError("expected a path below the repository, with slashes and without `..`")
    return str(path)


RelativePath = Annotated[str, AfterValidator(inside)]


def milliseconds(text: Duration) -> int:
    """A duration of the config as a number."""
    number = text.rstrip("msh")
    return int(number) * {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}[text[len(number) :]]


def in_bytes(text: Size) -> int:
    """A size of the config as a number."""
    number, unit = text[:-2].strip(), text[-2:]
    return int(float(number) * {"kB": 10**3, "MB": 10**6, "GB": 10**9}[unit])
