"""systemd: units that are sandboxed, watched and bounded, and what belongs to them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from shipways.config.schema import Config
from shipways.deploy.services import services
from shipways.deploy.starting import duration, guarded, patience, tender, watched
from shipways.errors import ConfigError, Problem
from shipways.model.daemon import Caller, Daemon, Folder, Text
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import LINUX, Service
from shipways.render.text import render

SHARED: Final[Mapping[str, str]] = {
    "/etc/systemd/journald@{}.conf": "journald",
    "/etc/logrotate.d/{}": "log",
    "/etc/sysusers.d/{}.conf": "sysusers",
    "/etc/tmpfiles.d/{}.conf": "tmpfiles",
}
"""What is installed besides the units of a service, by its name: for all of its releases."""
_TREE: Final = "deployment/systemd"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:=@,+-]+")
_JIT: Final = frozenset({"bun", "command", "prebuilt"})
"""Builders whose programs may compile while they run, and then need memory that is writable and executable."""
_LOWEST: Final = 1024
"""The first port that everybody may listen on."""
_SIGNALS: Final = {"SIGTERM": 15, "SIGINT": 2, "SIGQUIT": 3}
_SLACK: Final = 5_000
"""Milliseconds that tender has to say why it gave up, before systemd does the same."""


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:  # noqa: ARG001 - the shape of every renderer
    """The units of each service, and what goes into packages."""
    table = config.deployment.systemd
    caller = Caller(program="shipways", folder=f"/srv/{config.project.name}", profile="prod")
    for service in services(config, LINUX):
        places = {**_units(table.folder, service), **_packaged(table.sysusers, table.tmpfiles, service)}
        command = _command(service, table.type)
        texts = {**_texts(service, table.type, places, command), **_timed(service, table.folder, caller)}
        for path, text in texts.items():
            yield Rendered(path=path, text=text, comment="#")


def daemon(service: Service, kind: str, home: str = "", caller: Caller | None = None) -> Daemon:
    """A service as it is installed: for the whole machine, or below the `home` of a user.

    Its backups are timed where its units can call shipways.
    """
    folder = f"{home}/.config/systemd/user" if home else "/etc/systemd/system"
    if home:
        places = {f"{folder}/{service.name}.service": "service"}
        places |= {f"{folder}/{service.name}.socket": "socket"} if service.socket else {}
        folders = tuple(Folder(path=each.path) for each in service.data)
    else:
        places = _installed(service)
        folders = ()
    command = _command(service, kind, credentials=not home)
    texts = {**_texts(service, kind, places, command, {"user_scope": bool(home)})}
    timed = _timed(service, folder, caller, user_scope=bool(home)) if caller else {}
    texts |= timed
    names = (*(path for path, what in places.items() if what in {"service", "socket"}), *timed)
    return Daemon(
        service=service.name,
        units=tuple(PurePosixPath(path).name for path in names if not path.endswith("-backup.service")),
        texts=tuple(Text(path=path, text=text) for path, text in texts.items()),
        programs=(service.command[0], *((tender(service),) if _supervised(service, kind) else ())),
        folders=folders,
        log="" if home else service.name,
    )


def instance(service: Service, kind: str) -> Mapping[str, str]:
    """The files of one release of a service on a host, where several run for a while; `{release}` is its id.

    Its variables that are brought are a file for root, of which it gets a copy. Not by LoadCredential=: where a tmpfs
    has no access lists, as in containers, only root could read that.
    """
    unit = f"{service.name}@{{release}}"
    units = {f"/etc/systemd/system/{unit}.service": "service"}
    units |= {f"/etc/systemd/system/{unit}.socket": "socket"} if service.socket else {}
    told: dict[str, object] = {"needs": (*(f"{need}-proxy.socket" for need in service.needs), *_socket(service, unit))}
    command = _command(service, kind)
    if any(each.value is None for each in service.variables):
        told["given"], command = unit, _sourced(command, f"/run/{unit}/environment")
    return _texts(service, kind, {**units, **_shared(service.name)}, command, told)


def _units(folder: str, service: Service) -> dict[str, str]:
    if not folder:
        return {}
    places = {f"{folder}/{service.name}.service": "service"}
    places |= {f"{folder}/{service.name}.socket": "socket"} if service.socket else {}
    return {**places, f"{folder}/journald@{service.name}.conf": "journald", f"{folder}/{service.name}.logrotate": "log"}


def _packaged(sysusers: str, tmpfiles: str, service: Service) -> Mapping[str, str]:
    folders = {"sysusers": sysusers, "tmpfiles": tmpfiles}
    return {f"{folder}/{service.name}.conf": what for what, folder in folders.items() if folder}


def _installed(service: Service) -> dict[str, str]:
    name = service.name
    places = {f"/etc/systemd/system/{name}.service": "service"}
    places |= {f"/etc/systemd/system/{name}.socket": "socket"} if service.socket else {}
    return {**places, **_shared(name)}


def _shared(name: str) -> dict[str, str]:
    return {path.format(name): what for path, what in SHARED.items()}


def _timed(service: Service, folder: str, caller: Caller, *, user_scope: bool = False) -> Mapping[str, str]:
    """The units that take backups, where they are scheduled."""
    if not (folder and service.schedule):
        return {}
    words = (caller.program, "service", "backup", service.name, *(() if user_scope else ("--system",)))
    command = " ".join(_word(word, dollar=True) for word in (*words, "--profile", caller.profile))
    values = {"service": service, "user_scope": user_scope, "command": command, "folder": _line(caller.folder)}
    return {
        f"{folder}/{service.name}-backup.{kind}": render(f"{_TREE}/backup.{kind}", **values)
        for kind in ("service", "timer")
    }


def _texts(
    service: Service,
    kind: str,
    places: Mapping[str, str],
    command: tuple[str, ...],
    told: Mapping[str, object] = MappingProxyType({}),
) -> Mapping[str, str]:
    """The text of each file, by its path. What is told here takes the place of what is worked out."""
    values = {**_values(service, kind), "exec": _line_of(command), **told}
    templates = {
        "service": f"{_TREE}/service.service",
        "socket": f"{_TREE}/service.socket",
        "journald": f"{_TREE}/journald.conf",
        "log": f"{_TREE}/logrotate",
        "sysusers": "packaging/sysusers.conf",
        "tmpfiles": "packaging/tmpfiles.conf",
    }
    return {path: render(templates[what], **values) for path, what in places.items()}


def _values(service: Service, kind: str) -> Mapping[str, object]:
    """What the templates fill in, escaped."""
    supervised = _supervised(service, kind)
    low = service.port is not None and service.port < _LOWEST and not (service.socket or service.behind)
    return {
        "service": service,
        "description": _line(service.description or service.name),
        "user_scope": False,
        "given": "",
        "needs": (*(f"{need}.service" for need in service.needs), *_socket(service, service.name)),
        "notify": supervised or (service.notify and kind == "notify"),
        "watchdog": _watchdog(service) if supervised else "",
        "start": _start(service) if supervised else "",
        "clean": f"{128 + _SIGNALS[service.stop_signal]}" if supervised else service.stop_signal,
        "stop": duration(service.stop_time),
        "environment_file": _word(_settings(service)),
        "environment": [_assignment(service, name, value) for name, value in service.environment.items()],
        "state": " ".join(f"{service.name}/{each.name}" for each in service.data),
        "listen": f"[{service.address}]:{service.listens}"
        if ":" in service.address
        else f"{service.address}:{service.listens}",
        "capabilities": "CAP_NET_BIND_SERVICE" if low else "",
        "jit": service.build in _JIT,
        "cpus": f"{service.limits.cpus * 100:.0f}%",
    }


def _command(service: Service, kind: str, *, credentials: bool = True) -> tuple[str, ...]:
    command = watched(service) if _supervised(service, kind) else service.command
    return guarded(service, command, _settings(service), credentials=credentials)


def _settings(service: Service) -> str:
    return str(PurePosixPath(service.settings) / "environment")


def _socket(service: Service, unit: str) -> tuple[str, ...]:
    return (f"{unit}.socket",) if service.socket else ()


def _sourced(command: tuple[str, ...], file: str) -> tuple[str, ...]:
    """The command behind a shell that reads variables from a file of its own words."""
    return ("/bin/sh", "-c", f'set -a; . {file}; set +a; exec "$@"', "sh", *command)


def _line_of(command: tuple[str, ...]) -> str:
    return " ".join(_word(word, dollar=True) for word in command)


def _supervised(service: Service, kind: str) -> bool:
    """Whether tender speaks for it."""
    return kind == "notify" and not service.notify and watched(service) != service.command


def _watchdog(service: Service) -> str:
    health = service.health
    return duration(patience(health) + health.timeout + _SLACK) if health else ""


def _start(service: Service) -> str:
    health = service.health
    return duration(health.start_period + patience(health) + _SLACK) if health else ""


def _line(text: str) -> str:
    """A text as the value of a setting that is one line, such as Description."""
    return " ".join(text.split()).rstrip("\\").replace("%", "%%")


def _assignment(service: Service, name: str, value: str) -> str:
    """A word of Environment=. Raises ConfigError for characters that systemd passes over with a warning."""
    if any((ord(letter) < ord(" ") and letter not in "\t\n") or letter == "\x7f" for letter in value):
        hint = "leave out control characters; line breaks and tabs may stay"
        path = f"service.{service.name}.env.{name}"
        raise ConfigError(Problem(path=path, what="holds a character that systemd takes in no variable", hint=hint))
    return _word(f"{name}={value}", dollar=False)


def _word(text: str, *, dollar: bool = False) -> str:
    """One word for systemd: quoted (systemd.syntax(7)), with specifiers, and variables where it looks for any."""
    if _PLAIN.fullmatch(text):
        return text
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n").replace("\t", "\\t")
    text = "".join(letter if letter >= " " and letter != "\x7f" else f"\\x{ord(letter):02x}" for letter in text)
    return f'"{text.replace("$", "$$") if dollar else text}"'
