"""reference.toml, the models and the defaults are one."""

import tomllib

import pytest
from pydantic import BaseModel

from shipways.config.explain import explain
from shipways.config.reference import Entry, read_reference, reference
from shipways.config.tables import Path, keys, tables
from shipways.errors import ConfigError

KEYS = [entry for entry in reference() if entry.value]
TABLES = {entry.path: entry for entry in reference() if not entry.value}
SMALL = """# Of the file.

# Of a.
[a]
# Of b,
# more. Required.
b = 1

# Of c.
[[a.c]]
# Of d. No default.
d = []
"""


def _name(entry: Entry) -> str:
    return ".".join(entry.path)


def _value(entry: Entry) -> object:
    return _frozen(tomllib.loads(f"x = {entry.value}")["x"])


def _frozen(value: object) -> object:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def test_every_table() -> None:
    """The reference has the tables of the config, and no other."""
    assert set(tables()) - {()} == set(TABLES)


@pytest.mark.parametrize("path", TABLES, ids=".".join)
def test_every_key(path: Path) -> None:
    """The reference has the keys of a table, in its order, and no other."""
    expected = [key for key, is_table in keys(path).items() if not is_table]
    assert sorted(expected) == sorted(entry.path[-1] for entry in KEYS if entry.path[:-1] == path)


@pytest.mark.parametrize("entry", reference(), ids=_name)
def test_every_comment(entry: Entry) -> None:
    """Each table and key says in a sentence what it is for."""
    assert entry.comment.endswith(".")


@pytest.mark.parametrize("entry", KEYS, ids=_name)
def test_every_default(entry: Entry) -> None:
    """The value is the default, unless the comment says that the key is required or has none."""
    model = tables()[entry.path[:-1]]
    field = next(field for name, field in model.model_fields.items() if entry.path[-1] in (name, field.alias))
    default = field.get_default(call_default_factory=True)
    presence = "required" if field.is_required() else "optional" if default is None else "default"
    assert presence == entry.presence
    if presence == "default":
        assert default == _value(entry)


@pytest.mark.parametrize(("path", "model"), [(p, m) for p, m in tables().items() if p], ids=str)
def test_every_example(path: Path, model: type[BaseModel]) -> None:
    """What the reference shows is accepted; an image is assembled or built from a Dockerfile, so not both at once."""
    apart = {"dockerfile", "target"} if path == ("image", "NAME") else set()
    shown = {entry.path[-1]: _value(entry) for entry in KEYS if entry.path[:-1] == path and entry.path[-1] not in apart}
    needed = {key: _frozen([{"run": ("x",)}]) for key, table in keys(path).items() if table and key == "test"}
    assert set(shown) <= model.model_validate(shown | needed).model_dump(by_alias=True).keys()


def test_reading() -> None:
    """A comment belongs to what stands right below it, a table's header included; marks are taken off."""
    found = [(entry.path, entry.comment, entry.presence, entry.array) for entry in read_reference(SMALL)]
    assert [
        (("a",), "Of a.", "default", False),
        (("a", "b"), "Of b, more.", "required", False),
        (("a", "c"), "Of c.", "default", True),
        (("a", "c", "d"), "Of d.", "optional", False),
    ] == found


def test_explain_a_key() -> None:
    """A key is explained under any name, with its default."""
    assert (
        "package.tender.go.main\n  The folder of package main, below the package's path.\n\n"
        '  default:\n    [package.tender.go]\n    main = "."'
    ) == explain("package.tender.go.main")


def test_explain_a_table() -> None:
    """A table is explained with its keys; without a key, all tables are listed."""
    assert explain("formula.x.test").startswith("[[formula.x.test]]\n  What `brew test` runs.\n\nrun     required")
    assert len(TABLES) == len(explain("").splitlines())


@pytest.mark.parametrize(
    ("key", "fix"),
    [
        ("package.x.go.mian", "did you mean `package.NAME.go.main`?"),
        ("healthcheck", "did you mean `image.NAME.healthcheck`?"),
        ("???", "`shipways explain` lists the tables"),
    ],
)
def test_explain_the_unknown(key: str, fix: str) -> None:
    """An unknown key is refused with the nearest."""
    with pytest.raises(ConfigError) as caught:
        explain(key)
    assert fix == caught.value.problems[0].hint
