"""The step summary of GitHub Actions: tables as Markdown that shows exactly what they say."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from shipways.adapters.summary import LIMIT, SummaryConsole
from shipways.model.event import Listing, Note, SizeLine, Sizes, Table
from shipways.render.markdown import escaped, listing_markdown, sizes_markdown, table_markdown
from shipways.testing.console import RecordingConsole

DIGEST = "sha256:" + "0123456789ab" + "0" * 52
SIZES = Sizes(
    releases=("1.0", "1.1"),
    lines=(
        SizeLine(name="a|b", sizes=(100, 150)),
        SizeLine(name="new", sizes=(None, 3)),
        SizeLine(name="same", sizes=(1, 1)),
    ),
)


def table(*rows: tuple[str, ...]) -> Table:
    return Table(about="Channels", title="1 applied", columns=("item", "#seconds"), rows=rows, remarks=("next",))


def cells(markdown: str) -> list[list[str]]:
    """The text of every cell, as a Markdown renderer with tables reads it."""
    rows: list[list[str]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level >= 4:
            assert {child.type for child in token.children or ()} <= {"text", "text_special", "link_open", "link_close"}
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


def test_table() -> None:
    """A heading, the rows, and below them the title and what to do."""
    text = table_markdown(table(("a_b", "1.5")), LIMIT)
    assert "### Channels\n\n| item | seconds |\n| --- | ---: |\n| a\\_b | 1\\.5 |\n\n1 applied\n- next\n\n" == text


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_every_text_is_shown_as_it_is(one: str, other: str) -> None:
    """No text of a cell ends the cell, is markup, or vanishes; only white space is collapsed."""
    shown = ["".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text) for text in (one, other)]
    expected = [" ".join(text.split()) for text in shown]
    assert [["item", "seconds"], expected] == cells(table_markdown(table((one, other)), LIMIT))


@pytest.mark.parametrize(
    "text", ["a|b", "<script>x</script>", "[x](javascript:x)", "a\n\n# b", "`x`", "\\|", "&lt;", "*a*"]
)
def test_attacks(text: str) -> None:
    """What means something in Markdown or HTML is text."""
    assert " ".join(text.split()) == cells(table_markdown(table((text, "")), LIMIT))[1][0]


def test_links() -> None:
    """An address of the web is a link to itself; nothing else is one."""
    text = table_markdown(table(("https://x.example/a_b?c=1", "javascript:x")), LIMIT)
    assert ['href="https://x.example/a_b?c=1"'] == re.findall(
        r'href="[^"]*"', MarkdownIt().enable("table").render(text)
    )


def test_digests_are_short() -> None:
    """People read twelve digits."""
    assert "nothing → 0123456789ab" == cells(table_markdown(table((f"nothing → {DIGEST}", "")), LIMIT))[1][0]


def test_changes() -> None:
    """What is new, gone or of another size, against which release."""
    text = sizes_markdown(SIZES, LIMIT)
    assert [
        ["artifact", "before", "now", "change"],
        ["new", "", "3 B", "new"],
        ["a|b", "100 B", "150 B", "+50 B (+50.0%)"],
    ] == cells(text)
    assert escaped("against 1.0: 1 new, 1 of another size") in text


def test_nothing_to_compare_with() -> None:
    """It is said that no release is known."""
    text = sizes_markdown(Sizes(releases=("1.0",), lines=()), LIMIT)
    assert "no release before this one is known" in text
    assert [] == cells(text)


@settings(deadline=None)
@given(st.integers(0, 3000))
def test_room(room: int) -> None:
    """It is never bigger than there is room; rows that do not fit are counted, and what it closes with stays."""
    text = table_markdown(table(*(("é" * 20, "1") for _ in range(40))), room)
    assert room >= len(text.encode())
    if text:
        shown = len(cells(text)) - 1
        assert (f"{40 - shown} more lines" in text) == (shown < 40)
        assert "1 applied" in text
    if room >= 300:
        assert text


@settings(deadline=None)
@given(st.text(alphabet="`~\\<&a\n\x00 ", max_size=60))
def test_lines_are_shown_as_they_are(text: str) -> None:
    """A listing is one block of code, whatever it holds; what cannot be shown is a replacement character."""
    token, *others = MarkdownIt("commonmark").parse(listing_markdown(Listing(text=text), LIMIT))
    assert ("fence", []) == (token.type, others)
    assert text.replace("\x00", "\ufffd").splitlines() == token.content.splitlines()


@given(st.integers(0, 500))
def test_room_of_lines(room: int) -> None:
    """A listing is never bigger than there is room, is a whole block, and says how many lines are left out."""
    text = listing_markdown(Listing(text="\n".join(["é" * 20] * 40)), room)
    assert room >= len(text.encode())
    if text:
        (block,) = MarkdownIt("commonmark").parse(text)
        assert f"{40 - block.content.count('é' * 20)} more lines" in block.content
    assert bool(text) is (room >= len("```\n\n40 more lines have no room here\n```\n\n"))


def test_appended(tmp_path: Path) -> None:
    """Each table is appended to what is in the file; other events are only shown."""
    path, shown = tmp_path / "summary", RecordingConsole()
    path.write_text("before\n")
    console = SummaryConsole(shown, path)
    lines = Listing(text="one\ntwo")
    events = (Note(text="x"), table(("a", "1")), SIZES, lines)
    for event in events:
        console.emit(event)
    console.print("result")
    assert (list(events), ["result"]) == (shown.events, shown.printed)
    assert (
        f"before\n{table_markdown(table(('a', '1')), LIMIT)}{sizes_markdown(SIZES, LIMIT)}```\none\ntwo\n```\n\n"
        == path.read_text()
    )


def test_limit(tmp_path: Path) -> None:
    """What is in the file counts: GitHub shows no summary of a step that is bigger than 1 MiB."""
    path = tmp_path / "summary"
    path.write_bytes(b"x" * (LIMIT - 1000))
    console = SummaryConsole(RecordingConsole(), path)
    for _ in range(20):
        console.emit(table(*((str(number), "1") for number in range(2000))))
    assert LIMIT >= path.stat().st_size > LIMIT - 1000
    assert b"more lines" in path.read_bytes()


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    """It is said, and the run goes on."""
    shown = RecordingConsole()
    SummaryConsole(shown, tmp_path).emit(table(("a", "1")))
    note = shown.events[-1]
    assert isinstance(note, Note)
    assert ("warning", True) == (note.level, "GITHUB_STEP_SUMMARY cannot be written" in note.text)
