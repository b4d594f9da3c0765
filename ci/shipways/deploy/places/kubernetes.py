"""Kubernetes: a Deployment for each service, by kubectl and the overlay of a profile."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from shipways.config.schema import Config
from shipways.deploy.kubernetes import namespace, overlay
from shipways.deploy.pods import NAME
from shipways.deploy.programs import failed, ran
from shipways.deploy.rollout import Objects, definitions, noted, objects, pinned, pulse, running, sick, stamp
from shipways.deploy.wanted import chosen, images, items, service_of, terms
from shipways.errors import Moved, Problem
from shipways.model.daemon import Machine
from shipways.model.deployment import Pulse, Running, Terms
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.service import CONTAINER, Service
from shipways.outside.platforms import Site
from shipways.ports import Completed

_RIGHTS: Final = (("list", "pods"), ("delete", "deployments.apps"))
"""What a deployment needs beyond what is applied: to say why, and to take back what was the first."""
_CONFLICT: Final = "the object has been modified"
"""What an API server says of a resourceVersion that is not the one there; kubectl takes its reason away."""
_APPLY: Final = ("apply", "--server-side", "--field-manager=shipways", "--force-conflicts", "--filename=-")
"""The server merges, so what an autoscaler says of replicas stays, and a resourceVersion is a condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesDeployer:
    """Deployments of an overlay, each applied with everything of its service: configuration goes with the image.

    What is compared is the image and the template of the pods, whose ConfigMaps are named by what is in them.
    What ran before is an annotation of the Deployment, so any machine can return to it. `context` is that of
    kubectl's own config, empty for the current one; `hosts` are names outside, by service.
    """

    name: str
    overlay: str
    context: str
    namespace: str
    hosts: Mapping[str, str]
    services: tuple[Service, ...]
    terms: Terms

    def items(self) -> tuple[Item, ...]:
        """A service each."""
        return items(self.name, self.services)

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The image of each service."""
        return images(self.name, self.services, manifest)

    async def preflight(self, site: Site) -> tuple[Problem, ...]:
        """The cluster answers, would take the overlay from this user, and lets them do the rest."""
        told = await self._kubectl(site, "version", "--output=json")
        if told.code:
            hint = "say with KUBECONFIG, or `kubernetes.context`, which it is"
            return (Problem(path=self.name, what="no cluster answers", why=told.stderr.strip(), hint=hint),)
        documents = await self._built(site)
        everything = [each for service in self.services for each in _all(objects(service, documents))]
        tried = await self._kubectl(site, *_APPLY, "--dry-run=server", stdin=_sent(everything))
        problems = []
        if tried.code:
            problems.append(Problem(path=self.overlay, what="is refused by the cluster", why=tried.stderr.strip()))
        for verb, what in _RIGHTS:
            allowed = await self._kubectl(site, "auth", "can-i", verb, what)
            if allowed.code and allowed.stdout.strip() != "no":
                raise failed(self.name, f"the cluster does not tell whether this user may {verb} {what}", allowed)
            if allowed.code:
                problems.append(Problem(path=self.name, what=f"this user may not {verb} {what} in {self.namespace}"))
        return tuple(problems)

    async def observe(self, site: Site, items: Sequence[Item]) -> Mapping[str, Running]:
        """The image of each Deployment, and the template of its pods."""
        found, documents = {}, await self._built(site)
        for item in items:
            service = service_of(item, self.services)
            told = await self._get(site, service)
            known = definitions(objects(service, documents).deployment, told)
            found[item.id] = running(service, told, known, self.hosts[service.name])
        return found

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """What its pods need, the Deployment if it is the one that was seen, and then what leads to it."""
        service = service_of(item, self.services)
        told = await self._get(site, service)
        if stamp(told) != seen.stamp:
            raise Moved(Problem(path=item.id, what="was changed since it was looked at"))
        found = objects(service, await self._built(site))
        condition = told["metadata"]["resourceVersion"] if told else ""
        known = definitions(found.deployment, told)
        template = known.named(item.want)
        wanted = {**found.deployment, "spec": {**found.deployment["spec"], "template": template}}
        deployment = pinned(service, wanted, item.want, noted(known, template, previous), condition)
        for part in (found.needed, (deployment,), found.others):
            done = await self._kubectl(site, *_APPLY, stdin=_sent(part))
            if _CONFLICT in done.stderr:
                raise Moved(Problem(path=item.id, what="was changed since it was looked at", why=done.stderr.strip()))
            if done.code:
                raise failed(item.id, "could not be applied", done)
        return self.hosts[service.name]

    async def probe(self, site: Site, item: Item) -> Pulse:
        """The controller has brought all pods, and their readiness is what health is asked by."""
        service = service_of(item, self.services)
        told, built = await self._get(site, service), objects(service, await self._built(site))
        found = pulse(service, item.want, told, definitions(built.deployment, told))
        if found.healthy or found.lost:
            return found
        name, why, lost = sick(service, item.want, await self._pods(site, service))
        return replace(found, why=f"{found.why}; pod {name}: {why}", lost=lost) if name else found

    async def withdraw(self, site: Site, item: Item) -> None:
        """Delete all of the service but its claims, which have data."""
        found = objects(service_of(item, self.services), await self._built(site))
        words = ("delete", "--ignore-not-found", "--wait=false", "--filename=-")
        done = await self._kubectl(site, *words, stdin=_sent(found.removable))
        if done.code:
            raise failed(item.id, "could not be removed", done)

    async def logs(self, site: Site, item: Item) -> str:
        """Of a pod that is not ready if there is one; of its last run where it ended."""
        service = service_of(item, self.services)
        name = sick(service, item.want, await self._pods(site, service))[0]
        words = ("logs", name or f"deployment/{service.name}", f"--container={service.name}", "--tail=50")
        return (await self._kubectl(site, *words)).stdout

    async def _get(self, site: Site, service: Service) -> Any:
        """The Deployment of a service; None without one. Raises Transient, Unfinished."""
        return await self._json(site, "get", "deployment", service.name, "--ignore-not-found", "--output=json")

    async def _pods(self, site: Site, service: Service) -> Any:
        return (await self._json(site, "get", "pods", f"--selector={NAME}={service.name}", "--output=json"))["items"]

    async def _json(self, site: Site, *words: str) -> Any:
        done = await self._kubectl(site, *words)
        if done.code:
            raise failed(self.name, "the cluster does not tell what runs", done)
        return json.loads(done.stdout) if done.stdout.strip() else None

    async def _built(self, site: Site) -> tuple[Mapping[str, Any], ...]:
        """All objects of the overlay, in this namespace. Raises Unfinished."""
        import yaml  # noqa: PLC0415 - 15 ms that only this needs

        done = await ran(site, "kubectl", "kustomize", str(site.root / self.overlay))
        if done.code:
            raise failed(self.overlay, "kustomize does not build it", done)
        return tuple(
            {**each, "metadata": {**each["metadata"], "namespace": self.namespace}}
            for each in yaml.safe_load_all(done.stdout)
        )

    async def _kubectl(self, site: Site, *words: str, stdin: bytes = b"") -> Completed:
        context = (f"--context={self.context}",) if self.context else ()
        return await ran(
            site,
            *("kubectl", *context, f"--namespace={self.namespace}", "--request-timeout=20s"),
            *words,
            stdin=stdin,
        )


def _all(found: Objects) -> Iterator[Mapping[str, Any]]:
    yield from (*found.needed, found.deployment, *found.others)


def _sent(found: Iterable[Mapping[str, Any]]) -> bytes:
    """Objects as kubectl reads them from its standard input, one a line: the server then checks the fields of each."""
    return "\n".join(map(json.dumps, found)).encode()


def plan(config: Config, machine: Machine) -> Iterator[KubernetesDeployer]:  # noqa: ARG001 - the shape of every place
    """The deployments of this kind."""
    for name, table in config.deploy.items():
        if table.kind == "kubernetes":
            found = chosen(config, name, CONTAINER)
            outside = {each.name: config.service[each.name].kubernetes.host for each in found}
            yield KubernetesDeployer(
                name=f"deploy.{name}",
                overlay=overlay(config, table.profile),
                context=table.kubernetes.context,
                namespace=table.kubernetes.namespace or namespace(config.project.name, table.profile),
                hosts={service: f"https://{host}" if host else "" for service, host in outside.items()},
                services=found,
                terms=terms(table, 2.0),
            )
