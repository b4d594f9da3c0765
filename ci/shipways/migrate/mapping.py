"""Walks over a configuration of OpenClaw by the rules: aisopod's configuration, its secrets, and a row for each key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from shipways.errors import ConfigError, Problem
from shipways.migrate.json5 import Node
from shipways.migrate.kinds import Item, Made, below, made
from shipways.migrate.rules import RULES, Rule, State, matched
from shipways.migrate.secrets import Path, Vault, in_environment, shown
from shipways.migrate.tree import Tree
from shipways.migrate.values import Json, Source, UnclearError, WrongError, is_reference
from shipways.migrate.variables import NAMES, PLACES, Setting

TOKEN: Final = "AISOPOD_AUTH_TOKEN"  # noqa: S105 - the name of a variable
_LOOPBACK: Final = (None, "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of a key: its path, where it stands, its place in aisopod. `lossy`: something is not as before."""

    state: State
    key: str
    at: str
    to: str = ""
    note: str = ""
    lossy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is known beside the configuration.

    `settings` are files of variables by name, `env` is the environment, `folder` is where files of secrets will be,
    `data_dir` where aisopod keeps its state, `port` what OpenClaw listens on when nothing says it (0: as aisopod).
    """

    settings: Mapping[str, tuple[Setting, ...]]
    env: Mapping[str, str]
    folder: str
    data_dir: str
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """aisopod's configuration, its variables and files of secrets, and the report."""

    config: Mapping[str, Json]
    variables: Mapping[str, str]
    files: Mapping[str, str]
    rows: tuple[Row, ...]


def migrate(root: Node, around: Around) -> Migration:
    """Map everything. Raises ConfigError with all that is invalid."""
    vault = Vault(folder=around.folder)
    beside = {each.name: each.value for said in around.settings.values() for each in said}
    source = Source(
        known={**_inline(root), **beside, **around.env},
        vault=vault,
        providers=_table(below(root, "secrets", "providers")),
    )
    walk = _Walk(root=root, source=source)
    for file, settings in around.settings.items():  # first: they win over those in the configuration
        for each in settings:
            walk.variable(each.name, each.value, each.name, f"{file}:{each.line}")
    walk.visit((), (), root)
    walk.close(around)
    if walk.problems:
        raise ConfigError(*walk.problems)
    return Migration(config=walk.tree.json(), variables=vault.variables, files=vault.files, rows=tuple(walk.rows))


@dataclass(slots=True, kw_only=True)
class _Walk:
    root: Node
    source: Source
    tree: Tree = field(default_factory=Tree)
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def visit(self, path: Path, key: Path, node: Node) -> None:
        """A value and all below it. `path` is as it stands there, in `key` agents have their names."""
        leaf = _is_leaf(node)
        if key:
            for rule in RULES:
                free = matched(rule, key, leaf=leaf)
                if free is not None and (rule.kind != "variable" or isinstance(node.value, str)):
                    self._apply(
                        rule,
                        Item(rule=rule, free=free, path=path, key=key, node=node, source=self.source, root=self.root),
                    )
                    return
        if not leaf or not key:
            for part, named, inner in _inner(key, node):
                self.visit((*path, part), (*key, named), inner)
            return
        empty = node.value in ({}, ())
        state, note = (State.DROPPED, "is empty") if empty else (State.HUMAN, "no key of aisopod is known for it")
        self._row(state, path, node, note=note, lossy=not empty)

    def variable(self, name: str, value: str, shown_as: str, at: str) -> None:
        """A variable that OpenClaw was given goes to aisopod's environment file."""
        to = NAMES.get(name, name)
        if name in PLACES:
            note = "where OpenClaw's own files are; nothing is lost"
            self.rows.append(Row(state=State.DROPPED, key=shown_as, at=at, note=note))
        elif not in_environment(value):
            note = (
                "its value is empty, or has spaces or quotes, which environment files do not agree on: set it yourself"
            )
            self.rows.append(Row(state=State.HUMAN, key=shown_as, at=at, to=f"env {to}", note=note, lossy=True))
        elif to in self.source.vault.variables:
            note = "is said before, which holds; nothing is lost"
            self.rows.append(Row(state=State.DROPPED, key=shown_as, at=at, note=note))
        else:
            self.source.vault.variables[to] = value
            state = State.MAPPED if to == name else State.RENAMED
            self.rows.append(Row(state=state, key=shown_as, at=at, to=f"env {to}"))

    def close(self, around: Around) -> None:
        """What follows from what is not said, and may not become less safe by that."""
        if around.port:
            self.tree.put(("gateway", "server", "port"), around.port)
        self.tree.put(("data_dir",), around.data_dir)
        open_door = self.tree.get("auth", "mode") == "none"
        if open_door and self.tree.get("gateway", "bind", "address") not in _LOOPBACK:
            note = "OpenClaw refuses to listen to others without a token, so aisopod asks for one"
            self._row(State.HUMAN, ("gateway", "auth", "mode"), self.root, to="auth.mode", note=note, lossy=True)
            open_door = False
        if open_door:
            return
        self.tree.replace(("auth", "mode"), "token")
        if self.tree.get("auth", "token") is None and TOKEN not in self.source.vault.variables:
            note = f"OpenClaw makes one up where none is said: set {TOKEN}"
            self._row(State.HUMAN, ("gateway", "auth", "token"), self.root, to="auth.token", note=note, lossy=True)

    def _apply(self, rule: Rule, item: Item) -> None:
        if rule.state in (State.DROPPED, State.HUMAN):
            self._row(rule.state, item.path, item.node, note=rule.note, lossy=rule.lossy)
            return
        if rule.kind == "variable" and isinstance(item.node.value, str):
            self.variable(str(item.key[-1]), item.node.value, shown(item.path), item.node.at)
            return
        try:
            found = made(item)
        except UnclearError as error:
            self._row(State.HUMAN, item.path, item.node, to=shown(item.target), note=str(error), lossy=True)
        except WrongError as error:
            self.problems.append(Problem(path=shown(item.path), what=str(error), place=item.node.at))
        else:
            self._put(item, found)

    def _put(self, item: Item, found: Made) -> None:
        taken = [target for target in found.targets if not self.tree.put(target, found.value)]
        if taken:
            note = "another key says this already, which holds"
            self._row(State.DROPPED, item.path, item.node, to=shown(taken[0]), note=note, lossy=True)
            return
        state = found.state or (State.MAPPED if found.targets == (tuple(item.path),) else State.RENAMED)
        to = ", ".join(shown(target) for target in found.targets)
        self._row(state, item.path, item.node, to=to, note=found.note, lossy=found.lossy)

    def _row(self, state: State, path: Path, node: Node, *, to: str = "", note: str = "", lossy: bool = False) -> None:
        self.rows.append(Row(state=state, key=shown(path), at=node.at, to=to, note=note, lossy=lossy))


def _is_leaf(node: Node) -> bool:
    """A value that goes as one: a scalar, a list of scalars, nothing, or a reference to a secret."""
    if isinstance(node.value, dict):
        return not node.value or is_reference(node)
    if isinstance(node.value, tuple):
        return not any(isinstance(item.value, dict | tuple) and not is_reference(item) for item in node.value)
    return True


def _inner(key: Path, node: Node) -> Iterator[tuple[str | int, str | int, Node]]:
    """Members of an object, or items of a list: those of `agents.list` by their ids."""
    if isinstance(node.value, dict):
        yield from ((name, name, each) for name, each in node.value.items())
    elif isinstance(node.value, tuple):
        for number, each in enumerate(node.value):
            name = _table(each).get("id") if tuple(key) == ("agents", "list") else None
            yield number, name.value if name and isinstance(name.value, str) else number, each


def _table(node: Node | None) -> Mapping[str, Node]:
    return node.value if node and isinstance(node.value, dict) else {}


def _inline(root: Node) -> dict[str, str]:
    """The variables that the configuration sets itself."""
    said = {**_table(below(root, "env")), **_table(below(root, "env", "vars"))}
    return {name: each.value for name, each in said.items() if isinstance(each.value, str)}
