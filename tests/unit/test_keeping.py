"""What users may change in a rendered file."""

from pathlib import Path

import pytest

from shipways.adapters.files import DiskFiles
from shipways.errors import ConfigError
from shipways.model.rendered import Rendered
from shipways.run.rendering import differing, write

FILES = DiskFiles()
TEXT = """a:
  - uses: x@1234 # v1
  # yours: a
  # end of yours: a
  - run: "make # all"
# yours: more
# end of yours: more
"""
FILE = Rendered(path="f.yml", text=TEXT, comment="#")
MINE = TEXT.replace("# yours: a\n", "# yours: a\n  - run: mine\n")


def same(root: Path, text: str) -> bool:
    """Whether `check` finds nothing to mend."""
    (root / "f.yml").write_text(text)
    return [] == list(differing(FILES, root, (FILE,)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TEXT, True),
        (MINE, True),
        (f"# mine\n\n{TEXT}\n  # and mine\n", True),
        (TEXT.replace(" # v1", " # the first one"), True),
        (TEXT.replace("\n", "\r\n"), True),
        (TEXT.replace("1234", "1235"), False),
        (TEXT.replace("# all", "# none"), False),
        (TEXT.replace("  - run", "  #- run"), False),
        (TEXT + "b: 1\n", False),
        ("", False),
    ],
)
def test_difference(tmp_path: Path, text: str, expected: bool) -> None:
    """Comments, and what is between marks, are no difference; everything else is, also in a string with a `#`."""
    assert expected is same(tmp_path, text)


def test_kept(tmp_path: Path) -> None:
    """What is between marks is there after the rest is written anew, and then nothing differs."""
    (tmp_path / "f.yml").write_text(MINE.replace("1234", "0000"))
    write(FILES, tmp_path, (FILE,))
    assert MINE == (tmp_path / "f.yml").read_text()
    assert () == write(FILES, tmp_path, (FILE,))


def test_diff_is_of_the_rest(tmp_path: Path) -> None:
    """The diff does not take away what is the user's."""
    (tmp_path / "f.yml").write_text(MINE.replace("1234", "0000"))
    ((_, diff),) = differing(FILES, tmp_path, (FILE,))
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert ["-  - uses: x@0000 # v1", "+  - uses: x@1234 # v1"] == changed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TEXT.replace("yours: a", "yours: b").replace("  # end", "  - run: mine\n  # end"), "no place .* in 'b'"),
        (TEXT.replace("# end of yours: more\n", ""), "has no line `# end of yours: more`"),
    ],
)
def test_nothing_is_lost(tmp_path: Path, text: str, told: str) -> None:
    """What is the user's and would have no place, or no end, stops everything before a byte is written."""
    (tmp_path / "f.yml").write_text(text)
    with pytest.raises(ConfigError, match=rf"f\.yml: .*{told}"):
        write(FILES, tmp_path, (FILE,))
    assert text == (tmp_path / "f.yml").read_text()


def test_empty_part_may_go(tmp_path: Path) -> None:
    """Marks with nothing between them go with the job that they were in."""
    assert same(tmp_path, TEXT + "# yours: gone\n# end of yours: gone\n")


def test_strict_without_comments(tmp_path: Path) -> None:
    """A file whose format has no comments of ours is compared byte by byte."""
    (tmp_path / "f.yml").write_text(f"# mine\n{TEXT}")
    assert 1 == len(list(differing(FILES, tmp_path, (Rendered(path="f.yml", text=TEXT),))))
