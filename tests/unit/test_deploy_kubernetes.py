"""Manifests of Kubernetes: their schemas, and what a cluster's policies ask for."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from deploying import SHOP, rendered
from shipways.deploy import kubernetes

BASE: Final = "deployment/kubernetes/base"
BIG: Final = """
[service.shop]
image = "shop"
port = 8080
health = "/health"
metrics = "/metrics"
replicas = 2

[service.shop.env]
LEVEL = { default = "info", dev = "debug" }
SHOP_TOKEN = { secret = true, required = true }

[service.shop.kubernetes]
host = "shop.example.org"
max_replicas = 5

[service.shop.files.main]
path = "/config"
source = "config"
"""


def objects(services: str) -> Mapping[str, Any]:
    """What there is of each kind for the service shop."""
    return {each["kind"]: each for each in yaml.safe_load_all(rendered(kubernetes, services)[f"{BASE}/shop.yaml"])}


OURS = Path(__file__).parent.parent.parent / "deployment/kubernetes/base/deployer.yaml"


def everything() -> Iterator[tuple[str, Any]]:
    """Every object of a service with data, of one with all the rest, and of our own as it is committed."""
    for services in (SHOP, BIG):
        yield from objects(services).items()
    yield from ((each["kind"], each) for each in yaml.safe_load_all(OURS.read_text()))


@pytest.mark.parametrize("version", [f"1.{minor}" for minor in range(25, 38)])
def test_schema(version: str) -> None:
    """S1-25: all objects are right by the strict schemas of each version."""
    kinds = set()
    for kind, each in everything():
        kubernetes_validate.validate(each, version, strict=True)
        kinds.add(kind)
    assert {
        *("Deployment", "Service", "Ingress", "HorizontalPodAutoscaler"),
        *("PersistentVolumeClaim", "PodDisruptionBudget", "NetworkPolicy"),
    } == kinds


def test_rights_of_a_pod() -> None:
    """S1-25: a pod has no right that it does not need, and its root is read-only."""
    spec = objects(SHOP)["Deployment"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    } == spec["securityContext"]
    assert not spec["automountServiceAccountToken"]
    assert {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    } == container["securityContext"]


def test_probes_and_limits() -> None:
    """S1-25: it is asked whether it has started, is ready and lives, and has what the limits say."""
    (container,) = objects(SHOP)["Deployment"]["spec"]["template"]["spec"]["containers"]
    asked = {"path": "/health", "port": "http"}
    assert [asked] * 3 == [container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")]
    assert {"cpu": "1000m", "memory": "512000000"} == container["resources"]["limits"]
    assert {"cpu": "250m", "memory": "128000000"} == container["resources"]["requests"]


def test_autoscaler() -> None:
    """S1-26: the autoscaler alone says how many there are, and its target asks for processors."""
    found = objects(BIG)
    scaler, deployment = found["HorizontalPodAutoscaler"], found["Deployment"]
    assert "autoscaling/v2" == scaler["apiVersion"]
    assert (2, 5) == (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"])
    assert "replicas" not in deployment["spec"]
    assert "cpu" in deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]


def test_data_is_never_shared() -> None:
    """The old pod has gone before a new one gets its volume."""
    found = objects(SHOP)
    assert {"type": "Recreate"} == found["Deployment"]["spec"]["strategy"]
    assert "shop-main" == found["PersistentVolumeClaim"]["metadata"]["name"]
    assert "HorizontalPodAutoscaler" not in found


def test_secrets_and_files() -> None:
    """A secret is read where it lies, a config file from a map; the head of the file says how each is made."""
    (container,) = objects(BIG)["Deployment"]["spec"]["template"]["spec"]["containers"]
    reference = {"name": "shop-secrets", "key": "SHOP_TOKEN", "optional": False}
    assert [{"name": "SHOP_TOKEN", "valueFrom": {"secretKeyRef": reference}}] == container["env"]
    head = rendered(kubernetes, BIG)[f"{BASE}/shop.yaml"]
    assert "# Secrets: kubectl create secret generic shop-secrets --from-literal=SHOP_TOKEN=…\n" in head
    assert "# Config: kubectl create configmap shop-main --from-file=config\n" in head


def test_one_file() -> None:
    """A file is mounted as that, under the name that the program reads, and not as a folder of its map."""
    text = SHOP + '[service.shop.files]\none = { path = "/etc/shop/shop.toml", source = "config/{profile}.toml" }\n'
    told = rendered(kubernetes, text, ("config/prod.toml",))[f"{BASE}/shop.yaml"]
    deployment = next(each for each in yaml.safe_load_all(told) if each["kind"] == "Deployment")
    mounts = deployment["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    (mount,) = (each for each in mounts if each["name"] == "file-one")
    assert ("/etc/shop/shop.toml", "shop.toml") == (mount["mountPath"], mount["subPath"])
    assert "# Config: kubectl create configmap shop-one --from-file=shop.toml=config/prod.toml\n" in told


def test_overlays() -> None:
    """S1-15: each profile has a namespace and its own values; the base has those of prod."""
    files = {path: yaml.safe_load(text) for path, text in rendered(kubernetes, BIG).items() if "kustomization" in path}
    folder = "deployment/kubernetes/overlays"
    assert {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "shop-dev",
        "resources": ["../../base"],
        "configMapGenerator": [{"name": "shop-env", "literals": ["LEVEL=debug"], "behavior": "merge"}],
    } == files[f"{folder}/dev/kustomization.yaml"]
    assert "configMapGenerator" not in files[f"{folder}/prod/kustomization.yaml"]
    assert ["LEVEL=info"] == files[f"{BASE}/kustomization.yaml"]["configMapGenerator"][0]["literals"]


def test_nothing_wanted() -> None:
    """Without a folder there is nothing."""
    assert {} == rendered(kubernetes, SHOP + '[deployment.kubernetes]\nfolder = ""\n')
