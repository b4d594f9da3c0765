"""The kinds of rules: what code makes the value of a key, and where it goes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from shipways.migrate import values
from shipways.migrate.json5 import Node
from shipways.migrate.rules import Rule, State
from shipways.migrate.secrets import Path
from shipways.migrate.values import Json, Source, UnclearError, Valued, WrongError

_MENTION: Final = ("telegram", "whatsapp", "imessage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A key that a rule fits: its free names, its path as it stands there, the one that rules read, and all around."""

    rule: Rule
    free: tuple[str, ...]
    path: Path
    key: Path
    node: Node
    source: Source
    root: Node

    @property
    def target(self) -> tuple[str | int, ...]:
        """Its place in aisopod."""
        below = self.key[len(self.rule.key) - 1 :] if self.rule.key[-1] == "**" else ()
        return (*(part.format(*self.free) for part in self.rule.to), *below)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A value for each of some places; none where the key says nothing to aisopod. No state: by the name."""

    targets: tuple[tuple[str | int, ...], ...]
    value: Json = None
    note: str = ""
    lossy: bool = False
    state: State | None = None


def made(item: Item) -> Made:
    """What a key becomes. Raises UnclearError, WrongError."""
    if item.rule.kind in _SPECIAL:
        return _SPECIAL[item.rule.kind](item)
    convert = _VALUES.get(item.rule.kind)
    found = convert(item.node, item.source) if convert else values.carried(item.node, item.target, item.source)
    return _at(item, found)


def _at(item: Item, found: Valued) -> Made:
    return Made(targets=(item.target,), value=found.value, note=found.note, lossy=found.lossy)


def _secret(item: Item) -> Made:
    return _at(item, values.secret(item.node, item.target, item.source))


def _bind(item: Item) -> Made:
    if item.node.value != "custom":
        return _at(item, values.bind(item.node, item.source))
    if below(item.root, "gateway", "customBindHost") is None:
        raise WrongError("is custom, which needs gateway.customBindHost")
    return Made(targets=(), state=State.RENAMED, note="gateway.customBindHost says which")


def _custom(item: Item) -> Made:
    said = below(item.root, "gateway", "bind")
    if said is None or said.value != "custom":
        return Made(targets=(), state=State.DROPPED, note="only bind: custom reads it; nothing is lost")
    return _at(item, values.custom(item.node, item.source))


def _auth(item: Item) -> Made:
    said = values.plain(item.node, item.source)
    if said in ("none", "token"):
        return Made(targets=(item.target,), value=said)
    if said not in ("password", "trusted-proxy"):
        raise WrongError("expected none, token, password or trusted-proxy")
    raise UnclearError(f"aisopod has no {said}: it asks for a token until you have decided")


def _mode(item: Item) -> Made:
    said = values.plain(item.node, item.source)
    if said == "local":
        return Made(targets=(), state=State.DROPPED, note="aisopod always serves here; nothing is lost")
    if said != "remote":
        raise WrongError("expected local or remote")
    raise UnclearError("the gateway runs on another machine: migrate it there")


def _file(item: Item) -> Made:
    said = values.plain(item.node, item.source)
    if not said.startswith("/"):
        raise UnclearError("aisopod wants the whole path of a file")
    return Made(targets=(item.target,), value={"file": said}, note="read from the same file")


def _mention(item: Item) -> Made:
    there = [name for name in _MENTION if below(item.root, "channels", name) or below(item.root, name)]
    if not there:
        raise UnclearError("no channel is configured to which it belongs")
    targets = tuple(("channels", name, *item.target[2:]) for name in there)
    return Made(targets=targets, value=values.carried(item.node, item.target, item.source).value)


def _id(item: Item) -> Made:
    if not isinstance(item.node.value, str) or not item.node.value:
        raise WrongError("expected a text that is not empty")
    return Made(targets=(("agents", "entries", item.node.value),), value={}, state=State.RENAMED)


def _api(item: Item) -> Made:
    said = values.plain(item.node, item.source)
    old = said == "openai"
    return Made(
        targets=(item.target,),
        value="openai-completions" if old else said,
        note="openai is openai-completions in later releases" if old else "",
    )


def below(root: Node, *path: str) -> Node | None:
    """What is at a path, or None."""
    found: Node | None = root
    for part in path:
        found = found.value.get(part) if found and isinstance(found.value, Mapping) else None
    return found


_VALUES: Final[Mapping[str, Callable[[Node, Source], Valued]]] = {"port": values.port, "level": values.level}
_SPECIAL: Final[Mapping[str, Callable[[Item], Made]]] = {
    "secret": _secret,
    "bind": _bind,
    "custom": _custom,
    "auth": _auth,
    "mode": _mode,
    "file": _file,
    "mention": _mention,
    "id": _id,
    "api": _api,
}
