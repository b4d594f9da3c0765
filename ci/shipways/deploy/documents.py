"""Documents: what to do on each platform, with the ports, paths and variables that it really has."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from shipways.config.kinds import in_bytes
from shipways.config.schema import Config
from shipways.config.services import PROFILES
from shipways.deploy.services import NOTE, PLATFORMS, config_maps, fly_volume, services
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Service
from shipways.render.text import render

_DOCUMENTS: Final = ("README", "TROUBLESHOOTING", "PRODUCTION")
_GIGA: Final = 10**9


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:
    """Three documents, a README in each folder of other files, and the folder for volumes; where there are services."""
    table, found = config.deployment.docs, services(config, CONTAINER)
    if not table.folder or not found:
        return
    values = _values(config, facts, found)
    for name in _DOCUMENTS:
        yield Rendered(path=f"{table.folder}/{name}.md", text=render(f"deployment/docs/{name}.md", **values))
    for folder, kinds in _folders(config, _kinds(config, found)).items():
        here: dict[str, object] = {
            "folder": folder,
            "kinds": kinds,
            "docs": table.folder,
            "back": posixpath.relpath(table.folder, folder),
        }
        yield Rendered(path=f"{folder}/README.md", text=render("deployment/docs/folder.md", **(values | here)))
    if table.volumes:
        yield Rendered(path=f"{table.volumes}/README.md", text=render("deployment/docs/volumes.md", **values))
        ignored = f"# {NOTE}\n*\n!.gitignore\n!README.md\n"
        yield Rendered(path=f"{table.volumes}/.gitignore", text=ignored, comment="#")


def _kinds(config: Config, found: Sequence[Service]) -> Mapping[str, str]:
    """The tables of [deployment] of which something is rendered, platforms first, with their files or folders."""
    there = {name: path for name, path in config.deployment.places.items() if path}
    if not any(each.metrics for each in found):
        there.pop("monitoring", None)
    if not any(each.port for each in found):
        there.pop("fly", None)
    if not any(each.dockerfile for each in found):
        there.pop("docker", None)
    return dict(sorted(there.items(), key=lambda item: (item[0] not in PLATFORMS, item[0])))


def _folders(config: Config, there: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    """Which tables have their files in a folder; the top of the repository, whose README is yours, is left out."""
    folders: dict[str, list[str]] = {}
    for kind, path in there.items():
        one = hasattr(getattr(config.deployment, kind), "file")
        folder = posixpath.dirname(path.partition("{")[0]) if one else path
        if folder not in ("", ".", config.deployment.docs.folder, config.deployment.docs.volumes):
            folders.setdefault(folder, []).append(kind)
    return folders


def _values(config: Config, facts: Facts, found: Sequence[Service]) -> dict[str, object]:
    """What the templates ask for."""
    there = _kinds(config, found)
    repository = config.project.repository
    return {
        "note": NOTE,
        "project": config.project.name,
        "clone": f"https://github.com/{repository}" if repository else "URL",
        "services": found,
        "secrets": tuple(dict.fromkeys(name for each in found for name in each.secrets)),
        "config_maps": tuple(said for each in found for said in config_maps(each, facts)),
        "pushed": any(each.image in config.made for each in found),
        "asked": tuple(each.name for each in found if each.published_url),
        "profiles": PROFILES,
        "kinds": tuple(there),
        "there": {name: there.get(name, "") for name in config.deployment.places},
        "volumes": config.deployment.docs.volumes,
        "flying": tuple(_flying(config, each) for each in found if each.port) if "fly" in there else (),
    }


def _flying(config: Config, service: Service) -> Mapping[str, object]:
    """The words of a service's fly.toml that its commands need too."""
    table = config.service[service.name].fly
    return {
        "file": config.deployment.fly.file.format(service=service.name),
        "app": table.app or service.name,
        "region": table.region,
        "volume": fly_volume(service) if service.data else "",
        "size": -(-in_bytes(table.volume) // _GIGA),
        "secrets": service.secrets,
        "stops": table.auto_stop != "off",
    }
