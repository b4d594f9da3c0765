"""Deploying to Kubernetes: what kubectl is told, over transcripts in the form of kubectl 1.32.

No cluster is asked here: tests/kubectl.py is one in memory.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import anyio
import pytest

from deploying import HEAD, SHOP
from kubectl import CONFLICT, DEPLOY, IMAGE, NEW, OLD, Cluster, deployer, go, observed, pod, refused, said, sent
from shipways.config.load import parse
from shipways.errors import ConfigError, DeployFailed, Moved, PreflightError, Transient, Unfinished
from shipways.model.deployment import Running
from shipways.ports import Completed
from shipways.run.deploying import failure
from shipways.testing.doors import CLOSED_SITE
from shipways.testing.process import ScriptedProcess

NOT_FOUND: Final = 'Error from server (NotFound): namespaces "shop-prod" not found'


def told(cluster: Cluster) -> tuple[str, bool]:
    """Why it is not healthy, and whether it is lost."""
    item = replace(deployer().items()[0], want=NEW)
    found = anyio.run(lambda: deployer().probe(cluster.site, item))
    return found.why, found.lost


def test_the_first_time() -> None:
    """What pods need comes first, what leads to them last, and nothing of another service; then it is healthy."""
    cluster = Cluster()
    assert Running() == observed(cluster)
    outcome = go(cluster)
    assert failure(outcome) is None
    assert [
        "PersistentVolumeClaim",
        "ConfigMap",
        "Deployment",
        "NetworkPolicy",
        "Service",
        "Ingress",
    ] == cluster.applied
    assert Running(digest=NEW, stamp="6f0e/1", url="https://shop.example.org") == observed(cluster)
    assert "https://shop.example.org" == outcome.rows[0].url


def test_again_and_another_one() -> None:
    """The same is left alone; another takes over and remembers; all of it in the namespace, with the condition."""
    cluster = Cluster()
    go(cluster, OLD)
    count = len(cluster.applied)
    go(cluster, OLD)
    assert count == len(cluster.applied)
    assert failure(go(cluster)) is None
    assert (NEW, OLD) == (observed(cluster).digest, observed(cluster).previous)
    ran = [argv for argv in cluster.process.ran if argv[1] != "kustomize"]
    assert {"--namespace=shop-prod"} == {argv[1] for argv in ran}
    applied = [each for text in cluster.process.given for each in sent(text)]
    assert {"shop-prod"} == {each["metadata"]["namespace"] for each in applied}
    last = [each for each in applied if each["kind"] == "Deployment"][-1]
    assert f"{IMAGE}@{NEW}" == last["spec"]["template"]["spec"]["containers"][0]["image"]
    assert "101" == last["metadata"]["resourceVersion"]
    annotations = last["metadata"]["annotations"]
    assert annotations["shipways/previous"].startswith(f"{OLD}+")
    assert 1 == len(json.loads(annotations["shipways/definitions"]))


def test_one_that_does_not_work() -> None:
    """What ran before runs again, with what it remembered; the reason is that of the pod."""
    cluster = Cluster()
    cluster.run(f"{IMAGE}@{OLD}", {"shipways/previous": "sha256:older"})
    cluster.broken.add(NEW)
    ended = {"terminated": {"exitCode": 3, "reason": "Error"}}
    cluster.pods = [pod(f"{IMAGE}@{NEW}", restartCount=3, lastState=ended)]
    cluster.answers["logs shop-5d-x"] = said("no room left\n")
    error = failure(go(cluster))
    assert isinstance(error, DeployFailed)
    assert "pod shop-5d-x: it ended with 3 (Error), started again 3 times" in str(error)
    assert "no room left" in str(error)
    assert (OLD, "sha256:older") == (observed(cluster).digest, observed(cluster).previous)


def test_a_first_one_that_does_not_work() -> None:
    """All of it is deleted but the claim, which has data."""
    cluster = Cluster()
    cluster.broken.add(NEW)
    assert isinstance(failure(go(cluster)), DeployFailed)
    assert Running() == observed(cluster)
    argv, text = next(
        each for each in zip(cluster.process.ran, cluster.process.given, strict=True) if "delete" in each[0]
    )
    assert ("delete", "--ignore-not-found", "--wait=false", "--filename=-") == argv[3:]
    assert ["NetworkPolicy", "Service", "Ingress", "Deployment", "ConfigMap"] == [each["kind"] for each in sent(text)]


@pytest.mark.parametrize("image", ["ghcr.io/example/shop:latest", f"example.com/another@{OLD}"])
def test_what_is_not_ours_returns_too(image: str) -> None:
    """An image that somebody else applied, by a tag or from another registry, is what runs again."""
    cluster = Cluster()
    cluster.run(image)
    cluster.broken.add(NEW)
    assert image == observed(cluster).digest
    go(cluster)
    assert image == cluster.deployment["spec"]["template"]["spec"]["containers"][0]["image"]


def test_scaled_to_nothing() -> None:
    """It runs nothing, and what it ran is what ran before."""
    cluster = Cluster()
    cluster.run(f"{IMAGE}@{NEW}")
    cluster.deployment["spec"]["replicas"] = 0
    assert Running(previous=NEW, stamp="6f0e/1") == observed(cluster)
    assert ("it is scaled to 0", True) == told(cluster)


def test_somebody_else_deploys() -> None:
    """What was changed since it was looked at is not replaced: seen before, or refused by the server."""
    cluster = Cluster()
    cluster.run(f"{IMAGE}@{OLD}")
    seen, item = observed(cluster), replace(deployer().items()[0], want=NEW)
    cluster.run("ghcr.io/example/shop:theirs")
    with pytest.raises(Moved):
        anyio.run(lambda: deployer().apply(cluster.site, item, seen, OLD))
    assert [] == cluster.applied
    cluster.answers["apply"] = refused(CONFLICT)
    seen = observed(cluster)
    with pytest.raises(Moved, match="has been modified"):
        anyio.run(lambda: deployer().apply(cluster.site, item, seen, OLD))


@pytest.mark.parametrize(
    ("change", "why", "lost"),
    [
        (lambda told: told["metadata"].update(generation=9), "no controller has looked at it yet", False),
        (lambda told: told["status"].update(updatedReplicas=0), "0 of 1 pods are new; 1 old pods still run", False),
        (lambda told: told["status"].pop("availableReplicas"), "0 of 1 pods are available", False),
        (
            lambda told: told["status"]["conditions"].append(
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
            ),
            "timed out",
            True,
        ),
        (
            lambda told: told["spec"]["template"]["spec"]["containers"][0].update(image=f"{IMAGE}@{OLD}"),
            f"{OLD} runs",
            True,
        ),
        (lambda told: told.clear(), "there is no Deployment", True),
    ],
    ids=["unseen", "old", "unavailable", "deadline", "another", "gone"],
)
def test_health(change: Callable[[dict[str, Any]], None], why: str, lost: bool) -> None:
    """It is healthy when the controller has brought this version alone, all of it."""
    cluster = Cluster()
    cluster.run(f"{IMAGE}@{NEW}")
    assert ("", False) == told(cluster)
    cluster.deployment = copy.deepcopy(cluster.deployment)
    change(cluster.deployment)
    assert (why, lost) == told(cluster)


WAITING: Final = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}


@pytest.mark.parametrize(
    ("status", "why", "lost"),
    [
        ({"state": WAITING}, "ImagePullBackOff: Back-off pulling image", False),
        ({"state": {"waiting": {"reason": "InvalidImageName"}}}, "InvalidImageName", True),
        ({"state": {"running": {}}}, "it runs, and is not ready", False),
        (
            {"restartCount": 1, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
            "it ended with 137 (OOMKilled), started again 1 times",
            False,
        ),
    ],
    ids=["pull", "name", "unready", "memory"],
)
def test_why(status: dict[str, Any], why: str, lost: bool) -> None:
    """A pod of this version says why; one of another does not."""
    cluster = Cluster()
    cluster.broken.add(NEW)
    cluster.run(f"{IMAGE}@{NEW}")
    cluster.pods = [pod(f"{IMAGE}@{OLD}"), pod(f"{IMAGE}@{NEW}", **status)]
    assert (f"0 of 1 pods are available; pod shop-5d-x: {why}", lost) == told(cluster)


def test_no_node() -> None:
    """A pod that no node takes has no container yet."""
    cluster = Cluster()
    cluster.broken.add(NEW)
    cluster.run(f"{IMAGE}@{NEW}")
    waits = pod(f"{IMAGE}@{NEW}")
    waits["status"] = {"conditions": [{"type": "PodScheduled", "status": "False", "message": "Insufficient memory"}]}
    cluster.pods = [waits]
    assert ("0 of 1 pods are available; pod shop-5d-x: Insufficient memory", False) == told(cluster)


def test_preflight() -> None:
    """The whole overlay is tried on the server without effect, and the rights that it does not need are asked for."""
    cluster = Cluster()
    assert () == anyio.run(lambda: deployer().preflight(cluster.site))
    assert [] == cluster.applied
    cluster.answers = {"apply": refused(NOT_FOUND), "auth can-i list pods": Completed(code=1, stdout="no\n", stderr="")}
    found = anyio.run(lambda: deployer().preflight(cluster.site))
    assert ["deployment/kubernetes/overlays/prod", "deploy.prod"] == [each.path for each in found]
    assert (NOT_FOUND, "this user may not list pods in shop-prod") == (found[0].why, found[1].what)
    cluster.answers = {"auth": refused("error: EOF")}
    with pytest.raises(Unfinished, match="does not tell whether this user may list pods"):
        anyio.run(lambda: deployer().preflight(cluster.site))
    cluster.answers = {"version": refused("The connection to the server 127.0.0.1:8080 was refused")}
    assert ["no cluster answers"] == [each.what for each in anyio.run(lambda: deployer().preflight(cluster.site))]


def test_no_kubectl() -> None:
    """It is said before anything else."""

    def none(argv: tuple[str, ...]) -> Completed:
        raise FileNotFoundError(argv[0])

    with pytest.raises(PreflightError, match="kubectl: there is no such program"):
        anyio.run(lambda: deployer().preflight(replace(CLOSED_SITE, process=ScriptedProcess(none))))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Unable to connect to the server: dial tcp: i/o timeout", Transient),
        ("Error from server (ServiceUnavailable): the server is currently unable to handle the request", Transient),
        ('Error from server (Forbidden): deployments.apps "shop" is forbidden', Unfinished),
    ],
)
def test_no_answer(text: str, error: type[Unfinished]) -> None:
    """What another try may change is told from what it does not."""
    cluster = Cluster()
    cluster.answers["get"] = refused(text)
    with pytest.raises(Unfinished) as raised:
        observed(cluster)
    assert error is raised.type


def test_another_place() -> None:
    """A context, a namespace and a profile go into the commands; no other kind has such keys."""
    extra = 'profile = "dev"\n[deploy.prod.kubernetes]\ncontext = "far"\nnamespace = "team"\n'
    cluster = Cluster()
    anyio.run(lambda: deployer(extra).preflight(cluster.site))
    assert ("kubectl", "--context=far", "--namespace=team") == cluster.process.ran[0][:3]
    assert ("kubectl", "kustomize", "/repository/deployment/kubernetes/overlays/dev") == cluster.process.ran[1]
    with pytest.raises(ConfigError, match="this one is of the kind compose"):
        wrong = extra.replace('"dev"', '"prod"')
        parse(HEAD + SHOP + DEPLOY.replace('"kubernetes"', '"compose"') + wrong, "shipways.toml")
