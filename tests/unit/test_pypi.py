"""What the `pypi` channel wants of an index, and the table that names it."""

import pytest

from indexes import hello, manifest, sdist, wheel
from shipways.config.load import parse
from shipways.config.publish import PypiTable
from shipways.errors import ConfigError
from shipways.model.item import Item, ItemKind, Phase
from shipways.publish import pypi
from shipways.publish.pypi import PypiChannel

PROJECT = '[project]\nname = "p"\n'


def desired(*files: tuple[str, bytes]) -> dict[str, Item]:
    """The items of a release, by id."""
    return {item.id: item for item in PypiChannel(table=PypiTable()).desired(manifest(dict(files)))}


def test_checks_before_files() -> None:
    """A token and the metadata of each file are checked in stage; the files are for ever, and come in commit."""
    items = desired(*hello().items())
    staged = {"pypi/token", *(f"pypi/check/{name}" for name in hello())}
    assert staged == {name for name, item in items.items() if item.phase is Phase.STAGE}
    assert all(item.passing and item.kind is ItemKind.STAGED for item in items.values() if item.id in staged)
    files = {name: item for name, item in items.items() if name not in staged}
    assert {f"pypi/{name}" for name in hello()} == set(files)
    assert {ItemKind.FIXED} == {item.kind for item in files.values()}
    assert all({"pypi/token", f"pypi/check/{item.path}"} <= set(item.needs) for item in files.values())


def test_sdist_first() -> None:
    """Wheels need the sdist: an index whose release has wheels alone strands those who build from source."""
    items = desired(*hello().items())
    needing = {name for name, item in items.items() if "pypi/hello-1.0.0.tar.gz" in item.needs}
    assert {f"pypi/{name}" for name in hello() if name.endswith(".whl")} == needing


def test_one_wheel_first() -> None:
    """Without an sdist one wheel makes the release, before the others come all at once."""
    tags = ("py3-none-macosx_11_0_arm64", "py3-none-manylinux_2_28_x86_64", "py3-none-win_amd64")
    items = desired(*(wheel("hello", "1.0.0", tag=tag) for tag in tags))
    first, *others = [item for item in items.values() if item.phase is Phase.COMMIT]
    assert [False, True, True] == [any(need == first.id for need in item.needs) for item in (first, *others)]


def test_nothing_for_an_index() -> None:
    """A release without Python packages asks for no token."""
    assert {} == desired()


def test_digests() -> None:
    """What is wanted is the digest of the manifest."""
    name, data = sdist("hello", "1.0.0")
    sealed = manifest({name: data})
    assert sealed.artifacts[0].digest == desired((name, data))[f"pypi/{name}"].want


def test_no_table() -> None:
    """A config without the table has no such channel."""
    assert [] == list(pypi.plan(parse(PROJECT, "shipways.toml"), None))
    assert [PypiChannel(table=PypiTable())] == list(
        pypi.plan(parse(PROJECT + "[publish.pypi]\n", "shipways.toml"), None)
    )


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('repository = "https://index.example/legacy/"', "publish.pypi"),
        ('simple = "https://index.example/simple/"', "publish.pypi"),
        ('repository = "https://ann:secret@index.example/"', "publish.pypi.repository"),
        ('repository = "ftp://index.example/"', "publish.pypi.repository"),
        ('trusted = "always"', "publish.pypi.trusted"),
    ],
)
def test_wrong_table(line: str, path: str) -> None:
    """Half an index, a password in the file, and anything that is no address are refused with the path."""
    with pytest.raises(ConfigError) as caught:
        parse(f"{PROJECT}[publish.pypi]\n{line}\n", "shipways.toml")
    assert [path] == [problem.path for problem in caught.value.problems]
    assert "ann:secret" not in str(caught.value)
