"""The value of a key as aisopod wants it: plain, a reference to a secret, or said in other words."""

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from shipways.migrate import secrets, variables
from shipways.migrate.json5 import Node

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

_BINDS: Final = {"loopback": "127.0.0.1", "localhost": "127.0.0.1", "lan": "0.0.0.0", "auto": "127.0.0.1"}  # noqa: S104 - what the user has set
_LEVELS: Final = {"fatal": "error", "silent": "error", "trace": "debug"}
_SOURCES: Final = frozenset(("env", "file", "exec", "store"))
_PORT: Final = re.compile(r"[0-9]{1,5}")


class UnclearError(Exception):
    """A person has to decide; the message says what."""


class WrongError(Exception):
    """OpenClaw would refuse this value too; the message says what it wants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued:
    """A value for aisopod, and what is to be said of it. `lossy`: it does not mean quite the same."""

    value: Json
    note: str = ""
    lossy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What values are looked up in: the variables, where secrets go, and the table `secrets.providers`."""

    known: Mapping[str, str]
    vault: secrets.Vault
    providers: Mapping[str, Node]


def is_reference(node: Node) -> bool:
    """Whether this is a SecretRef."""
    value = node.value
    if not isinstance(value, dict) or not {"source", "id"} <= set(value) <= {"source", "provider", "id"}:
        return False
    return value["source"].value in _SOURCES


def carried(node: Node, path: secrets.Path, source: Source) -> Valued:
    """A value for the same purpose. Raises UnclearError."""
    value = node.value
    if is_reference(node):
        return _referred(node, source)
    if isinstance(value, tuple):
        every = [carried(item, (*path, number), source) for number, item in enumerate(value)]
        notes = dict.fromkeys(each.note for each in every if each.note)
        return Valued(value=[each.value for each in every], note="; ".join(notes))
    if isinstance(value, str):
        return _text(value, path, source, secret=secrets.by_name(path))
    if isinstance(value, float) and not math.isfinite(value):
        raise UnclearError("JSON has no such number")
    if isinstance(value, int | float) and not isinstance(value, bool) and secrets.by_name(path):
        return _text(str(value), path, source, secret=True)
    return Valued(value={} if isinstance(value, Mapping) else value)


def secret(node: Node, path: secrets.Path, source: Source) -> Valued:
    """A reference to a secret. Raises UnclearError, WrongError."""
    if is_reference(node):
        return _referred(node, source)
    if not isinstance(node.value, str) or not node.value:
        raise WrongError("expected a text that is not empty, or a reference to a secret")
    return _text(node.value, path, source, secret=True)


def plain(node: Node, source: Source) -> str:
    """A text or number that aisopod wants as it is, with its variables replaced. Raises UnclearError, WrongError."""
    if not isinstance(node.value, str):
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return str(node.value)
        raise WrongError("expected a text or a number")
    _all_known(node.value, source)
    return variables.replaced(node.value, lambda name: source.known[name])


def port(node: Node, source: Source) -> Valued:
    """1 to 65535. Raises UnclearError, WrongError."""
    said = plain(node, source)
    if not _PORT.fullmatch(said) or not 1 <= int(said) <= 65535:
        raise WrongError("expected a number from 1 to 65535")
    return Valued(value=int(said))


def bind(node: Node, source: Source) -> Valued:
    """The address of a way to listen. Raises UnclearError, WrongError."""
    said = plain(node, source)
    if said == "tailnet":
        raise UnclearError("put the address of this machine in the tailnet there; until then it listens on loopback")
    if said == "auto":
        return Valued(value=_BINDS[said], note="auto is loopback where it can be", lossy=True)
    return Valued(value=_BINDS[said]) if said in _BINDS else Valued(value=_address(said))


def custom(node: Node, source: Source) -> Valued:
    """The address of `bind: custom`. Raises UnclearError, WrongError."""
    return Valued(value=_address(plain(node, source)))


def level(node: Node, source: Source) -> Valued:
    """The level of a log. Raises UnclearError, WrongError."""
    said = plain(node, source)
    if said in ("error", "warn", "info", "debug"):
        return Valued(value=said)
    if said not in _LEVELS:
        raise WrongError("expected silent, fatal, error, warn, info, debug or trace")
    return Valued(value=_LEVELS[said], note=f"aisopod has no {said}, so it is {_LEVELS[said]}", lossy=True)


def _address(said: str) -> str:
    try:
        return str(ipaddress.ip_address(said.strip("[]")))
    except ValueError:
        raise WrongError("expected loopback, lan, auto, tailnet, custom or an IP address") from None


def _text(value: str, path: secrets.Path, source: Source, *, secret: bool) -> Valued:
    if name := variables.whole(value):
        return _variable(name)
    mixed = bool(variables.named(value))
    if mixed:
        _all_known(value, source)
    said = variables.replaced(value, lambda name: source.known[name])
    if mixed or (said and (secret or secrets.by_shape(said))):
        kind, name = source.vault.keep(path, said)
        return Valued(value={kind: name}, note=f"secret → {kind} {name}")
    return Valued(value=said)


def _variable(name: str) -> Valued:
    new = variables.NAMES.get(name, name)
    return Valued(value={"env": new}, note=f"set {name}, as before" if new == name else f"set {new} to what {name} is")


def _all_known(value: str, source: Source) -> None:
    if lacking := [name for name in variables.named(value) if not source.known.get(name)]:
        raise UnclearError(f"is made of {', '.join(lacking)}, which nothing here sets: run this again with it")


def _referred(node: Node, source: Source) -> Valued:
    """The same reference in aisopod's words. Raises UnclearError."""
    said = {key: each.value for key, each in node.value.items()} if isinstance(node.value, dict) else {}
    where, name = said.get("source"), said.get("id")
    if not isinstance(name, str):
        raise UnclearError("this reference to a secret has no id")
    if where == "env":
        return _variable(name)
    provider = source.providers.get(str(said.get("provider")))
    table = provider.value if provider and isinstance(provider.value, dict) else {}
    path, mode = (table[key].value if key in table else None for key in ("path", "mode"))
    if where == "file" and mode == "singleValue" and isinstance(path, str):
        return Valued(value={"file": path}, note="read from the same file")
    raise UnclearError(f"aisopod reads no secrets of the source {where}: put it into a file or a variable")
