"""Values → TOML; lists of tables become arrays of tables."""

from collections.abc import Mapping, Sequence
from typing import Any


def toml_text(values: Mapping[str, object], note: str) -> str:
    """The document, keys in the order they are given, below a comment of one or more lines."""
    import tomlkit  # noqa: PLC0415 - 20 ms that only rendering needs

    document = tomlkit.document()
    for line in note.splitlines():
        document.add(tomlkit.comment(line))
    for name, value in values.items():
        document[name] = _item(value)
    return tomlkit.dumps(document)


def _item(value: object) -> Any:
    import tomlkit  # noqa: PLC0415 - as above

    if isinstance(value, Mapping):
        table = tomlkit.table()
        for name, each in value.items():
            table[name] = _item(each)
        return table
    if isinstance(value, Sequence) and value and all(isinstance(each, Mapping) for each in value):
        tables = tomlkit.aot()
        for each in value:
            tables.append(_item(each))
        return tables
    return value
