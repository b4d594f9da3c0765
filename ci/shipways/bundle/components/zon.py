"""Reads Zig Object Notation, for which there is no library: the literals of Zig that build.zig.zon is written in."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

Zon: TypeAlias = str | Mapping[str, "Zon"]
"""A string, or a struct by field (a tuple's fields are "0", "1" …). Numbers and enum literals are their own text."""

# Zig Language Reference, "Grammar" and "Zig Object Notation (ZON)"; lib/std/zon/parse.zig.
_TOKEN: Final = re.compile(
    r"""(?P<blank>\s+|//[^\n]*)
    | (?P<mark>\.\{|[{}=,])
    | (?P<lines>\\\\[^\n]*(?:\n\s*\\\\[^\n]*)*)
    | \.@"(?P<quoted>(?:[^"\\\n]|\\.)*)"
    | \.(?P<field>[A-Za-z_]\w*)
    | "(?P<string>(?:[^"\\\n]|\\.)*)"
    | (?P<word>-?[\w.+'\\]+)""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(?:u\{(?P<point>[0-9a-fA-F]+)\}|x(?P<byte>[0-9a-fA-F]{2})|(?P<letter>.))")
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t"}


def parse_zon(text: str) -> Zon:
    """The value of a ZON file. Raises ValueError, with the line, for what is none."""
    tokens = _Tokens(text)
    value = _value(tokens)
    if tokens.kind:
        raise tokens.error()
    return value


class _Tokens:
    """The tokens of a text, with the next one at hand; its kind is empty at the end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._rest = self._scan()
        self.position = 0
        self.kind, self.value = next(self._rest)

    def take(self) -> str:
        """The text of the next token, which is then gone."""
        value = self.value
        self.kind, self.value = next(self._rest)
        return value

    def error(self) -> ValueError:
        """Says where a token is that cannot be there."""
        line = self._text.count("\n", 0, self.position) + 1
        return ValueError(f"line {line}: did not expect {self.value or 'the end'}")

    def _scan(self) -> Iterator[tuple[str, str]]:
        end = 0
        while end < len(self._text):
            match = _TOKEN.match(self._text, end)
            self.position = end
            if match is None:
                self.value = self._text[end]
                raise self.error()
            end, kind = match.end(), match.lastgroup or ""
            if kind != "blank":
                yield kind, match[kind]
        self.position = end
        yield "", ""


def _value(tokens: _Tokens) -> Zon:
    if (tokens.kind, tokens.value) == ("mark", ".{"):
        tokens.take()
        return _struct(tokens)
    if tokens.kind in ("string", "quoted"):
        return _ESCAPE.sub(_unescape, tokens.take())
    if tokens.kind == "lines":
        return "\n".join(line.strip().removeprefix("\\\\") for line in tokens.take().split("\n"))
    if tokens.kind in ("field", "word"):
        return tokens.take()
    raise tokens.error()


def _struct(tokens: _Tokens) -> Mapping[str, Zon]:
    fields: dict[str, Zon] = {}
    while tokens.value != "}" or tokens.kind != "mark":
        name, named = str(len(fields)), tokens.kind in ("field", "quoted")
        value = _value(tokens)
        if named and tokens.kind == "mark" and tokens.value == "=":
            tokens.take()
            name, value = str(value), _value(tokens)
        fields[name] = value
        if (tokens.kind, tokens.value) == ("mark", ","):
            tokens.take()
        elif (tokens.kind, tokens.value) != ("mark", "}"):
            raise tokens.error()
    tokens.take()
    return fields


def _unescape(match: re.Match[str]) -> str:
    if code := match["point"] or match["byte"]:
        point = int(code, 16)
        return chr(point) if point < 0xD800 or 0xE000 <= point < 0x110000 else "\ufffd"
    return _LETTERS.get(match["letter"], match["letter"])
