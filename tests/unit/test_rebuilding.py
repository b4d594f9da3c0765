"""A rebuild beside its release: what differs, what that comes from, and what may."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from sharding import build, planned, step
from shipways.config.load import parse
from shipways.errors import PreflightError
from shipways.model.artifact import Artifact, Blob, Kind
from shipways.model.digest import digest_bytes
from shipways.model.plan import Plan
from shipways.run import planner
from shipways.run.maker import Made
from shipways.run.rebuilding import Drifted, compare, released_plan
from shipways.run.record import seal
from support import facts

PLAN = planned(build("a"), build("b"), step("a.tar", "a"), step("sums", "a.tar", "b", gathers=True))
CONFIG = parse('[project]\nname = "p"\n[package.a]\nbuild = "go"\n', "shipways.toml")


def made(texts: Mapping[str, str], keys: Mapping[str, str], varies: Iterable[str] = (), plan: Plan = PLAN) -> Made:
    """A run whose steps have each made a file of this text."""
    artifacts = [
        Artifact(
            name=name,
            blob=Blob(
                name=name,
                kind=Kind.FILE,
                digest=digest_bytes(text.encode()),
                size=len(text),
                varies="its clock" if name in varies else "",
            ),
            step=name,
            package="a",
        )
        for name, text in texts.items()
    ]
    told = tuple((each.spec.id, keys.get(each.spec.id, "same")) for each in plan.steps)
    return Made(artifacts=tuple(artifacts), keys=told, timings=(), skips=())


TEXTS = {"a": "1", "b": "1", "a.tar": "1", "sums": "1"}


def drifted(
    texts: Mapping[str, str], keys: Mapping[str, str], varies: Iterable[str] = ()
) -> list[tuple[str, str, str]]:
    """Path, excuse and cause of all that differs from a release where each text is 1."""
    manifest = seal(PLAN, facts(a="1.0.0"), made(TEXTS, {}, varies))
    return [(each.path, each.excuse, each.cause) for each in compare(manifest, PLAN, made(texts, keys, varies))]


def test_same() -> None:
    """Nothing differs, whatever the digests of inputs are."""
    assert [] == drifted(TEXTS, {})
    assert [] == drifted(TEXTS, {"a": "other"})


def test_cause() -> None:
    """What is made of something that differs names it; a step with the same inputs is a cause of its own."""
    texts = TEXTS | {"a": "2", "a.tar": "2", "sums": "2"}
    keys = {"a.tar": "other", "sums": "other"}
    assert [("a", "", ""), ("a.tar", "", "a"), ("sums", "", "a.tar")] == drifted(texts, keys)
    assert [("a", "", ""), ("a.tar", "", ""), ("sums", "", "a.tar")] == drifted(texts, {"sums": "other"})


def test_varies() -> None:
    """What varies has its reason, and so has what is made of it; not what differs for another reason."""
    texts = TEXTS | {"a": "2", "a.tar": "2", "sums": "2"}
    keys = {"a.tar": "other", "sums": "other"}
    told = [("a", "its clock", ""), ("a.tar", "it is made of a, which varies", "")]
    assert [*told, ("sums", "it is made of a.tar, which varies", "")] == drifted(texts, keys, ["a"])
    assert [told[0], ("b", "", ""), told[1], ("sums", "", "b")] == drifted(texts | {"b": "2"}, keys, ["a"])
    assert [told[0], ("a.tar", "", "")] == drifted(TEXTS | {"a": "2", "a.tar": "2"}, {}, ["a"])


def test_gone_and_new() -> None:
    """A file that only one of them has differs; one that is named by its digest is compared with its successor."""
    manifest = seal(PLAN, facts(a="1.0.0"), made(TEXTS, {}))
    again = made({name: text for name, text in TEXTS.items() if name != "b"}, {})
    (lost,) = compare(manifest, PLAN, again)
    assert ("b", None) == (lost.path, lost.new)
    extra = replace(again.artifacts[0], name="blobs/2", step="b")
    (moved,) = compare(manifest, PLAN, replace(again, artifacts=(*again.artifacts, extra)))
    assert ("b", extra) == (moved.path, moved.new)
    whole = made(TEXTS, {})
    (new,) = compare(manifest, PLAN, replace(whole, artifacts=(*whole.artifacts, extra)))
    assert Drifted(path="blobs/2", old=None, new=extra) == new


def test_checkout() -> None:
    """A checkout that makes another release is refused, with its commit; the mode is that of the release."""
    tagged = facts(a="1.0.0", tags=("v1.0.0",))
    for publish in (True, False):
        whole = planner.plan(CONFIG, tagged, [], publish=publish, snapshot=not publish)
        manifest = seal(whole, tagged, Made(artifacts=(), keys=(), timings=(), skips=()))
        assert whole.make_digest == released_plan(CONFIG, tagged, [], manifest).make_digest
    other = replace(manifest, commit="f" * 40, make_digest="sha256:0")
    with pytest.raises(PreflightError, match=r"release v1.0.0: is of commit ffffffff(.|\n)*this is 01234567"):
        released_plan(CONFIG, tagged, [], other)
