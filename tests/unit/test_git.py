"""What should be at the remote of a release that makes its own tags."""

from dataclasses import replace

import anyio

from shipways.config.load import parse
from shipways.model.item import ItemKind, Phase
from shipways.model.manifest import PackageEntry
from shipways.publish.git import GitChannel, plan
from shipways.testing.doors import CLOSED
from shipways.testing.tags import MemoryTags
from support import facts, sealed

CONFIG = parse('[project]\nname = "p"\nrepository = "example/p"\n', "shipways.toml")
A = PackageEntry(name="a", version="1.0.0", tag="v1.0.0")
B = replace(A, name="b")
C = PackageEntry(name="c", version="2.0.0", tag="c/v2.0.0")


def test_desired() -> None:
    """Each tag once, of the commit that was built, before everything else that is public."""
    channel = GitChannel(repository="", tags=("v1.0.0", "c/v2.0.0"), commit="c" * 40)
    items = channel.desired(sealed(A, B, C, commit="c" * 40))
    assert ["git/v1.0.0", "git/c/v2.0.0"] == [item.id for item in items]
    assert {(ItemKind.FIXED, Phase.COMMIT, "c" * 40, True)} == {(i.kind, i.phase, i.want, i.first) for i in items}


def test_plan() -> None:
    """The channel is there when the release makes tags, and for no other run."""
    known = facts(a="1.0.0", tags=("v1.0.0",))
    assert [] == [*plan(CONFIG, None), *plan(CONFIG, known)]
    (channel,) = plan(CONFIG, replace(known, git=replace(known.git, new=("v1.0.0",))))
    assert GitChannel(repository="example/p", tags=("v1.0.0",), commit=known.git.commit) == channel


def test_preflight() -> None:
    """What is against any of the tags is told before anything is built."""
    tags = MemoryTags(**{"v1.0.0": "a" * 40})
    channel = GitChannel(repository="", tags=("v1.0.0", "c/v2.0.0"), commit="c" * 40)
    problems = anyio.run(channel.preflight, replace(CLOSED, tags=lambda *_: tags))
    assert ["v1.0.0"] == [problem.path for problem in problems]
