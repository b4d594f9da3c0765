"""A git server over HTTP: a repository behind git's own CGI program, as behind any web server."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shipways.adapters.process import OsProcess
from shipways.adapters.shell import OsShell

_TAG: Final = "%(refname:strip=2) %(objecttype) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
"""The name of a tag, what it is, and the commit that it names (git-for-each-ref, "FIELD NAMES")."""
_PUSHED: Final = "/git-receive-pack"
_HEADERS: Final = {"git-protocol": "GIT_PROTOCOL", "content-encoding": "HTTP_CONTENT_ENCODING"}
"""Headers that change what git answers, by the variables in which its program gets them (git-http-backend)."""


def settings(file: str = os.devnull) -> dict[str, str]:
    """The environment of a git that has the settings of this file, and none of the user's or the machine's."""
    return {"PATH": OsShell().env().get("PATH", ""), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": file}


class GitServer:
    """The ASGI application of a repository, whose path below `folder` is that of its URL.

    Everybody may read and write it; with a `token` only who sends that as the password, as at GitHub. `tags` is the
    kind of object that each tag is, and the commit that it names, since the last push.
    """

    def __init__(self, folder: Path, repository: str, token: str = "") -> None:
        self._folder = folder
        self._repository = repository
        self._login = base64.b64encode(f"x-access-token:{token}".encode()).decode() if token else ""
        self.tags: Mapping[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, by a process of its own."""
        request = Request(scope, receive)
        body = await request.body()
        scheme, _, login = request.headers.get("authorization", "").partition(" ")
        if self._login and (scheme.lower(), login) != ("basic", self._login):
            response = Response(status_code=401, headers={"www-authenticate": 'Basic realm="GitHub"'})
        else:
            done = await OsProcess().run(("git", "http-backend"), env=self._variables(request, body), stdin=body)
            response = _answer(done.stdout.encode(errors="surrogateescape"))
            if request.url.path.endswith(_PUSHED):  # before anybody knows that it has ended
                self.tags = await self._listed()
        await response(scope, receive, send)

    async def _listed(self) -> Mapping[str, str]:
        argv = ("git", "for-each-ref", f"--format={_TAG}", "refs/tags")
        done = await OsProcess().run(argv, cwd=self._folder / self._repository, env=settings())
        return dict(line.split(" ", 1) for line in done.stdout.splitlines())

    def _variables(self, request: Request, body: bytes) -> dict[str, str]:
        """A request in the words of CGI (RFC 3875)."""
        said = {name: request.headers[header] for header, name in _HEADERS.items() if header in request.headers}
        return {
            **settings(),
            **said,
            "GIT_PROJECT_ROOT": str(self._folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.url.path,
            "QUERY_STRING": request.url.query,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": "somebody",  # without a name it lets nobody write
        }


def _answer(said: bytes) -> Response:
    """What a CGI program has printed (RFC 3875, "CGI Response")."""
    head, _, body = said.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").splitlines() if ": " in line)
    status = headers.pop("Status", "200 OK" if headers else "500")
    return Response(body, int(status.split()[0]), headers)
