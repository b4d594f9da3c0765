"""What a service was started as is compared and returned to like its image: names, and transcripts of kubectl."""

import json
from typing import Any

import pytest

from kubectl import NEW, OLD, Cluster, go, kustomized, observed, said, sent
from shipways.deploy.definitions import Definitions, image_of, read
from shipways.errors import DeployFailed, Unfinished
from shipways.run.deploying import failure

ONE, TWO, THREE = ({"env": {"A": str(number)}} for number in range(3))


def test_names() -> None:
    """What was started as is rendered now has the name of its image alone; another one has a key behind it."""
    now = Definitions(rendered=ONE, kept=(ONE, TWO))
    assert OLD == now.running(OLD)
    later = Definitions(rendered=TWO, kept=(ONE, TWO))
    name = later.running(OLD)
    assert (OLD, True) == (image_of(name), name != OLD)
    assert name == now.whole(OLD)
    assert (ONE, TWO) == (later.named(name), later.named(OLD))
    assert OLD == now.short(name)


def test_what_is_kept() -> None:
    """Each once, the one that is started first, and four at most; one that is gone has no name any more."""
    known = read(THREE, Definitions(rendered=TWO, kept=(ONE, TWO)).after(TWO))
    assert (TWO, ONE) == known.kept
    assert [ONE, TWO, THREE] == json.loads(known.after(ONE))
    many = read(ONE, json.dumps([{"n": number} for number in range(9)]))
    assert 4 == len(json.loads(many.after(ONE)))
    with pytest.raises(Unfinished, match="nobody knows any more"):
        known.named(f"{OLD}+0123456789ab")


@pytest.mark.parametrize("text", ["", "{", "[1]", "[]"])
def test_nothing_is_known(text: str) -> None:
    """Of what somebody else has started only the image is known."""
    assert OLD == read(ONE, text).running(OLD)


def test_another_template_of_the_same_image() -> None:
    """A changed configuration is deployed, where it does not work the template of before returns, and rollback too."""
    cluster = Cluster()
    go(cluster, OLD)
    cluster.answers["kustomize"] = said(kustomized().replace("shop-env-7g2k", "shop-env-other"))
    assert (True, True) == ("+" in observed(cluster).digest, observed(cluster).digest.startswith(OLD))
    assert failure(go(cluster, OLD)) is None
    assert ["shop-env-other", "shop-env-7g2k"] == [names(each) for each in kept(cluster)]
    before = observed(cluster).previous
    assert (OLD, True) == (observed(cluster).digest, before.startswith(f"{OLD}+"))
    assert failure(go(cluster, before)) is None
    assert (before, OLD) == (observed(cluster).digest, observed(cluster).previous)
    applied = [each for text in cluster.process.given for each in sent(text) if each["kind"] == "Deployment"]
    assert "shop-env-7g2k" == names(applied[-1]["spec"]["template"])
    cluster.broken.add(NEW)
    assert isinstance(failure(go(cluster)), DeployFailed)
    assert (before, "shop-env-7g2k") == (observed(cluster).digest, names(kept(cluster)[0]))


def test_a_definition_that_nobody_has_any_more() -> None:
    """A name from long ago is refused before anything is applied."""
    cluster = Cluster()
    go(cluster, OLD)
    count = len(cluster.applied)
    error = failure(go(cluster, f"{NEW}+0123456789ab"))
    assert "nobody knows any more what it was started as" in str(error)
    assert count == len(cluster.applied)


def kept(cluster: Cluster) -> Any:
    """The templates that the Deployment remembers."""
    return json.loads(cluster.deployment["metadata"]["annotations"]["shipways/definitions"])


def names(template: Any) -> Any:
    """The ConfigMap of a template's variables."""
    return template["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"]
