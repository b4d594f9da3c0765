"""`deploy` to Kubernetes by the real kubectl, which speaks to a stand-in of the API of a cluster on loopback.

kubectl reads, sends and judges as it does elsewhere; the stand-in knows nothing of what a cluster would refuse, and no
pod runs. Nothing here says that a real cluster was deployed to.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from deploying import HEAD, MACHINE, SHOP
from kubectl import DEPLOY, IMAGE, NEW, OLD, pod
from shipways.adapters.process import OsProcess
from shipways.config.load import parse
from shipways.deploy import kubernetes
from shipways.deploy.places.kubernetes import KubernetesDeployer, plan
from shipways.errors import DeployFailed, Moved, Transient
from shipways.outside.platforms import Site
from shipways.rehearse.serving import served
from shipways.run.deploying import Crew, deploy, failure
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED_SITE
from support import facts, need

pytestmark = pytest.mark.integration

KINDS: Final = {
    "v1": {
        "configmaps": "ConfigMap",
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "pods": "Pod",
        "services": "Service",
    },
    "apps/v1": {"deployments": "Deployment"},
    "networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy", "ingresses": "Ingress"},
    "authorization.k8s.io/v1": {"selfsubjectaccessreviews": "SelfSubjectAccessReview"},
}


@dataclass
class Api:
    """Objects by their plural and name, as an API server of version 1.32 keeps them."""

    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    pods: list[dict[str, Any]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    forbidden: str = ""
    managers: set[str] = field(default_factory=set)

    async def answer(self, request: Request) -> Response:
        """All of the API."""
        path = request.path_params["path"]
        if path == "version":
            return JSONResponse({"major": "1", "minor": "32", "gitVersion": "v1.32.0"})
        if path.endswith("selfsubjectaccessreviews"):
            asked = await request.body()  # in protobuf
            allowed = not self.forbidden or not all(word.encode() in asked for word in self.forbidden.split())
            review = _head("authorization.k8s.io/v1", "SelfSubjectAccessReview")
            return JSONResponse({**review, "status": {"allowed": allowed}}, 201)
        if "/namespaces/" in f"/{path}":
            return await self.resource(request, path.partition("namespaces/")[2].split("/")[1:])
        return _discovery(path)

    async def resource(self, request: Request, words: list[str]) -> Response:
        """`PLURAL`, `PLURAL/NAME`, `pods/NAME/log`."""
        if words[-1] == "log":
            return PlainTextResponse("no room left\n")
        if len(words) == 1:
            return JSONResponse({**_head("v1", "PodList"), "metadata": {}, "items": self.pods})
        key = (words[0], words[1])
        if request.method == "PATCH":
            assert "application/apply-patch+yaml" == request.headers["Content-Type"]
            return self.apply(key, yaml.safe_load(await request.body()), request.query_params)
        if key[0] == "pods":
            return JSONResponse(next(each for each in self.pods if each["metadata"]["name"] == key[1]))
        if key not in self.objects:
            return _status(404, "NotFound", f'{key[0]} "{key[1]}" not found')
        found = self.objects.pop(key) if request.method == "DELETE" else self.objects[key]
        return JSONResponse(found)

    def apply(self, key: tuple[str, str], sent: dict[str, Any], query: Mapping[str, str]) -> Response:
        """Server-side apply as far as it is needed: what is sent is all that there is."""
        self.managers.add(f"{query['fieldManager']} {query['force']}")
        before = self.objects.get(key, {"metadata": {"resourceVersion": "0", "generation": 0}})["metadata"]
        seen = sent["metadata"].get("resourceVersion")
        if seen and seen != before["resourceVersion"]:
            text = f'Operation cannot be fulfilled on {key[0]}.apps "{key[1]}": the object has been modified'
            return _status(409, "Conflict", text)
        sent["metadata"] |= {
            "uid": "6f0e",
            "generation": before["generation"] + 1,
            "resourceVersion": str(int(before["resourceVersion"]) + 1),
        }
        if key[0] == "deployments":
            self.brought(sent)
        if "dryRun" not in query:
            self.objects[key] = sent
        return JSONResponse(sent)

    def brought(self, deployment: dict[str, Any]) -> None:
        """What a controller would have done at once."""
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        ready = 0 if image in self.broken else 1
        deployment["status"] = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": 1,
            "updatedReplicas": 1,
            "availableReplicas": ready,
        }
        self.pods = (
            []
            if ready
            else [_head("v1", "Pod") | pod(image, restartCount=3, lastState={"terminated": {"exitCode": 3}})]
        )

    @property
    def running(self) -> str:
        """The image of the Deployment."""
        image: str = self.objects["deployments", "shop"]["spec"]["template"]["spec"]["containers"][0]["image"]
        return image


def _head(version: str, kind: str) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind}


def _status(code: int, reason: str, message: str) -> Response:
    body = {**_head("v1", "Status"), "status": "Failure", "message": message, "reason": reason, "code": code}
    return JSONResponse(body, code)


def _discovery(path: str) -> Response:
    """Which resources there are, and that each can be tried without effect (OpenAPI v3)."""
    groups = [each for each in KINDS if "/" in each]
    if path == "api":
        return JSONResponse({**_head("v1", "APIVersions"), "versions": ["v1"]})
    if path == "apis":
        named = [{"groupVersion": each, "version": "v1"} for each in groups]
        listed = [
            {"name": each["groupVersion"].partition("/")[0], "versions": [each], "preferredVersion": each}
            for each in named
        ]
        return JSONResponse({**_head("v1", "APIGroupList"), "groups": listed})
    if path == "openapi/v3":
        urls = {("apis/" if "/" in each else "api/") + each for each in KINDS}
        return JSONResponse({"paths": {each: {"serverRelativeURL": f"/openapi/v3/{each}"} for each in urls}})
    version = path.removeprefix("openapi/v3/").removeprefix("apis/").removeprefix("api/")
    if version not in KINDS:
        return _status(404, "NotFound", "the server could not find the requested resource")
    if path.startswith("openapi"):
        return JSONResponse({"openapi": "3.0.0", "info": {"title": "", "version": ""}, "paths": _paths(version)})
    resources = [
        {
            "name": name,
            "singularName": "",
            "namespaced": True,
            "kind": kind,
            "verbs": ["get", "list", "patch", "delete"],
        }
        for name, kind in KINDS[version].items()
    ]
    return JSONResponse({**_head("v1", "APIResourceList"), "groupVersion": version, "resources": resources})


def _paths(version: str) -> dict[str, Any]:
    known = [{"name": each, "in": "query", "schema": {"type": "string"}} for each in ("dryRun", "fieldValidation")]
    group, _, number = version.rpartition("/")
    return {
        f"/{name}/{{name}}": {
            "patch": {
                "parameters": known,
                "responses": {},
                "x-kubernetes-group-version-kind": {"group": group, "version": number, "kind": kind},
            }
        }
        for name, kind in KINDS[version].items()
    }


@pytest.fixture
def api(tmp_path: Path) -> Iterator[tuple[Api, Site]]:
    """A cluster without anything, and a project that is rendered for it."""
    need("kubectl")
    made = Api()
    for file in kubernetes.rendered(parse(HEAD + SHOP + DEPLOY, "shipways.toml"), facts(shop="1.0.0")):
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).write_text(file.text)
    app = Starlette(routes=[Route("/{path:path}", made.answer, methods=["GET", "PATCH", "POST", "DELETE"])])
    with served(app) as url:
        config = {
            **_head("v1", "Config"),
            "clusters": [{"name": "here", "cluster": {"server": url}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": ""}}],
            "current-context": "here",
        }
        (tmp_path / "config").write_text(json.dumps(config))
        env = {"KUBECONFIG": str(tmp_path / "config"), "HOME": str(tmp_path), "PATH": "/usr/local/bin:/usr/bin:/bin"}
        yield made, replace(CLOSED_SITE, root=tmp_path, env=env, process=OsProcess())


def deployer() -> KubernetesDeployer:
    """The one of the config."""
    (found,) = plan(parse(HEAD + SHOP + DEPLOY, "shipways.toml"), MACHINE)
    return found


def go(site: Site, want: str) -> object:
    """Deploy by the core; what it ends with."""
    item = replace(deployer().items()[0], want=want)
    crew = Crew(site=site, console=RecordingConsole(), clock=ManualClock())
    return failure(anyio.run(lambda: deploy(deployer(), (item,), crew)))


def test_deploy_again_and_return(api: tuple[Api, Site]) -> None:
    """One version after the other, each with its ConfigMap; one that is sick gives way to what ran before."""
    cluster, site = api
    assert () == anyio.run(lambda: deployer().preflight(site))
    assert {} == cluster.objects
    assert None is go(site, OLD)
    assert {"configmaps", "persistentvolumeclaims", "deployments", "networkpolicies", "services", "ingresses"} == {
        plural for plural, _ in cluster.objects
    }
    assert None is go(site, NEW)
    assert (f"{IMAGE}@{NEW}", {"shipways true"}) == (cluster.running, cluster.managers)
    annotations = cluster.objects["deployments", "shop"]["metadata"]["annotations"]
    assert {"shipways/previous", "shipways/definitions"} == set(annotations)
    assert annotations["shipways/previous"].startswith(f"{OLD}+")
    wrong = f"sha256:{'2' * 64}"
    cluster.broken.add(f"{IMAGE}@{wrong}")
    error = go(site, wrong)
    assert isinstance(error, DeployFailed)
    assert ("it ended with 3" in str(error), "no room left" in str(error)) == (True, True), str(error)
    assert f"{IMAGE}@{NEW}" == cluster.running
    annotations = cluster.objects["deployments", "shop"]["metadata"]["annotations"]
    assert {"shipways/previous", "shipways/definitions"} == set(annotations)
    assert annotations["shipways/previous"].startswith(f"{OLD}+")


def test_a_first_one_that_does_not_work(api: tuple[Api, Site]) -> None:
    """All of it is deleted but the claim."""
    cluster, site = api
    cluster.broken.add(f"{IMAGE}@{NEW}")
    assert isinstance(go(site, NEW), DeployFailed)
    assert [("persistentvolumeclaims", "shop-main")] == list(cluster.objects)


def test_somebody_else(api: tuple[Api, Site]) -> None:
    """A Deployment that changes between the look and the patch is a conflict, which nothing is done by."""
    cluster, site = api
    go(site, OLD)
    item = replace(deployer().items()[0], want=NEW)
    seen = anyio.run(lambda: deployer().observe(site, (item,)))[item.id]
    told = cluster.objects["deployments", "shop"]
    metadata = told["metadata"]
    plain = cluster.apply

    def raced(key: tuple[str, str], sent: dict[str, Any], query: Mapping[str, str]) -> Response:
        metadata["resourceVersion"] = "99"
        return plain(key, sent, query)

    cluster.apply = raced  # type: ignore[method-assign] # somebody scales it in that moment
    with pytest.raises(Moved, match="has been modified"):
        anyio.run(lambda: deployer().apply(site, item, seen, OLD))
    assert f"{IMAGE}@{OLD}" == cluster.running


def test_what_is_in_the_way(api: tuple[Api, Site]) -> None:
    """A right that is missing, and a cluster that does not answer."""
    cluster, site = api
    cluster.forbidden = "list pods"
    (found,) = anyio.run(lambda: deployer().preflight(site))
    assert "this user may not list pods in shop-prod" == found.what
    config = site.root / "config"
    config.write_text(config.read_text().replace("http://127.0.0.1:", "http://127.0.0.2:1"))
    (found,) = anyio.run(lambda: deployer().preflight(site))
    assert "no cluster answers" == found.what
    with pytest.raises(Transient):
        anyio.run(lambda: deployer().observe(site, deployer().items()))
