"""What is a secret, and where it goes: out of the configuration, into an environment file, or a file of its own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

# By the name of a key, as OpenClaw judges it itself, and by names that contain whole headers or environments.
_KEY: Final = re.compile(
    r"token$|password$|passphrase|secret|credential|authorization|cookie|api.?key|encrypt.?key|private.?key"
    r"|service.?account|webhook.?url|^proxy$",
    re.IGNORECASE,
)
_WITHIN: Final = frozenset(("headers", "env", "vars"))
# By its shape: keys of well-known services, user:password@ in an address, a query in one, and long random words.
_SHAPE: Final = re.compile(
    r"\b(?:sk|pk|rk|xox[abeoprs]|xapp|gh[opsur]|glpat|hf|gsk)[-_][0-9A-Za-z_-]{8,}|AIza[0-9A-Za-z_-]{20,}|AKIA[0-9A-Z]{12,}"
    r"|eyJ[0-9A-Za-z_-]{10,}\.|\b[0-9]{6,}:[0-9A-Za-z_-]{20,}|-----BEGIN|://[^/\s@]+@|://[^\s?]+\?"
    r"|(?=[0-9A-Za-z_+=-]*[0-9])(?=[0-9A-Za-z_+=-]*[A-Za-z])[0-9A-Za-z_+=-]{28,}",
)
# What means the same to systemd, compose, docker run and a shell.
_PLAIN: Final = re.compile(r"[0-9A-Za-z_@%+=:,./?&~^*!;<>()\[\]{}|-]+")

Path = Sequence[str | int]


def by_name(path: Path) -> bool:
    """Whether what stands at this path is a secret, whatever it is."""
    words = [part for part in path if isinstance(part, str)]
    return bool(words and _KEY.search(words[-1])) or not _WITHIN.isdisjoint(words[:-1])


def by_shape(text: str) -> bool:
    """Whether a text looks like a secret."""
    return _SHAPE.search(text) is not None


def shown(path: Path) -> str:
    """A path for people: `agents.list[0].model`; a key that looks like a secret is not shown."""
    told = ""
    for part in path:
        if isinstance(part, int):
            told += f"[{part}]"
        elif by_shape(part):
            told += ".‹hidden›"
        else:
            told += "." + (part if re.fullmatch(r"[\w$-]+", part) else f'"{part}"')
    return told.removeprefix(".")


def in_environment(value: str) -> bool:
    """Whether a value means the same in every kind of environment file."""
    return _PLAIN.fullmatch(value) is not None


@dataclass(slots=True, kw_only=True)
class Vault:
    """The secrets of a migration: variables by name, and files by name for what no environment file can hold."""

    folder: str
    """Where the files will be."""
    variables: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def keep(self, path: Path, value: str) -> tuple[str, str]:
        """Put a secret away; what stands for it in the configuration: `env` or `file`, and the name of that."""
        kept = self.variables if in_environment(value) else self.files
        name = self._name(path, value)
        kept[name] = value
        return ("env", name) if kept is self.variables else ("file", f"{self.folder}/{name}")

    def _name(self, path: Path, value: str) -> str:
        """AISOPOD_CHANNELS_TELEGRAM_BOT_TOKEN; with a number where two paths make one name."""
        words = "_".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(part)) for part in path if not by_shape(str(part)))
        name = base = "AISOPOD_" + re.sub(r"[^0-9A-Z]+", "_", words.upper()).strip("_")
        number = 1
        while value != {**self.files, **self.variables}.get(name, value):
            number += 1
            name = f"{base}_{number}"
        return name
