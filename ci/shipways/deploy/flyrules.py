"""The rules by which flyctl takes a fly.toml, so that one it would refuse, or change, is found without it.

After `Config.Validate`, the strict validation and the types of flyctl's internal/appconfig, as of August 2026. What
flyctl warns of and changes itself, such as the time of a check, is a problem here: the file would not say what is done.
"""

import re
import shlex
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from shipways.errors import Problem

Table = Mapping[str, Any]

_STRATEGIES: Final = ("canary", "rolling", "immediate", "bluegreen")
_POLICIES: Final = ("always", "never", "on-failure")
_COMPRESSIONS: Final = ("", "gzip", "zstd")
_STOPS: Final = (True, False, "off", "stop", "suspend")
_GIGA: Final = 10**9
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?", re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ASKED: Final = _words("interval timeout grace_period method path protocol tls_skip_verify tls_server_name headers")
_TOP_ASKED: Final = _ASKED | {"port", "type", "processes"}
_SERVED: Final = _words(
    "internal_port auto_stop_machines auto_start_machines min_machines_running processes concurrency machine_checks"
)
_TOP: Final = _words(
    """app primary_region kill_signal kill_timeout swap_size_mb console_command experimental build deploy env processes
    mounts http_service services checks files host_dedication_id machine_config container machine_checks restart vm
    statics metrics"""
)
_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "build": _words(
        """builder args buildpacks image settings builtin dockerfile ignorefile build-target compose compression
        compression_level"""
    ),
    "deploy": _words(
        """strategy max_unavailable wait_timeout release_command release_command_timeout release_command_vm
        seed_command"""
    ),
    "mounts": _words(
        """source destination initial_size snapshot_retention scheduled_snapshots auto_extend_size_threshold
        auto_extend_size_increment auto_extend_size_limit processes"""
    ),
    "files": _words("guest_path local_path secret_name raw_value processes"),
    "restart": _words("policy retries processes"),
    "statics": _words("guest_path url_prefix tigris_bucket index_document"),
    "metrics": _words("port path https processes"),
    "vm": _words(
        """size memory processes cpu_kind cpus memory_mb max_memory_mb gpus gpu_kind host_dedication_id persist_rootfs
        kernel_args"""
    ),
    "http_service": _SERVED | _words("force_https tls_options http_options checks"),
    "services": _SERVED | _words("protocol ports tcp_checks http_checks"),
}


def refused(path: str, text: str) -> Iterator[Problem]:
    """Why flyctl would not take a fly.toml, by its path and text."""
    try:
        wrong = broken(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        wrong = (f"not valid TOML: {error}",)
    yield from (Problem(path=path, what=each, why="a rule of flyctl's") for each in wrong)


def broken(document: Table) -> tuple[str, ...]:
    """Each rule that a fly.toml breaks, as `KEY: what is wrong`; empty for one that flyctl takes as it is."""
    groups = tuple(document.get("processes", {})) or ("app",)
    rules = (
        _unknown(document),
        _build(document.get("build", {})),
        _deploy(document),
        _commands(document),
        _checks(document.get("checks", {})),
        _services(document, groups),
        _mounts(_listed(document.get("mounts", [])), groups),
        _restart(_listed(document.get("restart", [])), groups),
    )
    return tuple(each for rule in rules for each in rule)


def _unknown(document: Table) -> Iterator[str]:
    """Strict mode: sections and keys that nobody reads."""
    yield from (f"{name}: flyctl does not know it" for name in document if name not in _TOP)
    for section, known in _KEYS.items():
        for table in _listed(document.get(section, [])):
            yield from (f"{section}.{name}: flyctl does not know it" for name in table if name not in known)


def _build(build: Table) -> Iterator[str]:
    compression, level = build.get("compression", ""), build.get("compression_level", 0)
    if compression not in _COMPRESSIONS:
        yield f"build.compression: {compression!r} is neither gzip nor zstd"
    if not 0 <= level <= 9:
        yield f"build.compression_level: {level} is not between 0 and 9"


def _deploy(document: Table) -> Iterator[str]:
    strategy = document.get("deploy", {}).get("strategy", "")
    if strategy and strategy not in _STRATEGIES:
        yield f"deploy.strategy: {strategy!r} is none of {', '.join(_STRATEGIES)}"
    if strategy == "canary" and document.get("mounts"):
        yield "deploy.strategy: canary does not go with mounts"


def _commands(document: Table) -> Iterator[str]:
    """What a shell's rules have to be able to take apart."""
    lines = {
        "deploy.release_command": document.get("deploy", {}).get("release_command", ""),
        "console_command": document.get("console_command", ""),
        **{f"processes.{name}": line for name, line in document.get("processes", {}).items()},
    }
    for name, line in lines.items():
        try:
            shlex.split(line)
        except ValueError as error:
            yield f"{name}: cannot be split into words: {error}"


def _checks(checks: Mapping[str, Table]) -> Iterator[str]:
    """Those at the top of the file."""
    for name, check in checks.items():
        path = f"checks.{name}"
        if check.get("type") not in ("http", "tcp"):
            yield f"{path}.type: is neither http nor tcp"
        yield from (f"{path}.{key}: flyctl does not know it" for key in check if key not in _TOP_ASKED)
        if (_seconds(check.get("interval", "15s")) or 0) < 2:
            yield f"{path}.interval: {check['interval']} is less than 2s"
        timeout = _seconds(check.get("timeout", "2s"))
        if timeout is None or timeout > 60:
            yield f"{path}.timeout: {check['timeout']} is more than 60s"


def _services(document: Table, groups: Collection[str]) -> Iterator[str]:
    named = [(f"services[{at}]", each) for at, each in enumerate(document.get("services", []))]
    if "http_service" in document:
        named.append(("http_service", document["http_service"]))
    for path, service in named:
        yield from _groups(path, service.get("processes", ()), groups)
        if document.get("processes") and not service.get("processes"):
            yield f"{path}.processes: is needed where there are [processes]"
        if path != "http_service" and not service.get("ports"):
            yield f"{path}.ports: there is none"
        if service.get("auto_stop_machines", False) not in _STOPS:
            yield f"{path}.auto_stop_machines: is none of off, stop, suspend"
        for kind in ("checks", "http_checks", "tcp_checks"):
            for at, check in enumerate(service.get(kind, [])):
                yield from _times(f"{path}.{kind}[{at}]", check)


def _times(path: str, check: Table) -> Iterator[str]:
    """flyctl moves all of them into the bounds; no grace at all is one of the values that it leaves."""
    yield from (f"{path}.{key}: flyctl does not know it" for key in check if key not in _ASKED)
    for key in ("interval", "timeout", "grace_period"):
        seconds = _seconds(check.get(key, "1s"))
        none = key == "grace_period" and seconds == 0
        if seconds is None or not (none or 1 <= seconds <= 60):
            yield f"{path}.{key}: {check[key]} is not between 1s and 1m"


def _mounts(mounts: Sequence[Table], groups: Collection[str]) -> Iterator[str]:
    of_a_group = [group for mount in mounts for group in mount.get("processes") or ("app",)]
    for group in sorted({each for each in of_a_group if of_a_group.count(each) > 1}):
        yield f"mounts: the group {group!r} has more than one"
    for mount in mounts:
        path = f"mounts.{mount.get('source', '')}"
        yield from _groups(path, mount.get("processes", ()), groups)
        size = _gigabytes(mount.get("initial_size", "1gb"))
        if size is None or size < 1:
            yield f"{path}.initial_size: {mount['initial_size']} is less than 1 GB, or no size"
        if not 1 <= mount.get("snapshot_retention", 5) <= 60:
            yield f"{path}.snapshot_retention: {mount['snapshot_retention']} is not between 1 and 60 days"
        yield from _growing(path, mount)


def _growing(path: str, mount: Table) -> Iterator[str]:
    """A volume that grows says when, by how much, and up to where if anywhere."""
    at = mount.get("auto_extend_size_threshold", 0)
    step, limit = (mount.get(f"auto_extend_size_{name}", "") for name in ("increment", "limit"))
    if not (at or step or limit):
        return
    if not 50 <= at <= 99:
        yield f"{path}.auto_extend_size_threshold: {at} is not between 50 and 99"
    if not 1 <= (_gigabytes(step) or 0) <= 100:
        yield f"{path}.auto_extend_size_increment: {step or 'nothing'} is not between 1 GB and 100 GB"
    if limit and not 1 <= (_gigabytes(limit) or 0) <= 500:
        yield f"{path}.auto_extend_size_limit: {limit} is not between 1 GB and 500 GB"


def _restart(restarts: Sequence[Table], groups: Collection[str]) -> Iterator[str]:
    for restart in restarts:
        yield from _groups("restart", restart.get("processes", ()), groups)
        if restart.get("policy") not in _POLICIES:
            yield f"restart.policy: {restart.get('policy')!r} is none of {', '.join(_POLICIES)}"


def _groups(path: str, named: Collection[str], groups: Collection[str]) -> Iterator[str]:
    yield from (f"{path}.processes: there is no process {name!r}" for name in named if name not in groups)


def _listed(value: Any) -> Sequence[Table]:
    """A section that may be one table, or several."""
    return [value] if isinstance(value, Mapping) else value


def _seconds(value: Any) -> float | None:
    """A duration as Go reads it, a bare number being nanoseconds; None for what is none."""
    if isinstance(value, int | float):
        return value / _GIGA
    if value == "0":
        return 0.0
    parts = _PART.findall(value)
    whole = parts and "".join(number + unit for number, unit in parts) == value
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if whole else None


def _gigabytes(value: str) -> int | None:
    """A size as flyctl reads it: a bare number of gigabytes, or with a decimal unit; None for what is none."""
    if value.isdecimal():
        return int(value)
    found = _SIZE.fullmatch(value)
    return int(float(found[1]) * 1000 ** " kmgtp".index(found[2].lower() or " ")) // _GIGA if found else None
