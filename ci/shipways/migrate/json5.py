"""JSON5 as values that know their lines, parsed by lark. A message never quotes the text, which may be a secret."""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from lark import Lark, Token, Transformer, UnexpectedInput

from shipways.errors import ConfigError, Problem

_DEEPEST: Final = 100  # what walks over values calls itself once a level
# The lexer is contextual: NaN is a number where a value stands, and a name where a key does.
_GRAMMAR: Final = r"""
?start: table | array | text | number | word
table: OPEN (member ("," member)* ","?)? "}"
member: key ":" start
key: STRING | NAME
array: BRACKET (start ("," start)* ","?)? "]"
text: STRING
number: HEX | DECIMAL
word: WORD
OPEN: "{"
BRACKET: "["
STRING: /"(?:[^"\\\n\r]|\\(?:\r\n|[\s\S]))*"|'(?:[^'\\\n\r]|\\(?:\r\n|[\s\S]))*'/
HEX: /[+-]?0[xX][0-9a-fA-F]+(?![\w$])/
DECIMAL: /[+-]?(?:Infinity|NaN|(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![\w$])/
WORD: /(?:true|false|null)(?![\w$])/
NAME: /(?:[^\W\d]|[$]|\\u[0-9a-fA-F]{4})(?:[\w$\u200c\u200d]|\\u[0-9a-fA-F]{4})*/
SPACE: /[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+/
COMMENT: /\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?\*\//
%ignore SPACE
%ignore COMMENT
"""
_ESCAPE: Final = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\n\r\u2028\u2029])|(0(?![0-9])|[^ux0-9])|.)", re.DOTALL
)
_SINGLE: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}
_WORDS: Final = {"true": True, "false": False, "null": None}
_EXACT: Final = 2**53  # numbers are doubles there

Value: TypeAlias = "str | int | float | bool | tuple[Node, ...] | Mapping[str, Node] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value, the file and line of its key (its own where it has none), and how many levels are below it."""

    value: Value
    file: str
    line: int
    depth: int = 0

    @property
    def at(self) -> str:
        """`openclaw.json:12`."""
        return f"{self.file}:{self.line}"


def parse(text: str, file: str) -> Node:
    """The value of a file. Raises ConfigError with the line."""
    try:
        found = _parser().parse(text)
    except UnexpectedInput as error:
        known = isinstance(error.line, int) and error.line > 0
        place = f"{file}:{error.line}:{error.column}" if known else f"{file}:{text.count(chr(10)) + 1}"
        raise ConfigError(Problem(path=file, what="is not valid JSON5", place=place)) from None
    except _RefusedError as error:
        what, line = error.args
        raise ConfigError(Problem(path=file, what=what, place=f"{file}:{line}")) from None
    if not isinstance(found, Node):  # the parser's own type is wider
        raise TypeError(type(found).__name__)
    return _of(found, file)


class _RefusedError(Exception):
    """What is wrong, and the line."""


@functools.cache
def _parser() -> Lark:
    """Made once: making it takes longer than most files."""
    return Lark(_GRAMMAR, parser="lalr", transformer=_Values())


def _of(node: Node, file: str) -> Node:
    """The same value, of this file."""
    value = node.value
    if isinstance(value, Mapping):
        value = {key: _of(each, file) for key, each in value.items()}
    elif isinstance(value, tuple):
        value = tuple(_of(each, file) for each in value)
    return replace(node, value=value, file=file)


class _Values(Transformer[Token, Node]):
    """Builds nodes while lark parses, from the leaves on: nothing calls itself, however deep a text is."""

    def table(self, parts: Sequence[Token | tuple[str, Node]]) -> Node:
        """Of two equal keys the later wins, as in JavaScript."""
        members = dict(part for part in parts if isinstance(part, tuple))
        return self._around(parts[0], members, members.values())

    def member(self, parts: tuple[Token, Node]) -> tuple[str, Node]:
        """A value stands where its key does."""
        key, node = parts
        return str(key), replace(node, line=_line(key))

    def key(self, parts: Sequence[Token]) -> Token:
        """A key without its quotes."""
        (token,) = parts
        return token.update(value=self._text(token, token if token.type == "NAME" else token[1:-1]))

    def array(self, parts: Sequence[Token | Node]) -> Node:
        """The items of an array."""
        items = tuple(part for part in parts if isinstance(part, Node))
        return self._around(parts[0], items, items)

    def text(self, parts: Sequence[Token]) -> Node:
        """A text without its quotes."""
        return self._node(parts[0], self._text(parts[0], parts[0][1:-1]))

    def number(self, parts: Sequence[Token]) -> Node:
        """A double; one without a fraction is an int."""
        return self._node(parts[0], _number(parts[0]))

    def word(self, parts: Sequence[Token]) -> Node:
        """True, false or null."""
        return self._node(parts[0], _WORDS[parts[0]])

    def _around(self, first: "Token | Node | tuple[str, Node]", value: Value, inner: Iterable[Node]) -> Node:
        depth = 1 + max((node.depth for node in inner), default=0)
        line = _line(first)
        if depth > _DEEPEST:
            raise _RefusedError(f"is nested deeper than {_DEEPEST} levels", line)
        return Node(value=value, file="", line=line, depth=depth)

    def _node(self, token: Token, value: Value) -> Node:
        return Node(value=value, file="", line=_line(token))

    def _text(self, token: Token, raw: str) -> str:
        def one(match: re.Match[str]) -> str:
            unicode, latin, continued, single = match.groups()
            if digits := unicode or latin:
                return chr(int(digits, 16))
            if not continued and not single:
                raise _RefusedError("has a text with an escape that JSON5 does not know", _line(token))
            return "" if continued else _SINGLE.get(single, single)

        # Two halves of a surrogate pair become their letter, one alone what Node writes for it.
        return _ESCAPE.sub(one, raw).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _line(token: "Token | Node | tuple[str, Node]") -> int:
    return (token.line or 1) if isinstance(token, Token) else 1


def _number(text: str) -> int | float:
    body = text.lstrip("+-")
    if body[:2] in ("0x", "0X"):
        size = int(body, 16)
        found = float(size) if size.bit_length() < 1024 else float("inf")
    else:
        found = float(body.replace("Infinity", "inf").replace("NaN", "nan"))
    signed = -found if text.startswith("-") else found
    return int(signed) if signed.is_integer() and abs(signed) < _EXACT else signed
