"""What a cluster tells of a Deployment and of its pods, and what it is told of one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shipways.deploy.definitions import Definition, Definitions, image_of, read
from shipways.deploy.wanted import reference, version
from shipways.model.deployment import Pulse, Running
from shipways.model.service import Service

PREVIOUS: Final = "shipways/previous"
"""The annotation of a Deployment that has what ran before."""
DEFINITIONS: Final = "shipways/definitions"
"""… and the one that has the template of its pods as it was rendered, and those of before."""
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


def definitions(deployment: Object, told: Object | None) -> Definitions:
    """What a service is by the overlay and by its Deployment in the cluster, whose server fills in much."""
    return read(deployment["spec"]["template"], _annotations(told).get(DEFINITIONS, ""))


def pinned(service: Service, deployment: Object, want: str, annotations: Mapping[str, str], seen: str) -> Object:
    """The Deployment with what should run and these annotations, to be refused when the one there is not `seen`.

    `seen` is a resourceVersion; empty where there is no Deployment.
    """
    metadata, spec = deployment["metadata"], deployment["spec"]
    template = spec["template"]
    containers = [
        {**each, "image": reference(service, image_of(want))} if each["name"] == service.name else each
        for each in template["spec"]["containers"]
    ]
    return {
        **deployment,
        "metadata": {
            **metadata,
            "annotations": {**_annotations(deployment), **annotations},
            **({"resourceVersion": seen} if seen else {}),
        },
        "spec": {**spec, "template": {**template, "spec": {**template["spec"], "containers": containers}}},
    }


def noted(known: Definitions, definition: Definition, previous: str) -> Mapping[str, str]:
    """The annotations of a Deployment that is started so, where this ran before."""
    return {DEFINITIONS: known.after(definition), **({PREVIOUS: known.whole(previous)} if previous else {})}


def stamp(told: Object | None) -> str:
    """What changes with each change of what a Deployment asks for, and not with how it does."""
    return f"{told['metadata']['uid']}/{told['metadata']['generation']}" if told else ""


def running(service: Service, told: Object | None, known: Definitions, url: str) -> Running:
    """One that is scaled to 0 runs nothing, and what it ran is what ran before."""
    if told is None:
        return Running()
    name = _named(service, told, known)
    if told["spec"]["replicas"] == 0:
        return Running(previous=name, stamp=stamp(told))
    previous = known.short(_annotations(told).get(PREVIOUS, ""))
    return Running(digest=name, previous=previous, stamp=stamp(told), url=url, torn=not known.kept)


def pulse(service: Service, want: str, told: Object | None, known: Definitions) -> Pulse:
    """Whether a Deployment runs this and nothing else, all of it available. Its pods may know more of why not."""
    if told is None:
        return Pulse(healthy=False, why="there is no Deployment", lost=True)
    name = _named(service, told, known)
    status, count = told.get("status", {}), told["spec"]["replicas"]
    if name != want:
        return Pulse(healthy=False, why=f"{name} runs", lost=True)
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


def sick(service: Service, want: str, pods: Sequence[Object]) -> tuple[str, str, bool]:
    """The first pod of this version that is not ready: its name, why, and whether it never will be; empty for none."""
    for pod in pods:
        name = pod["metadata"]["name"]
        if version(service, _container(pod["spec"], service)["image"]) != image_of(want):
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


def _named(service: Service, told: Object, known: Definitions) -> str:
    return known.running(version(service, _container(told["spec"]["template"]["spec"], service)["image"]))


def _annotations(told: Object | None) -> Mapping[str, str]:
    return (told["metadata"].get("annotations") or {}) if told else {}


def _container(pod: Object, service: Service) -> Any:
    return next(each for each in pod["containers"] if each["name"] == service.name)


def _key(service: Service) -> tuple[str, str]:
    return "Deployment", service.name
