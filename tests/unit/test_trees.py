"""Source trees: what is in one, what is refused, what another one lacks, and that what is sent is what was walked."""

import os
import posixpath
import shutil
import socket
import tarfile
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from shipways.adapters.sourcetrees import DiskTrees
from shipways.errors import ConfigError, Unfinished
from shipways.model.digest import digest_bytes
from shipways.model.job import Method
from shipways.model.tree import Content, Delta, Node, Recipe, Tree, delta, leading_out, told

NAMES = st.sampled_from(["a", "b", "a-b", "Ünï", " ", "-rf", "$(x)", "q'\"", "line\nend", "日本"])
LEAVES = st.one_of(
    st.tuples(st.just("file"), st.sampled_from([b"", b"one", b"two", bytes(3000)]), st.booleans()),
    st.tuples(st.just("link"), st.sampled_from(["a", "./b", "nowhere", "a/b"]), st.sampled_from([False])),
)
CONTENTS = st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=12)
FOLDERS = st.dictionaries(NAMES, CONTENTS, max_size=5)
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def laid(folder: Path, content: object) -> Path:
    """Write a folder out of nested dictionaries."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    assert isinstance(content, dict)
    for name, each in content.items():
        if isinstance(each, dict):
            laid(folder / name, each)
        elif each[0] == "link":
            (folder / name).symlink_to(each[1])
        else:
            (folder / name).write_bytes(each[1])
            (folder / name).chmod(0o750 if each[2] else 0o600)
    return folder


def walked(folder: Path, *within: Path) -> Tree:
    """What is in a folder, which is allowed where nothing else is said."""
    return anyio.run(DiskTrees().walk, str(folder), [str(each) for each in within or (folder,)])


def packed(folder: Path, tree: Tree, into: Path) -> None:
    """Pack what is walked, and lay it elsewhere as GNU tar would for root."""

    async def go() -> None:
        async with DiskTrees().packed(str(folder), tree.nodes) as pack:
            with tarfile.open(pack) as tar:
                tar.extractall(into, filter="fully_trusted")  # noqa: S202 - our own

    anyio.run(go)


def wrong(folder: Path, *within: Path) -> list[str]:
    """What a walk complains of."""
    with pytest.raises(ConfigError) as caught:
        walked(folder, *within)
    return [problem.what.removeprefix(f"{folder}") for problem in caught.value.problems]


@given(content=FOLDERS)
@QUICK
def test_a_tree_arrives_as_it_is(tmp_path: Path, content: object) -> None:
    """S2-11: files, empty ones too, symlinks, exec bits, empty folders any name: packed and laid, it is the same."""
    tree = _fine(laid(tmp_path / "here", content))
    shutil.rmtree(tmp_path / "there", ignore_errors=True)
    (tmp_path / "there").mkdir()
    packed(tmp_path / "here", tree, tmp_path / "there")
    assert tree == walked(tmp_path / "there")
    content = Content(tree=tree, recipe=Recipe(method=Method.SYSTEMD, commands=("make",), installs=True))
    assert content == told(content.encoded.decode())


@given(one=FOLDERS, two=FOLDERS)
@QUICK
def test_a_delta_makes_one_tree_of_the_other(tmp_path: Path, one: object, two: object) -> None:
    """Whatever is there, what is wanted is there afterwards; what is there already, anywhere, is not sent."""
    wanted, there = _fine(laid(tmp_path / "one", one)), _fine(laid(tmp_path / "two", two))
    found = delta(wanted, there, there)
    shutil.rmtree(tmp_path / "made", ignore_errors=True)
    shutil.copytree(tmp_path / "two", tmp_path / "made", symlinks=True)
    made = tmp_path / "made"
    for path in found.stray:
        shutil.rmtree(made / path) if (made / path).is_dir() and not (made / path).is_symlink() else (
            made / path
        ).unlink()
    for path in found.folders:
        (made / path).mkdir()
    for source, path in found.copies:
        shutil.copy2(tmp_path / "two" / source, made / path)
    packed(tmp_path / "one", Tree(nodes=found.missing), made)
    assert wanted == walked(made)
    known = {node.digest for node in there.nodes if node.kind == "file" and not node.executable}
    assert not [node for node in found.missing if node.digest in known and not node.executable]


def test_nothing_to_do() -> None:
    """The same tree again lacks nothing."""
    tree = Tree(nodes=(Node(path="a", kind="file", digest="sha256:1", size=1), Node(path="b", kind="folder")))
    assert Delta(stray=(), folders=(), copies=(), missing=()) == delta(tree, tree, Tree())


def test_below_what_goes() -> None:
    """F6: a folder that somebody has altered goes with what is in it, and all of that comes again."""
    folder, file = Node(path="a", kind="folder"), Node(path="a/f", kind="file", digest="sha256:1", size=1)
    below = Node(path="a/b", kind="folder")
    altered = replace(folder, kind="file", digest="sha256:")
    wanted, there = (Tree(nodes=(each, below, file)) for each in (folder, altered))
    expected = Delta(stray=("a",), folders=("a", "a/b"), copies=(("a/f", "a/f"),), missing=())
    assert expected == delta(wanted, there, there)
    assert replace(expected, copies=(), missing=(file,)) == delta(wanted, there, Tree())


def test_what_makes_another_tree(tmp_path: Path) -> None:
    """An exec bit, an empty folder, a target and a byte are in the digest; who may read, and the time, are not."""
    first = _digest(laid(tmp_path / "x", {"f": ("file", b"1", False), "l": ("link", "f", False)}))
    again = laid(tmp_path / "x", {"f": ("file", b"1", False), "l": ("link", "f", False)})
    (again / "f").chmod(0o644)
    os.utime(again / "f", (1, 1))
    assert first == _digest(again)
    others = [
        {"f": ("file", b"1", True), "l": ("link", "f", False)},
        {"f": ("file", b"2", False), "l": ("link", "f", False)},
        {"f": ("file", b"1", False), "l": ("link", "g", False)},
        {"f": ("file", b"1", False), "l": ("link", "f", False), "d": {}},
    ]
    digests = {_digest(laid(tmp_path / "x", each)) for each in others}
    assert 5 == len(digests | {first})


@given(
    links=st.dictionaries(
        st.sampled_from(["x", "d/y", "d/e/z"]),
        st.lists(st.sampled_from(["..", ".", "d", "e", "x", "y", "z"]), min_size=1, max_size=5).map("/".join),
        min_size=1,
    )
)
@QUICK
def test_links_that_lead_out(tmp_path: Path, links: dict[str, str]) -> None:
    """Never said to stay inside where the kernel goes outside: links over links, and `..` behind a link."""
    top = tmp_path / "up" / "top"
    shutil.rmtree(tmp_path / "up", ignore_errors=True)
    (top / "d" / "e").mkdir(parents=True)
    for path, target in links.items():
        (top / path).symlink_to(target)
    nodes = [Node(path=path, kind="link", target=target) for path, target in links.items()]
    out = set(leading_out(Tree(nodes=tuple(nodes))))
    for path in links.keys() - out:
        real = posixpath.realpath(top / path)
        assert real == str(top) or real.startswith(f"{top}/"), (path, links)


def test_links_that_stay() -> None:
    """One over a folder and back up, one to the top, one to nothing: they lead nowhere else."""
    targets = {"s/d": "..", "up": "s/../s", "none": "s/nothing/here", "top": "."}
    assert [] == list(leading_out(Tree(nodes=tuple(Node(path=p, kind="link", target=t) for p, t in targets.items()))))
    out = {"s/d": "..", "x": "s/d/..", "abs": "/etc/passwd", "round": "round"}
    assert ["x", "abs", "round"] == list(
        leading_out(Tree(nodes=tuple(Node(path=p, kind="link", target=t) for p, t in out.items())))
    )


def test_everything_that_is_wrong(tmp_path: Path) -> None:
    """F26: a link that leads out, a socket and a name that is no UTF-8 are told at once."""
    tree = laid(tmp_path / "x", {"fine": ("file", b"", False), "out": ("link", "../..", False)})
    (tree / os.fsdecode(b"\xff")).touch()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tree / "socket"))
    assert [
        "socket is neither a file nor a folder nor a symlink",
        "'\\udcff' has a name that is no UTF-8",
        "/out is a symlink that leads out of it",
    ] == wrong(tree)


def test_where_it_may_lie(tmp_path: Path) -> None:
    """F26: below the folders that are allowed, whatever links and `..` say; a folder; there."""
    allowed, other = laid(tmp_path / "allowed", {"a": {"f": ("file", b"1", False)}}), laid(tmp_path / "other", {})
    (allowed / "link").symlink_to(other)
    assert ("f",) == tuple(node.path for node in walked(allowed / "a", other, allowed).nodes)
    assert [" is not below a folder of [serve] sources"] == wrong(allowed / "link", allowed)
    assert [" is not below a folder of [serve] sources"] == wrong(allowed / "a" / ".." / ".." / "other", allowed)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for outside in (other, other / "none", other / "none" / "f", tmp_path / "loop", allowed / "link" / "none"):
        with pytest.raises(ConfigError) as caught:
            walked(outside, allowed)
        assert f"service_path: {outside} is not below a folder of [serve] sources" == str(caught.value)
    (allowed / "loop").symlink_to("loop")
    assert [" is not there"] == wrong(allowed / "loop", allowed)
    assert [" is not a folder"] == wrong(allowed / "a" / "f", allowed)
    assert [" is not there"] == wrong(allowed / "b", allowed)
    assert [" is not there"] == wrong(allowed / "b\0", allowed)


def test_git_stays_here(tmp_path: Path) -> None:
    """The history of a repository is not brought; what its .gitignore names is."""
    content = {".git": {"HEAD": ("file", b"1", False)}, ".gitignore": ("file", b"*", False), "sub": {".git": {}}}
    assert [".gitignore", "sub"] == [node.path for node in walked(laid(tmp_path / "x", content)).nodes]


@pytest.mark.parametrize("how", ["longer", "shorter", "same length", "link", "gone"])
def test_changed_while_it_is_sent(tmp_path: Path, how: str) -> None:
    """F11: a file whose bytes are not those that were walked is not sent."""
    folder = laid(tmp_path / "x", {"f": ("file", b"12", False)})
    tree, file = walked(folder), folder / "f"
    file.unlink()
    if how == "link":
        (tmp_path / "elsewhere").write_bytes(b"12")
        file.symlink_to(tmp_path / "elsewhere")
    elif how != "gone":
        file.write_bytes({"longer": b"123", "shorter": b"1", "same length": b"21"}[how])
    with pytest.raises(Unfinished, match="changed while it was sent"):
        packed(folder, tree, tmp_path)
    with pytest.raises(Unfinished, match="changed while it was sent"):
        anyio.run(DiskTrees().read, str(folder), tree.nodes[0])


def test_the_same_pack_each_time(tmp_path: Path) -> None:
    """What was sent in part can be gone on with: the bytes are the same, whenever a file was written."""
    folder = laid(tmp_path / "x", {"f": ("file", b"12", True), "l": ("link", "f", False)})

    async def once() -> str:
        async with DiskTrees().packed(str(folder), walked_nodes) as pack:
            return digest_bytes(pack.read_bytes())

    walked_nodes = walked(folder).nodes
    first = anyio.run(once)
    os.utime(folder / "f", (1, 1))
    assert first == anyio.run(once)


def _fine(folder: Path) -> Tree:
    """The tree of a folder whose links stay inside; any other is not looked at."""
    try:
        return walked(folder)
    except ConfigError:
        reject()


def _digest(folder: Path) -> str:
    return Content(tree=walked(folder), recipe=Recipe(method=Method.DOCKER)).digest
