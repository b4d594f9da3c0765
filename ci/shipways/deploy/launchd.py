"""launchd of macOS: property lists for daemons of the machine and for agents of a user."""

import plistlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from shipways.config.schema import Config
from shipways.deploy.services import services
from shipways.deploy.starting import guarded, tender, watched
from shipways.errors import ConfigError, Problem
from shipways.model.daemon import Daemon, Folder, Text
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import MACOS, Service
from shipways.render.text import render

_LOGS: Final = "/usr/local/var/log"
_THROTTLE: Final = 10
"""Seconds between two starts; launchd takes this many when it is told nothing."""


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:  # noqa: ARG001 - the shape of every renderer
    """For each service a daemon, an agent, and how the daemon's log is rotated."""
    folder = config.deployment.launchd.folder
    for service in services(config, MACOS) if folder else ():
        label, log = label_of(config, service), _log(_LOGS, service)
        yield Rendered(path=f"{folder}/{label}.plist", text=_plist(service, label, log, account=service.user))
        yield Rendered(path=f"{folder}/agent/{label}.plist", text=_plist(service, label, log, account=""))
        yield Rendered(path=f"{folder}/{service.name}.newsyslog.conf", text=_rotation(service, log), comment="#")


def label_of(config: Config, service: Service) -> str:
    """The label of a service's job."""
    label = config.deployment.launchd.label
    return label.replace("{project}", config.project.name).replace("{service}", service.name)


def daemon(service: Service, label: str, home: str = "") -> Daemon:
    """A service as it is installed: for the whole machine, or below the `home` of a user."""
    account = "" if home else service.user
    log = _log(f"{home}/Library/Logs" if home else _LOGS, service)
    top = f"{home}/Library/LaunchAgents" if home else "/Library/LaunchDaemons"
    texts = [Text(path=f"{top}/{label}.plist", text=_plist(service, label, log, account=account))]
    if not home:
        texts.append(Text(path=f"/etc/newsyslog.d/{service.name}.conf", text=_rotation(service, log)))
    folders = (str(PurePosixPath(log).parent), *(each.path for each in service.data))
    return Daemon(
        service=service.name,
        units=(label,),
        texts=tuple(texts),
        programs=(service.command[0], *((tender(service),) if watched(service) != service.command else ())),
        folders=tuple(Folder(path=each, owner=account) for each in folders),
        log=log,
    )


def _plist(service: Service, label: str, log: str, *, account: str) -> str:
    """The property list. launchd starts no shell, and replaces neither `~` nor variables: all paths are whole."""
    file = str(PurePosixPath(service.settings) / "environment")
    keys: dict[str, Any] = {
        "Label": label,
        "ProgramArguments": list(guarded(service, watched(service), file, read=True)),
        "EnvironmentVariables": dict(service.environment),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False, "Crashed": True},
        "ThrottleInterval": _THROTTLE,
        "ExitTimeOut": max(1, -(-service.stop_time // 1000)),
        "ProcessType": "Standard",
        "StandardOutPath": log,
        "StandardErrorPath": log,
        "Umask": 0o077,
    }
    if account:
        limit = {"NumberOfProcesses": service.limits.processes}
        keys |= {"UserName": account, "SoftResourceLimits": limit, "HardResourceLimits": limit}
    return _written(service, keys)


def _written(service: Service, keys: Mapping[str, Any]) -> str:
    """As XML, with a comment. Raises ConfigError for characters that XML does not have."""
    try:
        if any("\r" in word for word in (*keys["ProgramArguments"], *keys["EnvironmentVariables"].values())):
            raise ValueError("XML makes another line break of a carriage return")
        text = plistlib.dumps(keys, sort_keys=False).decode()
    except ValueError as error:
        path, hint = f"service.{service.name}", "leave out control characters in the command and in variables"
        raise ConfigError(Problem(path=path, what="cannot be a property list", why=str(error), hint=hint)) from None
    note = f"<!-- Rendered by shipways from [service.{service.name}]: edit that, then run `shipways render`. -->\n"
    return text.replace('<plist version="1.0">\n', f'{note}<plist version="1.0">\n', 1)


def _log(folder: str, service: Service) -> str:
    return f"{folder}/{service.name}/{service.name}.log"


def _rotation(service: Service, log: str) -> str:
    return render("deployment/launchd/newsyslog.conf", service=service, log=log)
