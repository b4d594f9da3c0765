"""JSON5: what is read, at which line, and what is refused without a word of the text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipways.errors import ConfigError
from shipways.migrate.json5 import Node, parse

PIECES = (
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    "'",
    "\\",
    "\n",
    "\r",
    "//",
    "/*",
    "*/",
    "a",
    "$",
    "0x",
    "1",
    ".",
    "-",
    "+",
    "e",
)
ANY = st.text() | st.lists(st.sampled_from(PIECES) | st.text(max_size=2)).map("".join)


def plain(node: Node) -> object:
    """A value without its places."""
    if isinstance(node.value, dict):
        return {key: plain(each) for key, each in node.value.items()}
    return [plain(each) for each in node.value] if isinstance(node.value, tuple) else node.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a: 1, 'b': [2.5, 'x', \"y\",], /* c */ $d: null, // e\n}", {"a": 1, "b": [2.5, "x", "y"], "$d": None}),
        ("[0x10, -0X1f, +.5, 5., 1e3, -Infinity, true, false]", [16, -31, 0.5, 5, 1000, -math.inf, True, False]),
        ("{NaN: 1, null: 2, \\u0061b: 3, ünï: 4}", {"NaN": 1, "null": 2, "ab": 3, "ünï": 4}),
        (
            r'"C:\\xampp \\u0041 \u0041\x42 \'\/\n\
on \0"',
            "C:\\xampp \\u0041 AB '/\non \0",
        ),
        (r'["\ud83d\ude00", "\ud83d"]', ["😀", "�"]),
        ("{a: 1, a: 2}", {"a": 2}),
        ("9" * 5000, math.inf),
        ("0x" + "f" * 400, math.inf),
    ],
)
def test_values(text: str, expected: object) -> None:
    """Comments, all quotes, trailing commas, numbers and escapes; of two equal keys the later wins."""
    assert expected == plain(parse(text, "f"))


def test_lines() -> None:
    """A value stands where its key does, an item of a list where it begins."""
    node = parse('// one\n{\n  a: 1,\n  "b"\n:\n[2,\n3],\n}', "dir/f")
    assert isinstance(node.value, dict)
    items = node.value["b"].value
    assert isinstance(items, tuple)
    assert ["dir/f:2", "dir/f:3", "dir/f:4", "dir/f:6", "dir/f:7"] == [
        each.at for each in (node, *node.value.values(), *items)
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("{a: canary", 1),
        ("{\na: 'canary\n'}", 2),
        ("{a: 1,,}", 1),
        ("{a: 01}", 1),
        ("{}\n{}", 2),
        ("\n'\\x1 canary'", 2),
        ("'\\1 canary'", 1),
        ("/* canary", 1),
        ("[" * 5000, 1),
        ("[" * 101 + "]" * 101, 1),
    ],
)
def test_what_is_refused(text: str, line: int) -> None:
    """With its line, and without what stands there."""
    with pytest.raises(ConfigError) as refused:
        parse(text, "f")
    assert f"f:{line}" in str(refused.value)
    assert "canary" not in str(refused.value)


@given(ANY)
def test_any_text(text: str) -> None:
    """A value or a ConfigError, whatever it is."""
    try:
        parse(text, "f")
    except ConfigError as error:
        assert "f: " in str(error)
