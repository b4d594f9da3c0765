"""A configuration that is filled value by value, in any order, and never twice at one place."""

from collections.abc import Mapping, Sequence

from shipways.migrate.values import Json


class Tree:
    """Objects by name and lists by number, until `json` makes JSON of them."""

    def __init__(self) -> None:
        self._root: dict[str | int, object] = {}

    def put(self, path: Sequence[str | int], value: Json) -> bool:
        """Whether the place was free; else nothing is changed."""
        table = self._root
        for part in path[:-1]:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                return False
            table = inner
        if table.get(path[-1]) == {} and value == {}:
            return True
        if path[-1] in table:
            return False
        table[path[-1]] = value
        return True

    def get(self, *path: str) -> object:
        """What is at a place, or None."""
        found: object = self._root
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def replace(self, path: Sequence[str], value: Json) -> None:
        """Put a value whatever was there. The tables around it are there, or are made."""
        table = self._root
        for part in path[:-1]:
            inner = table.setdefault(part, {})
            table = inner if isinstance(inner, dict) else {}
        table[path[-1]] = value

    def json(self) -> dict[str, Json]:
        """The configuration; providers of models are a list there."""
        made = _made(self._root)
        if isinstance(made, dict) and isinstance(models := made.get("models"), dict):
            providers = models.get("providers")
            if isinstance(providers, dict):
                models["providers"] = [
                    {"id": name, **each} if isinstance(each, dict) else {"id": name} for name, each in providers.items()
                ]
        return made if isinstance(made, dict) else {}


def _made(value: object) -> Json:
    if isinstance(value, Mapping):
        if value and all(isinstance(key, int) for key in value):
            return [_made(value[key]) for key in sorted(value)]
        return {str(key): _made(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_made(each) for each in value]
    return value if isinstance(value, str | int | float | bool) else None
