"""Committed files that follow from the config, and the record of published formulas."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shipways.adapters.files import DiskFiles
from shipways.config.load import parse
from shipways.config.released import parse_released, render_released
from shipways.config.schema import Config
from shipways.errors import BuildError, ConfigError
from shipways.model.facts import Facts
from shipways.model.formula import FORMAT, BrewService, BrewTest, Download, Released
from shipways.model.rendered import Rendered
from shipways.run.rendering import differing, rendered_files, write
from support import facts, published

CONFIG = parse('[project]\nname = "p"\n', "shipways.toml")
FILES = DiskFiles()


class Two:
    """A renderer of two files."""

    def rendered(self, config: Config, facts: Facts) -> Iterator[Rendered]:
        yield Rendered(path="b/two.txt", text="one\ntwo\n")
        yield Rendered(path="a.txt", text=f"{config.project.name}\n")


def test_written_once(tmp_path: Path) -> None:
    """What differs is written, what does not is left alone."""
    files = rendered_files(CONFIG, facts(), (Two(),))
    assert ["a.txt", "b/two.txt"] == [file.path for file in write(FILES, tmp_path, files)]
    assert "p\n" == (tmp_path / "a.txt").read_text()
    assert () == write(FILES, tmp_path, files)


def test_all_or_none(tmp_path: Path) -> None:
    """When one file cannot be written none is, and nothing half written lies about."""
    (tmp_path / "b").write_text("not a folder")
    with pytest.raises(BuildError, match="cannot be written"):
        write(FILES, tmp_path, rendered_files(CONFIG, facts(), (Two(),)))
    assert [tmp_path / "b"] == list(tmp_path.iterdir())


def test_only_some(tmp_path: Path) -> None:
    """A file or a folder chooses what is rendered; a path where nothing is rendered is an error that lists the rest."""
    assert ["b/two.txt"] == [file.path for file in rendered_files(CONFIG, facts(), (Two(),), ("b",))]
    assert ["a.txt"] == [file.path for file in rendered_files(CONFIG, facts(), (Two(),), ("a.txt",))]
    with pytest.raises(ConfigError, match=r"c\.txt: is not a rendered file(.|\n)*a\.txt, b/two\.txt"):
        rendered_files(CONFIG, facts(), (Two(),), ("a.txt", "c.txt"))


def test_diff(tmp_path: Path) -> None:
    """Every file that differs comes with a unified diff that would mend it."""
    (tmp_path / "a.txt").write_text("p\n")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.txt").write_text("one\n2")
    ((file, diff),) = differing(FILES, tmp_path, rendered_files(CONFIG, facts(), (Two(),)))
    assert "b/two.txt" == file.path
    assert ("--- a/b/two.txt\n+++ b/b/two.txt\n@@ -1,2 +1,2 @@\n one\n-2\n\\ No newline at end of file\n+two\n") == diff


def test_program(tmp_path: Path) -> None:
    """A program is written as one; when its bit is lost that is a difference, in git's words, which is mended."""
    file = Rendered(path="run.sh", text="#!/bin/sh\n", comment="#", executable=True)
    assert (file,) == write(FILES, tmp_path, (file,))
    assert 0o755 == (tmp_path / "run.sh").stat().st_mode & 0o777
    (tmp_path / "run.sh").chmod(0o644)
    told = [(file, "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n")]
    assert told == list(differing(FILES, tmp_path, (file,)))
    assert (file,) == write(FILES, tmp_path, (file,))
    assert [] == list(differing(FILES, tmp_path, (file,)))


def test_diff_of_line_ends(tmp_path: Path) -> None:
    """Other bytes are a difference, even where a terminal shows the same text."""
    (tmp_path / "a.txt").write_bytes(b"p\r\n")
    (_, diff), _ = differing(FILES, tmp_path, rendered_files(CONFIG, facts(), (Two(),)))
    assert "-p\r\n+p\n" in diff


def test_missing_file_is_a_new_one(tmp_path: Path) -> None:
    """A file that is not there is compared with /dev/null, as git does."""
    (_, diff), _ = differing(FILES, tmp_path, rendered_files(CONFIG, facts(), (Two(),)))
    assert diff.startswith("--- /dev/null\n+++ b/a.txt\n")


PUBLISHED = published(
    "tool",
    Download(name="tool.tar.gz", digest="sha256:12", target="x86_64-apple-darwin"),
    description="Ünicode",
    test=(BrewTest(run=("tool", "--version"), output="{version}"),),
    service=BrewService(run=("tool",), keep_alive=False),
    extras=("man/tool.1",),
)


def test_record_of_published_formulas() -> None:
    """The record is read as it was written."""
    released = Released(format=FORMAT, formulas=(PUBLISHED,))
    assert released == parse_released(render_released(released), "formula/released.json")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Invalid JSON"),
        ('{"format": "shipways-released/2", "formulas": []}', "format: "),
        ('{"format": "shipways-released/1", "formulas": [{"name": "x"}]}', "formulas.0.description: "),
    ],
)
def test_record_that_is_none(text: str, why: str) -> None:
    """A record that shipways did not write is told with its path, the place in it, and what to do."""
    with pytest.raises(ConfigError) as caught:
        parse_released(text, "formula/released.json")
    (problem,) = caught.value.problems
    assert "formula/released.json" == problem.path
    assert why in problem.why
    assert "git" in problem.hint
