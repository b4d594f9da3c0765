"""The command line that a service manager of a machine starts: the program, behind tender and behind a check."""

from pathlib import PurePosixPath

from shipways.model.service import Health, Service


def tender(service: Service) -> str:
    """Where tender is: beside the program."""
    return str(PurePosixPath(service.command[0]).parent / "tender")


def watched(service: Service) -> tuple[str, ...]:
    """The command behind tender, which says when it is healthy and ends it when it is not any more.

    As it is where there is no path to ask.
    """
    if not service.health or not service.health.path:
        return service.command
    return (tender(service), "run", *_flags(service, service.health), "--", *service.command)


def guarded(
    service: Service, command: tuple[str, ...], file: str, *, read: bool = False, credentials: bool = False
) -> tuple[str, ...]:
    """The command behind a shell that ends with 78 (EX_CONFIG) where a required variable has no value.

    It names each of them, and no value. `file` is where they are expected; it reads that itself where the service
    manager does not (`read`). With `credentials` a secret that systemd has laid down as a file is told by NAME_FILE. As
    it is where there is nothing to check, to read or to tell.
    """
    names = [each.name for each in service.variables if each.required and each.value is None]
    lines = []
    if credentials and service.secrets:
        laid = (
            '[ ! -e "${CREDENTIALS_DIRECTORY:-/nowhere}/$name" ] || export "${name}_FILE=$CREDENTIALS_DIRECTORY/$name"'
        )
        lines.append(f"for name in {' '.join(service.secrets)}; do {laid}; done")
    if read and any(each.value is None for each in service.variables):
        lines.append(f"[ ! -e {_word(file)} ] || {{ set -a; . {_word(file)}; set +a; }}")
    if names:
        told = f'echo "$name is not set, and {service.name} does not start without it: put it into" {_word(file)} >&2'
        absent = f'[ -n "$(printenv "$name" "${{name}}_FILE")" ] || {{ {told}; status=78; }}'
        lines.append(f"status=0; for name in {' '.join(names)}; do {absent}; done; [ $status = 0 ] || exit $status")
    return ("/bin/sh", "-c", f'{"; ".join(lines)}; exec "$@"', "sh", *command) if lines else command


def patience(health: Health) -> int:
    """Milliseconds after which tender has given up on a program that does not answer any more."""
    return health.retries * (health.interval + health.timeout)


def _flags(service: Service, health: Health) -> tuple[str, ...]:
    """Of `tender run`; what is as by itself is left out where it is a matcher."""
    matchers = ["--status", str(health.status)] if health.status != 200 else []
    matchers += ["--body-contains", health.contains] if health.contains else []
    for key, value in health.members:
        matchers += ["--json", f"{key}={value}"]
    return (
        *("--health", service.health_url, *matchers),
        *("--interval", duration(health.interval), "--timeout", duration(health.timeout)),
        *("--start-period", duration(health.start_period), "--retries", str(health.retries)),
        *("--stop-timeout", duration(service.stop_time)),
    )


def duration(milliseconds: int) -> str:
    """As both systemd and Go read it."""
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def _word(text: str) -> str:
    """A word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
