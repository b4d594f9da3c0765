"""Where a configuration of OpenClaw may be: every place and name it has ever had, the most particular first."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shipways.errors import ConfigError, Problem
from shipways.ports import Files

# The program was clawdbot, for days moldbot and moltbot; current releases look for less than this.
_NAMES: Final = ("openclaw", "clawdbot", "moldbot", "moltbot")
_PREFIXES: Final = ("OPENCLAW", "CLAWDBOT")
_PROFILE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Whose configuration is looked for: the environment, the home folder, and the profile (empty: the default)."""

    env: Mapping[str, str]
    folder: Path
    profile: str = ""

    def variable(self, name: str) -> str:
        """A setting such as STATE_DIR, by the newest program that says it."""
        return next((said for prefix in _PREFIXES if (said := self.env.get(f"{prefix}_{name}", "").strip())), "")

    def path(self, text: str) -> Path:
        """A path as OpenClaw reads it: `~` is the home folder."""
        if text == "~" or text.startswith(("~/", "~\\")):
            return self.folder / text[2:]
        return Path(text)


def home(env: Mapping[str, str], folder: Path, profile: str) -> Home:
    """Where to look. Raises ConfigError for a profile that cannot be the end of a name."""
    moved = env.get("OPENCLAW_HOME", "").strip()
    base = Home(env=env, folder=folder)
    said = profile or base.variable("PROFILE")
    named = "" if said.lower() == "default" else said
    if named and not _PROFILE.fullmatch(named):
        raise ConfigError(Problem(path="--profile", what="is no name of a profile: letters, digits, - and _"))
    return Home(env=env, folder=base.path(moved) if moved else folder, profile=named)


def candidates(home: Home) -> Iterator[Path]:
    """Every place, in order; what a variable names first."""
    if said := home.variable("CONFIG_PATH"):
        yield home.path(said)
    folders = [home.path(said)] if (said := home.variable("STATE_DIR")) else []
    folders += [home.folder / named(f".{name}", home) for name in _NAMES]
    for folder in folders:
        yield from (folder / f"{name}.json" for name in _NAMES)


def named(name: str, home: Home) -> str:
    """A name with the profile behind it."""
    return f"{name}-{home.profile}" if home.profile else name


def port(home: Home) -> int:
    """What OpenClaw listens on when nothing says it: for a profile a number that follows from its name; 0: 18789."""
    number = 2166136261
    for byte in home.profile.encode():
        number = (number ^ byte) * 16777619 % 2**32  # FNV-1a
    return 20000 + number % 40000 if home.profile else 0


def found(home: Home, files: Files) -> tuple[Path, ...]:
    """Those that are there: the first is the one in use. Raises ConfigError when none is."""
    places = tuple(dict.fromkeys(candidates(home)))
    there = tuple(path for path in places if files.exists(path))
    if not there:
        looked = ", ".join(sorted({posixpath.join(path.parent.as_posix(), "") for path in places}))
        raise ConfigError(
            Problem(
                path="openclaw.json",
                what="no configuration of OpenClaw is here",
                why=f"looked in {looked}",
                hint="name the file: `shipways migrate openclaw --config FILE`",
            )
        )
    return there


def roots(home: Home, separator: str) -> tuple[Path, ...]:
    """Folders outside of the configuration's own that `$include` may name (OPENCLAW_INCLUDE_ROOTS)."""
    said = home.variable("INCLUDE_ROOTS").split(separator)
    return tuple(path for each in said if (path := home.path(each.strip())).is_absolute())
