"""What a cluster tells of a Deployment and of its pods, and what it is told of one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shipways.deploy.wanted import reference, version
from shipways.model.deployment import Pulse, Running
from shipways.model.service import Service

PREVIOUS: Final = "shipways/previous"
"""The annotation of a Deployment that has what ran before."""
_CRASHES: Final = 3
"""How often a container may have been started again before it is given up."""
_NEEDED: Final = frozenset({"ConfigMap", "PersistentVolumeClaim"})
"""What pods name; nothing else of a service has another name than its own."""

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """The objects of one service: those that its pods need, its Deployment, and those that lead to it."""

    needed: tuple[Object, ...]
    deployment: Object
    others: tuple[Object, ...]

    @property
    def removable(self) -> tuple[Object, ...]:
        """All but the claims, which have data."""
        kept = (each for each in self.needed if each["kind"] != "PersistentVolumeClaim")
        return (*self.others, self.deployment, *kept)


def objects(service: Service, documents: Sequence[Object]) -> Objects:
    """Those of a service among all of an overlay."""
    deployment = next(each for each in documents if (each["kind"], each["metadata"]["name"]) == _key(service))
    pod = deployment["spec"]["template"]["spec"]
    names = {("ConfigMap", each["configMapRef"]["name"]) for each in _container(pod, service)["envFrom"]}
    claims = (each["persistentVolumeClaim"] for each in pod["volumes"] if "persistentVolumeClaim" in each)
    names |= {("PersistentVolumeClaim", each["claimName"]) for each in claims}
    return Objects(
        needed=tuple(each for each in documents if (each["kind"], each["metadata"]["name"]) in names),
        deployment=deployment,
        others=tuple(
            each
            for each in documents
            if each["metadata"]["name"] == service.name and each["kind"] not in {"Deployment", *_NEEDED}
        ),
    )


def pinned(service: Service, deployment: Object, digest: str, previous: str, seen: str) -> Object:
    """The Deployment with what should run and what ran, to be refused when the one there is not `seen` any more.

    `seen` is a resourceVersion; empty where there is no Deployment.
    """
    metadata, spec = deployment["metadata"], deployment["spec"]
    template = spec["template"]
    containers = [
        {**each, "image": reference(service, digest)} if each["name"] == service.name else each
        for each in template["spec"]["containers"]
    ]
    noted = {PREVIOUS: previous} if previous else {}
    return {
        **deployment,
        "metadata": {
            **metadata,
            "annotations": {**metadata.get("annotations", {}), **noted},
            **({"resourceVersion": seen} if seen else {}),
        },
        "spec": {**spec, "template": {**template, "spec": {**template["spec"], "containers": containers}}},
    }


def stamp(told: Object | None) -> str:
    """What changes with each change of what a Deployment asks for, and not with how it does."""
    return f"{told['metadata']['uid']}/{told['metadata']['generation']}" if told else ""


def running(service: Service, told: Object | None, url: str) -> Running:
    """One that is scaled to 0 runs nothing, and what it ran is what ran before."""
    if told is None:
        return Running()
    image = version(service, _container(told["spec"]["template"]["spec"], service)["image"])
    if told["spec"]["replicas"] == 0:
        return Running(previous=image, stamp=stamp(told))
    previous = told["metadata"].get("annotations", {}).get(PREVIOUS, "")
    return Running(digest=image, previous=previous, stamp=stamp(told), url=url)


def pulse(service: Service, digest: str, told: Object | None) -> Pulse:
    """Whether a Deployment runs this and nothing else, all of it available. Its pods may know more of why not."""
    if told is None:
        return Pulse(healthy=False, why="there is no Deployment", lost=True)
    image = version(service, _container(told["spec"]["template"]["spec"], service)["image"])
    status, count = told.get("status", {}), told["spec"]["replicas"]
    if image != digest:
        return Pulse(healthy=False, why=f"{image} runs", lost=True)
    if count == 0:
        return Pulse(healthy=False, why="it is scaled to 0", lost=True)
    if status.get("observedGeneration", 0) < told["metadata"]["generation"]:
        return Pulse(healthy=False, why="no controller has looked at it yet")
    for condition in status.get("conditions", ()):
        if (condition["type"], condition["status"]) == ("Progressing", "False"):
            return Pulse(healthy=False, why=condition.get("message") or condition["reason"], lost=True)
    why = "; ".join(_lacking(count, status))
    return Pulse(healthy=not why, why=why)


def _lacking(count: int, status: Object) -> Iterator[str]:
    updated, all_of_them = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    if updated < count:
        yield f"{updated} of {count} pods are new"
    if all_of_them > updated:
        yield f"{all_of_them - updated} old pods still run"
    if available < count:
        yield f"{available} of {count} pods are available"


def sick(service: Service, digest: str, pods: Sequence[Object]) -> tuple[str, str, bool]:
    """The first pod of this version that is not ready: its name, why, and whether it never will be; empty for none."""
    for pod in pods:
        name = pod["metadata"]["name"]
        if version(service, _container(pod["spec"], service)["image"]) != digest:
            continue
        status = pod.get("status", {})
        for condition in status.get("conditions", ()):
            if (condition["type"], condition["status"]) == ("PodScheduled", "False"):
                return name, condition.get("message", "no node takes it"), False
        for each in status.get("containerStatuses", ()):
            if not each["ready"]:
                return name, *_stuck(each)
    return "", "", False


def _stuck(container: Object) -> tuple[str, bool]:
    """Why a container is not ready, and whether that will stay so."""
    state, restarts = container.get("state", {}), container["restartCount"]
    ended = state.get("terminated") or container.get("lastState", {}).get("terminated")
    if restarts and ended:
        why = f"it ended with {ended['exitCode']} ({ended.get('reason', '')}), started again {restarts} times"
        return why, restarts >= _CRASHES
    waiting = state.get("waiting", {})
    told = ": ".join(filter(None, (waiting.get("reason"), waiting.get("message"))))
    return told or "it runs, and is not ready", waiting.get("reason") == "InvalidImageName"


def _container(pod: Object, service: Service) -> Any:
    return next(each for each in pod["containers"] if each["name"] == service.name)


def _key(service: Service) -> tuple[str, str]:
    return "Deployment", service.name
