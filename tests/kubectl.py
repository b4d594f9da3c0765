"""A cluster behind kubectl, in memory: its transcripts are in the form of kubectl 1.32.

Shapes: "Deployment v1 apps", "Pod v1 core" of the Kubernetes API 1.32. Nothing here is a real cluster.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import anyio
import yaml

from deploying import HEAD, MACHINE, SHOP, rendered
from shipways.config.load import parse
from shipways.deploy import kubernetes
from shipways.deploy.places.kubernetes import KubernetesDeployer, plan
from shipways.model.deployment import Running
from shipways.model.outcome import Outcome
from shipways.outside.platforms import Site
from shipways.ports import Completed
from shipways.run.deploying import Crew, deploy
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED_SITE
from shipways.testing.process import ScriptedProcess

OLD, NEW = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
IMAGE: Final = "ghcr.io/example/shop"
DEPLOY: Final = (
    '\n[service.shop.kubernetes]\nhost = "shop.example.org"\n[deploy.prod]\nkind = "kubernetes"\nwait = "9s"\n'
)
CONFLICT: Final = (
    'error: Operation cannot be fulfilled on deployments.apps "shop": the object has been modified; please apply your '
    "changes to the latest version and try again\nPlease review the fields above--they currently have other managers."
)


def kustomized() -> str:
    """What `kubectl kustomize` prints of the overlay: the ConfigMap has a name by its content."""
    text = rendered(kubernetes, SHOP + DEPLOY.partition("[deploy")[0])["deployment/kubernetes/base/shop.yaml"]
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop-env-7g2k"}, "data": {"A": "b"}}
    other = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "page"}, "spec": {}}
    return f"{text.replace('name: shop-env', 'name: shop-env-7g2k')}---\n{yaml.safe_dump_all([made, other])}"


class Cluster:
    """A cluster as far as these tests see it: one Deployment, which is applied, looked at and brought up."""

    def __init__(self) -> None:
        self.deployment: dict[str, Any] = {}
        self.pods: list[dict[str, Any]] = []
        self.applied: list[str] = []
        self.broken: set[str] = set()
        self.answers: dict[str, Completed] = {}
        self.process = ScriptedProcess(self.answer)

    def answer(self, argv: tuple[str, ...]) -> Completed | None:
        """How a command of kubectl ends."""
        words = " ".join(word for word in argv[1:] if not word.startswith("--"))
        for begin, done in self.answers.items():
            if words.startswith(begin):
                return done
        if words.startswith("kustomize"):
            return said(kustomized())
        if words.startswith("get deployment"):
            return said(json.dumps(self.deployment) if self.deployment else "")
        if words.startswith("get pods"):
            return said(json.dumps({"kind": "List", "items": self.pods}))
        if words == "delete":
            self.deployment = {}
        if words == "apply" and "--dry-run=server" not in argv:
            return self.apply(sent(self.process.given[-1]))
        return None

    def apply(self, items: list[dict[str, Any]]) -> Completed | None:
        """Server-side: a resourceVersion that is not the one there is a conflict."""
        self.applied += [each["kind"] for each in items]
        for each in items:
            if each["kind"] == "Deployment":
                seen = each["metadata"].pop("resourceVersion", "")
                if self.deployment and seen != self.deployment["metadata"]["resourceVersion"]:
                    return Completed(code=1, stdout="", stderr=CONFLICT)
                self.run(each["spec"]["template"]["spec"]["containers"][0]["image"], each["metadata"]["annotations"])
        return None

    def run(self, image: str, annotations: dict[str, str] | None = None) -> None:
        """A Deployment that has been brought up as far as it can be."""
        generation = self.deployment["metadata"]["generation"] + 1 if self.deployment else 1
        ready = 0 if image.partition("@")[2] in self.broken else 1
        self.deployment = {
            "kind": "Deployment",
            "metadata": {
                "name": "shop",
                "uid": "6f0e",
                "generation": generation,
                "resourceVersion": str(100 + generation),
                "annotations": annotations or {},
            },
            "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "shop", "image": image}]}}},
            "status": {
                "observedGeneration": generation,
                "replicas": 1,
                "updatedReplicas": 1,
                "availableReplicas": ready,
                "conditions": [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}],
            },
        }

    @property
    def site(self) -> Site:
        """What the deployer gets."""
        return replace(CLOSED_SITE, root=Path("/repository"), process=self.process)


def sent(text: bytes) -> list[dict[str, Any]]:
    """The objects on a standard input."""
    return [json.loads(line) for line in text.splitlines()]


def said(text: str) -> Completed:
    """A command that ends well."""
    return Completed(code=0, stdout=text, stderr="")


def refused(text: str) -> Completed:
    """One that does not."""
    return Completed(code=1, stdout="", stderr=text)


def pod(image: str, **status: Any) -> dict[str, Any]:
    """A pod whose one container is like this."""
    container = {"name": "shop", "ready": False, "restartCount": 0, "state": {}, **status}
    return {
        "metadata": {"name": "shop-5d-x", "namespace": "shop-prod"},
        "spec": {"containers": [{"name": "shop", "image": image}]},
        "status": {"conditions": [], "containerStatuses": [container]},
    }


def deployer(extra: str = "") -> KubernetesDeployer:
    """The one of the config."""
    (found,) = plan(parse(HEAD + SHOP + DEPLOY + extra, "shipways.toml"), MACHINE)
    return found


def go(cluster: Cluster, want: str = NEW) -> Outcome:
    """Deploy by the core."""
    item = replace(deployer().items()[0], want=want)
    crew = Crew(site=cluster.site, console=RecordingConsole(), clock=ManualClock())
    return anyio.run(lambda: deploy(deployer(), (item,), crew))


def observed(cluster: Cluster) -> Running:
    """What is seen to run."""
    found = anyio.run(lambda: deployer().observe(cluster.site, deployer().items()))
    return found["deploy.prod/shop"]
