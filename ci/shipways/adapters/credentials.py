"""Tokens from the environment, or from the files that it names: never from the config."""

from collections.abc import Mapping
from pathlib import Path

from shipways.errors import PreflightError, Problem
from shipways.model.secret import Secret


class Credentials:
    """The user's tokens, by the names of variables; `NAME_FILE` is the path of a file with the value of `NAME`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def secret(self, *names: str) -> Secret:
        """The first of these that is set; an empty one when none is. Raises PreflightError for a file without text."""
        for name in names:
            if value := self._env.get(name, "").strip():
                return Secret(_header(name, value))
            if path := self._env.get(f"{name}_FILE"):
                return Secret(_header(f"{name}_FILE", _text(f"{name}_FILE", path)))
        return Secret("")

    def key(self, name: str) -> Secret:
        """The same for a key, which may have several lines."""
        if path := "" if self._env.get(name, "").strip() else self._env.get(f"{name}_FILE"):
            return Secret(_file(f"{name}_FILE", path))
        return Secret(self._env.get(name, "").strip())


def _header(name: str, value: str) -> str:
    """A token as it can be sent: the library that sends another one would show it in its error."""
    if not (value.isascii() and value.isprintable()):
        raise PreflightError(Problem(path=name, what="holds characters that no token has"))
    return value


def _text(name: str, path: str) -> str:
    text = _file(name, path)
    if not text or "\n" in text:
        raise PreflightError(Problem(path=name, what="names a file that does not hold one line"))
    return text


def _file(name: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise PreflightError(Problem(path=name, what="names a file that cannot be read", why=str(error))) from None
