"""Kubernetes: manifests for all services in a base of kustomize, and an overlay for each profile."""

from collections.abc import Iterator, Mapping
from typing import Final

from shipways.config.kinds import in_bytes
from shipways.config.platforms import Kubernetes
from shipways.config.schema import Config
from shipways.config.services import PROFILES, Profile
from shipways.deploy.pods import NAME, pod
from shipways.deploy.services import NOTE, config_maps, lone, services
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Service
from shipways.render.yaml import Yaml, yaml_text

_PART: Final = "app.kubernetes.io/part-of"


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:
    """A file for each service and a kustomization, and one more for each profile."""
    folder, base = config.deployment.kubernetes.folder, services(config, CONTAINER)
    if not folder or not base:
        return
    for each in base:
        objects = tuple(_objects(each, config.service[each.name].kubernetes, config.project.name, lone(each, facts)))
        text = yaml_text(*objects, note=_told(each, facts))
        yield Rendered(path=f"{folder}/base/{each.name}.yaml", text=text, comment="#")
    yield _kustomization(f"{folder}/base", _base(base, config.project.name))
    for profile in PROFILES:
        changed = _overlay(config.project.name, profile, base, services(config, CONTAINER, profile))
        yield _kustomization(overlay(config, profile), changed)


def overlay(config: Config, profile: Profile) -> str:
    """The folder of a profile's overlay."""
    return f"{config.deployment.kubernetes.folder}/overlays/{profile}"


def namespace(project: str, profile: Profile) -> str:
    """Where the overlay of a profile puts everything."""
    return f"{project}-{profile}"


def _told(service: Service, facts: Facts) -> str:
    """The head of a file, with what has to be there before."""
    lines = [NOTE]
    if service.secrets:
        given = " ".join(f"--from-literal={name}=…" for name in service.secrets)
        lines.append(f"Secrets: kubectl create secret generic {service.name}-secrets {given}")
    lines += [f"Config: kubectl create configmap {each}" for each in config_maps(service, facts)]
    return "\n".join(lines)


def _kustomization(folder: str, body: Mapping[str, Yaml]) -> Rendered:
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return Rendered(path=f"{folder}/kustomization.yaml", text=yaml_text({**head, **body}, note=NOTE), comment="#")


def _base(found: tuple[Service, ...], project: str) -> Mapping[str, Yaml]:
    return {
        "resources": [f"{each.name}.yaml" for each in found],
        "labels": [{"pairs": {_PART: project}, "includeTemplates": True}],
        "configMapGenerator": [_variables(each.name, each.environment) for each in found],
    }


def _overlay(
    project: str, profile: Profile, base: tuple[Service, ...], found: tuple[Service, ...]
) -> Mapping[str, Yaml]:
    """The variables that are different from the base."""
    pairs = ((old.environment, new) for old, new in zip(base, found, strict=True))
    changed = {new.name: dict(new.environment.items() - old.items()) for old, new in pairs}
    merged = [{**_variables(name, values), "behavior": "merge"} for name, values in changed.items() if values]
    return {
        "namespace": namespace(project, profile),
        "resources": ["../../base"],
        **({"configMapGenerator": merged} if merged else {}),
    }


def _variables(service: str, values: Mapping[str, str]) -> Mapping[str, Yaml]:
    return {"name": f"{service}-env", "literals": [f"{name}={value}" for name, value in sorted(values.items())]}


def _objects(service: Service, table: Kubernetes, project: str, single: frozenset[str]) -> Iterator[Mapping[str, Yaml]]:
    yield _object("apps/v1", "Deployment", service.name, _deployment(service, table, single))
    for kept in service.data:
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": str(in_bytes(table.storage))}}}
        yield _object("v1", "PersistentVolumeClaim", f"{service.name}-{kept.name}", claim)
    yield _object("networking.k8s.io/v1", "NetworkPolicy", service.name, _policy(service, table, project))
    if service.port is not None:
        ports = [{"name": "http", "port": service.port, "targetPort": "http"}]
        yield _object("v1", "Service", service.name, {"selector": {NAME: service.name}, "ports": ports})
    if table.host:
        yield _object("networking.k8s.io/v1", "Ingress", service.name, _ingress(service, table.host))
    if max(service.replicas, table.max_replicas) > 1:
        disruption = {"maxUnavailable": 1, "selector": {"matchLabels": {NAME: service.name}}}
        yield _object("policy/v1", "PodDisruptionBudget", service.name, disruption)
    if table.max_replicas > service.replicas:
        yield _object("autoscaling/v2", "HorizontalPodAutoscaler", service.name, _scaler(service, table))


def _object(version: str, kind: str, name: str, spec: Mapping[str, Yaml]) -> Mapping[str, Yaml]:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "labels": {NAME: name}},
        "spec": spec,
    }


def _deployment(service: Service, table: Kubernetes, single: frozenset[str]) -> Mapping[str, Yaml]:
    """Where there is data, the old pod ends before the new one begins: its volume belongs to one."""
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    return {
        # The autoscaler's business, where there is one.
        **({} if table.max_replicas > service.replicas else {"replicas": service.replicas}),
        "strategy": {"type": "Recreate"} if service.data else rolling,
        "selector": {"matchLabels": {NAME: service.name}},
        "template": {"metadata": {"labels": {NAME: service.name}}, "spec": pod(service, single)},
    }


def _policy(service: Service, table: Kubernetes, project: str) -> Mapping[str, Yaml]:
    """Who may speak to it: the project's own pods, and everybody where it has a name outside or is measured."""
    ours = {"podSelector": {"matchLabels": {_PART: project}}}
    everybody: Mapping[str, Yaml] = {"namespaceSelector": {}}
    callers = [ours, everybody] if table.host or service.metrics else [ours]
    ports = [{"protocol": "TCP", "port": service.port}]
    return {
        "podSelector": {"matchLabels": {NAME: service.name}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": callers, "ports": ports}] if service.port else [],
    }


def _ingress(service: Service, host: str) -> Mapping[str, Yaml]:
    backend = {"service": {"name": service.name, "port": {"name": "http"}}}
    return {
        "tls": [{"hosts": [host], "secretName": f"{service.name}-tls"}],
        "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
    }


def _scaler(service: Service, table: Kubernetes) -> Mapping[str, Yaml]:
    busy = {"type": "Utilization", "averageUtilization": table.busy}
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": service.name},
        "minReplicas": service.replicas,
        "maxReplicas": table.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": busy}}],
    }
