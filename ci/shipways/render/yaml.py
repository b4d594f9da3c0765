"""Values → YAML that readers of YAML 1.1 and 1.2 understand alike."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

Yaml: TypeAlias = object
"""Mappings, lists, strings, numbers, booleans, None."""

_PLAIN: Final = re.compile(r"[A-Za-z_./][A-Za-z0-9_./@-]*( [A-Za-z0-9_./@-]+)*")
_TAKEN: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", ".inf", ".nan", "---", "..."})
"""What some reader takes for something other than a string."""
_BREAKS: Final = frozenset("\x85\u2028\u2029")
"""Ends of lines that a block does not keep apart from newlines."""


def yaml_text(*documents: Mapping[str, Yaml], note: str) -> str:
    """The documents, keys in the order they are given, below a comment of one or more lines."""
    import yaml  # noqa: PLC0415 - 15 ms that only rendering needs

    class Dumper(yaml.SafeDumper):
        """Lists are indented below their key, and no anchors stand for equal values."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's
            super().increase_indent(flow, indentless=False)

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's
            return True

    Dumper.add_representer(str, _string)
    comment = "".join(f"# {line}".rstrip() + "\n" for line in note.splitlines())
    bodies = (
        yaml.dump(_plain(each), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10**6) for each in documents
    )
    return comment + "---\n".join(bodies)


def _plain(value: Yaml) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value


def _string(dumper: Any, text: str) -> Any:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _TAKEN
    block = "\n" in text and _BREAKS.isdisjoint(text)
    style = None if plain else "|" if block else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
