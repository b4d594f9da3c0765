"""Tables and lines as GitHub Markdown (GitHub Flavored Markdown Spec), in which no text can become markup."""

import re
from collections.abc import Sequence
from typing import Final

from shipways.model.digest import shortened
from shipways.model.event import Listing, Sizes, Table
from shipways.render.sizes import changes, human_size, told

# "Any ASCII punctuation character may be backslash-escaped" (CommonMark, section 2.4).
_PUNCTUATION: Final = re.compile(r"""([!-/:-@\[-`{-~])""")
# RFC 3986, "Characters", without those that mean something in Markdown.
_URL: Final = re.compile(r"https?://[A-Za-z0-9/:?#@$&+,;=%._~-]+")


def escaped(text: str) -> str:
    """The text as Markdown that shows exactly it, on one line; what cannot be shown is a replacement character."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(_seen(text).split()))


def table_markdown(table: Table, room: int) -> str:
    """A heading, the table and its remarks, in at most `room` bytes; rows that have no room are counted."""
    head = [f"### {escaped(table.about)}", ""] if table.about else []
    columns = [escaped(name.removeprefix("#")) for name in table.columns]
    sides = ["---:" if name.startswith("#") else "---" for name in table.columns]
    rows = [_row([_cell(cell) for cell in row]) for row in table.rows]
    tail = ["", escaped(table.title), *(f"- {escaped(remark)}" for remark in table.remarks)]
    return _fitting([*head, _row(columns), _row(sides)], rows, tail, room)


def sizes_markdown(sizes: Sizes, room: int) -> str:
    """What has changed since the release before, in at most `room` bytes."""
    rows = [
        _row([escaped(change.name), *(_size(size) for size in (change.before, change.after)), escaped(change.text)])
        for change in changes(sizes)
    ]
    head = ["### Changes", "", escaped(told(sizes))]
    if rows:
        head += ["", _row(["artifact", "before", "now", "change"]), _row(["---", "---:", "---:", "---:"])]
    return _fitting(head, rows, [], room)


def listing_markdown(listing: Listing, room: int) -> str:
    """The lines as they are, in at most `room` bytes; lines that have no room are counted."""
    lines = _seen(listing.text).splitlines()
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", listing.text)), default=0))
    return _fitting([fence], lines, [fence], room)


def _seen(text: str) -> str:
    return "".join(char if char.isprintable() or char.isspace() else "\ufffd" for char in text)


def _fitting(head: Sequence[str], rows: Sequence[str], tail: Sequence[str], room: int) -> str:
    """All lines, or as many rows as there is room for; nothing where not even the rest has any."""
    for count in (len(rows), _fit(head, rows, tail, room)):
        left = [f"\n{len(rows) - count} more lines have no room here"] if count < len(rows) else []
        text = "\n".join([*head, *rows[:count], *left, *tail, "", ""])
        if len(text.encode()) <= room:
            return text
    return ""


def _fit(head: Sequence[str], rows: Sequence[str], tail: Sequence[str], room: int) -> int:
    """How many rows fit, beside a line that counts the others."""
    used = sum(len(line.encode()) + 1 for line in (*head, *tail)) + 64
    count = 0
    for row in rows:
        used += len(row.encode()) + 1
        if used > room:
            return count
        count += 1
    return count


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """A cell; an address is a link to itself."""
    short = escaped(shortened(text))
    return f"[{short}](<{text}>)" if _URL.fullmatch(text) else short


def _size(size: int | None) -> str:
    return "" if size is None else escaped(human_size(size))
