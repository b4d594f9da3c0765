"""Scripts for who does not know shipways: each says in a line of a shell what is to be called."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Final

from shipways.config.schema import Config
from shipways.deploy.services import NOTE, services
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Health, Service
from shipways.render.text import render

_ALWAYS: Final = ("build-all", "daemon-ctl", "deploy", "install-daemon-linux", "install-daemon-macos")


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:  # noqa: ARG001 - the shape of every renderer
    """The scripts of the folder, where there are services; health-check.sh where one of them can be asked."""
    folder = config.deployment.scripts.folder
    found = services(config, CONTAINER)
    if not folder or not found:
        return
    there = config.deployment.places
    asked = tuple(_asked(each, each.health) for each in found if each.health and each.published_url)
    values = {
        "note": NOTE,
        "top": posixpath.relpath(".", folder),
        **_platforms(there, tuple(each.name for each in found if each.port)),
        "asked": asked,
    }
    for name in (*_ALWAYS, *(("health-check",) if asked else ())):
        text = render(f"deployment/scripts/{name}.sh", **values)
        yield Rendered(path=f"{folder}/{name}.sh", text=text, comment="#", executable=True)


def _platforms(there: Mapping[str, str], listening: tuple[str, ...]) -> Mapping[str, object]:
    """What deploy.sh offers: Render deploys by itself, from the repository."""
    daemons = tuple(name for name in ("launchd", "systemd") if there[name])
    found: dict[str, object] = {name: there[name] for name in ("compose", "kubernetes") if there[name]}
    if there["fly"] and listening:
        found["fly"] = tuple(there["fly"].format(service=name) for name in listening)
    return {"platforms": found, "daemons": daemons, "names": sorted((*found, *daemons))}


def _asked(service: Service, health: Health) -> Mapping[str, str]:
    """What is asked, and what is right; members of an answer are left to tender, which reads JSON."""
    return {
        "name": service.name,
        "url": service.published_url,
        "status": str(health.status),
        "seconds": f"{health.timeout / 1000:g}",
        "contains": health.contains,
    }
