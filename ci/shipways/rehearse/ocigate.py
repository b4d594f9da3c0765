"""Who may do what at the stand-in of an image registry (distribution, "Token Authentication Specification")."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shipways.model.digest import Json

_READS: Final = frozenset({"GET", "HEAD"})
_SERVICE: Final = "rehearsal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user: a password, or an identity token; and the repositories it may push to, by how they begin."""

    password: str = ""
    identity: str = ""
    pushes: str = ""
    reads_only: bool = False


class Gate:
    """Middleware that lets requests in by accounts; everybody, where there are none. Everybody may pull with a token.

    `asked` has the scopes of every request for a token.
    """

    def __init__(self, accounts: Mapping[str, Account], *, token: bool) -> None:
        self._accounts = accounts
        self._by_token = token
        self._granted: dict[str, frozenset[tuple[str, str]]] = {}
        self.asked: list[tuple[str, ...]] = []

    def expire(self) -> None:
        """No token counts any more."""
        self._granted.clear()

    def guard(self, app: ASGIApp) -> ASGIApp:
        """The application behind the gate."""

        async def enter(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or self._lets(request := Request(scope)):
                await app(scope, receive, send)
            else:
                await self._challenge(request)(scope, receive, send)

        return enter

    def may(self, request: Request, name: str, action: str) -> bool:
        """Whether who sends it may do this in a repository."""
        if not self._accounts:
            return True
        if self._by_token:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            return (name, action) in self._granted.get(token, frozenset())
        account = self._account(request)
        return account is not None and (action == "pull" or _pushes(account, name))

    async def token(self, request: Request) -> Response:
        """Gives of what is asked for what the account may do; nobody in particular may pull."""
        form = dict(parse_qsl((await request.body()).decode()))
        asked = form.get("scope", "").split() or request.query_params.getlist("scope")
        self.asked.append(tuple(asked))
        account = self._identity(form.get("refresh_token", "")) if form else self._account(request)
        if account is None and (form or "authorization" in request.headers):
            return problem(401, "UNAUTHORIZED")
        granted = set()
        for scope in asked:
            _, name, actions = scope.split(":")
            granted |= {
                (name, action)
                for action in actions.split(",")
                if action == "pull" or (account is not None and _pushes(account, name))
            }
        token = secrets.token_hex(16)
        self._granted[token] = frozenset(granted)
        return JSONResponse({"token": token, "access_token": token, "expires_in": 300})

    def _lets(self, request: Request) -> bool:
        if not self._accounts or request.url.path == "/token":
            return True
        name, action = _wanted(request)
        if name:
            return self.may(request, name, action)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return token in self._granted if self._by_token else self._account(request) is not None

    def _challenge(self, request: Request) -> Response:
        answer = problem(401, "UNAUTHORIZED")
        if not self._by_token:
            answer.headers["WWW-Authenticate"] = 'Basic realm="rehearsal"'
            return answer
        name, action = _wanted(request)
        actions = "pull" if action == "pull" else "pull,push"
        scope = f',scope="repository:{name}:{actions}"' if name else ""
        answer.headers["WWW-Authenticate"] = f'Bearer realm="{request.base_url}token",service="{_SERVICE}"{scope}'
        return answer

    def _account(self, request: Request) -> Account | None:
        """RFC 7617."""
        try:
            pair = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        user, _, password = pair.partition(":")
        account = self._accounts.get(user)
        return account if account and account.password and account.password == password else None

    def _identity(self, token: str) -> Account | None:
        return next((account for account in self._accounts.values() if token and account.identity == token), None)


def problem(status: int, code: str, detail: Json = None) -> Response:
    """An answer that says what is wrong (distribution-spec, "Error Codes")."""
    return JSONResponse({"errors": [{"code": code, "message": code.lower(), "detail": detail}]}, status)


def _wanted(request: Request) -> tuple[str, str]:
    """The repository that a request is about, and what it needs to be allowed; no repository for `/v2/`."""
    path = request.url.path.removeprefix("/v2/")
    for part in ("/blobs/", "/manifests/", "/tags/", "/referrers/"):
        name, found, _ = path.rpartition(part)
        if found:
            return name, "pull" if request.method in _READS else "push"
    return "", ""


def _pushes(account: Account, name: str) -> bool:
    return not account.reads_only and name.startswith(account.pushes)
