"""A service as a pod of Kubernetes."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from shipways.model.service import Health, Kept, Service, Variable
from shipways.render.yaml import Yaml

NAME: Final = "app.kubernetes.io/name"
"""The label by which everything of a service finds its pods."""
_SHARE: Final = 4
"""What is asked for is this part of what may be had."""


def pod(service: Service, single: frozenset[str]) -> Mapping[str, Yaml]:
    """The spec of the pod: no right that a service does not need (Pod Security Standards, "Restricted").

    `single` are the names of its config files that are no folders.
    """
    user, group = map(int, service.uid.split(":"))
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": -(-service.stop_time // 1000),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            "runAsGroup": group,
            "fsGroup": group,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(service, single)],
        "volumes": _volumes(service),
    }


def _container(service: Service, single: frozenset[str]) -> Mapping[str, Yaml]:
    cpus, memory = int(service.limits.cpus * 1000), service.limits.memory
    return {
        "name": service.name,
        "image": f"{service.repository}:latest",
        "args": service.command[1:],
        "envFrom": [{"configMapRef": {"name": f"{service.name}-env"}}],
        "env": [_secret(service, each) for each in service.variables if each.secret],
        **({"ports": [{"name": "http", "containerPort": service.port}]} if service.port else {}),
        **(_probes(service.health) if service.health else {}),
        "resources": {
            "requests": {"cpu": f"{max(1, cpus // _SHARE)}m", "memory": str(memory // _SHARE)},
            "limits": {"cpu": f"{cpus}m", "memory": str(memory)},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own, and empty
            *({"name": f"data-{kept.name}", "mountPath": kept.path} for kept in service.data),
            *(_mounted(kept, single) for kept in service.files),
        ],
    }


def _mounted(kept: Kept, single: frozenset[str]) -> Mapping[str, Yaml]:
    """A ConfigMap is a folder of its keys, unless one of them is asked for."""
    mount = {"name": f"file-{kept.name}", "mountPath": kept.path, "readOnly": True}
    return {**mount, "subPath": PurePosixPath(kept.path).name} if kept.name in single else mount


def _secret(service: Service, variable: Variable) -> Mapping[str, Yaml]:
    key = {"name": f"{service.name}-secrets", "key": variable.name, "optional": not variable.required}
    return {"name": variable.name, "valueFrom": {"secretKeyRef": key}}


def _probes(health: Health) -> Mapping[str, Yaml]:
    """One question, asked for three ends: it has started, it may get requests, it has to be started again."""
    asked = (
        {"exec": {"command": health.command}} if health.command else {"httpGet": {"path": health.path, "port": "http"}}
    )
    period, timeout = -(-health.interval // 1000), -(-health.timeout // 1000)
    probe = {**asked, "periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": health.retries}
    starting = max(1, -(-health.start_period // 1000)) + health.retries
    return {
        "startupProbe": {**asked, "periodSeconds": 1, "timeoutSeconds": timeout, "failureThreshold": starting},
        "readinessProbe": probe,
        "livenessProbe": probe,
    }


def _volumes(service: Service) -> list[Yaml]:
    claims = (
        {"name": f"data-{kept.name}", "persistentVolumeClaim": {"claimName": f"{service.name}-{kept.name}"}}
        for kept in service.data
    )
    files = (
        {"name": f"file-{kept.name}", "configMap": {"name": f"{service.name}-{kept.name}"}} for kept in service.files
    )
    found: list[Yaml] = [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]
    return [*found, *claims, *files]
