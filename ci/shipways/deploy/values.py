"""Values of variables on their way into a service on a host: files of them, and those that are read on the way."""

import base64
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from shipways.errors import Problem, Unfinished

READ: Final = ("base64", "--")
"""How a file of them is read: what a host prints is text, and not every value is."""
_LINE: Final = 64 * 1024
"""Bytes of a line that Docker's client reads of a file, with its end."""
_SHELL: Final = re.compile(
    "_|IFS|PS[1-4]|OPTIND|OPTERR|PPID|(OLD)?PWD|E?UID|LINENO|SHLVL|S?RANDOM|(EPOCH)?SECONDS|EPOCHREALTIME|SHELLOPTS"
    "|BASH([A-Z0-9]+|_.*)?|DIRSTACK|FUNCNAME|GROUPS|HISTCMD|PIPESTATUS|COMP_WORDBREAKS"
)
"""What dash or bash, whichever a host has as /bin/sh, sets by itself, or takes not every value for."""
_CLIENT: Final = re.compile(
    "PATH|HOME|ENV|TMPDIR|LANG(UAGE)?|(LC|LD|DOCKER|BUILDKIT|GLIBC|MALLOC|OTEL|XDG|OPENSSL)_.*|SSL_CERT_(FILE|DIR)"
    "|GO[A-Z0-9]+|GOLANG_FIPS|TZ(DIR)?|ZONEINFO|.*_(PROXY|proxy)|GCONV_PATH|GETCONF_DIR|LOCPATH|NLSPATH|NIS_PATH|LOCALDOMAIN"
    "|RES_OPTIONS|RESOLV_HOST_CONF|HOSTALIASES"
)
"""What the loader of programs, the C library, the runtime of Go and Docker's client do something by."""


def written(values: Mapping[str, str]) -> bytes:
    """As a file of a shell."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()).encode(errors="surrogateescape")


def told(text: str) -> Mapping[str, str]:
    """What is written, as `READ` prints it. Raises Unfinished for what no shell reads."""
    try:
        words = shlex.split(base64.b64decode(text).decode(errors="surrogateescape"))
    except ValueError as error:
        raise Unfinished(Problem(path="environment", what="is no file of variables", why=str(error))) from None
    return dict(word.partition("=")[::2] for word in words)


def listed(values: Mapping[str, str]) -> tuple[bytes, Mapping[str, str]]:
    """As a file for Docker's client (opts/file.go of docker/cli), and what no such file can have."""
    lines = {name: f"{name}={value}\n".encode(errors="surrogateescape") for name, value in values.items()}
    fine = {name: line for name, line in lines.items() if _fits(line)}
    return b"".join(fine.values()), {name: value for name, value in values.items() if name not in fine}


def unfit(path: str, values: Mapping[str, str], *, docker: bool) -> Iterator[Problem]:
    """The variables that would not arrive as they are, or not at the service alone; {} in `path` is the name of one."""
    if docker:
        yield from alien(path, (rest := listed(values)[1]))
        for name in (name for name, value in rest.items() if any("\ud800" <= letter <= "\udfff" for letter in value)):
            what = "has bytes that are no UTF-8, which Docker gives to no container"
            yield Problem(path=path.format(name), what=what, hint="give it in base64, or as a file")
        return
    for name in filter(_SHELL.fullmatch, values):
        what = "has the name of what a shell has for itself, and by a shell the service is started"
        yield Problem(
            path=path.format(name), what=what, hint="give it another name; in a container it may have this one"
        )


def alien(path: str, rest: Iterable[str]) -> Iterator[Problem]:
    """Of those that no file can have, the names that mean something to Docker's client, which hands them on."""
    for name in rest:
        if _SHELL.fullmatch(name) or _CLIENT.fullmatch(name):
            what = "is read by Docker's client itself, or by a shell"
            why = "its value has a line break, or more than 64 kB, and so cannot come by a file"
            hint = "give it another name, or a value of one line"
            yield Problem(path=path.format(name), what=what, why=why, hint=hint)


def _fits(line: bytes) -> bool:
    """Of one line, which ends where it should, in UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return len(line) <= _LINE and line.find(b"\n") == len(line) - 1 and not line.endswith(b"\r\n")
