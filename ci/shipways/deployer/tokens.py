"""Tokens: who may ask for what. Only their digests are kept, a line each of name, scopes and SHA-256."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from shipways.errors import ConfigError, Problem

LOOPBACK: Final = "loopback"
"""Who asks from this machine without a token; no token has that name."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Scope(StrEnum):
    """What one may do: see, deploy (and cancel, and roll back), or hold."""

    READ = "read"
    DEPLOY = "deploy"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A line of the file."""

    name: str
    scopes: frozenset[Scope]
    digest: str

    def __str__(self) -> str:
        scopes = ",".join(scope for scope in Scope if scope in self.scopes)
        return f"{self.name} {scopes} {self.digest}"


class Tokens(Protocol):
    """Where they are kept."""

    def text(self) -> str:
        """The file as it is now; empty when there is none, or others than its owner may write it."""
        ...


class Keys:
    """The tokens that are valid now: another text of the file is read again."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._text = ""
        self._known: tuple[Token, ...] = ()

    def __iter__(self) -> Iterator[Token]:
        """A line that is none is passed over: the others stay valid, and it lets nobody in."""
        text = self._tokens.text()
        if text != self._text:
            self._text, self._known = text, parsed(text)[0]
        return iter(self._known)

    def holder(self, word: str) -> Token | None:
        """Whose it is. Each is compared, so that time tells nothing."""
        digest = digest_of(word)
        found = [token for token in self if hmac.compare_digest(token.digest, digest)]
        return found[0] if found else None


def digest_of(word: str) -> str:
    """What is kept of a token. It has 256 random bits, so a slow digest would protect nothing more."""
    return hashlib.sha256(word.encode(errors="surrogateescape")).hexdigest()


def new(name: str, scopes: Sequence[str]) -> tuple[Token, str]:
    """A token, and the word that is shown once. Raises ConfigError with the options that are wrong."""
    checks = (("--new-token", _unnamed(name)), ("--scopes", _unknown(scopes)))
    if problems := [Problem(path=option, what=what) for option, what in checks if what]:
        raise ConfigError(*problems)
    word = f"shipways-{secrets.token_urlsafe(32)}"
    return Token(name=name, scopes=frozenset(Scope(scope) for scope in scopes), digest=digest_of(word)), word


def parsed(text: str) -> tuple[tuple[Token, ...], tuple[Problem, ...]]:
    """The tokens of a file, and what is wrong with other lines. `#` begins a comment."""
    found: list[Token] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        token = _token(words, {each.name for each in found})
        if isinstance(token, str):
            problems.append(Problem(path=f"line {number}", what=token, hint="NAME read,deploy,hold SHA-256"))
        else:
            found.append(token)
    return tuple(found), tuple(problems)


def _token(words: Sequence[str], names: set[str]) -> Token | str:
    """The token, or what is wrong."""
    if len(words) != 3 or not _DIGEST.fullmatch(words[2]):
        return "is not a name, scopes and a digest"
    name, scopes = words[0], words[1].split(",")
    if wrong := _unnamed(name):
        return wrong
    if name in names:
        return f"there is a token {name} before it"
    if wrong := _unknown(scopes):
        return wrong
    return Token(name=name, scopes=frozenset(Scope(scope) for scope in scopes), digest=words[2])


def _unnamed(name: str) -> str:
    """Why this is no name; empty when it is one."""
    return "" if _NAME.fullmatch(name) and name != LOOPBACK else f"{name!r} cannot be the name of a token"


def _unknown(scopes: Sequence[str]) -> str:
    """Which of them are none; empty when all are."""
    unknown = ", ".join(repr(scope) for scope in sorted(set(scopes) - set(Scope)))
    return f"there is no scope {unknown}" if unknown else ""
