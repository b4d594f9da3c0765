"""Credentials of image registries, from where `docker login` keeps them."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shipways.errors import PreflightError, Problem
from shipways.model.oci import DOCKER_HUB
from shipways.model.secret import Secret
from shipways.ports import Process, Shell

_DOCKER_HUB_KEY: Final = "https://index.docker.io/v1/"
"""The name that Docker keeps its own registry under."""
_TOKEN_USER: Final = "<token>"  # noqa: S105 - what a helper calls an identity token
_NOTHING: Final = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user and password, or an identity token (an OAuth2 refresh token)."""

    user: str = ""
    password: Secret = _NOTHING
    identity: Secret = _NOTHING


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Auth(_Read):
    auth: str = Field(default="", repr=False)
    identity: str = Field(default="", alias="identitytoken", repr=False)


class _File(_Read):
    auths: dict[str, _Auth] = {}
    store: str = Field(default="", alias="credsStore")
    helpers: dict[str, str] = Field(default={}, alias="credHelpers")


class _Answer(_Read):
    user: str = Field(alias="Username")
    secret: str = Field(alias="Secret", repr=False)


class DockerLogins:
    """Reads `config.json` of `$DOCKER_CONFIG` or ~/.docker (Docker CLI reference, "Credential stores")."""

    def __init__(self, process: Process, shell: Shell) -> None:
        self._process = process
        self._shell = shell

    async def login(self, host: str) -> Login | None:
        """The login for a registry; None for nobody. Raises PreflightError for a file that cannot be read."""
        file = self._read()
        key = _DOCKER_HUB_KEY if host == DOCKER_HUB else host
        if helper := file.helpers.get(key) or file.helpers.get(host) or file.store:
            return await self._ask(helper, key)
        entry = next((auth for name, auth in file.auths.items() if name == key or _host(name) == host), None)
        if entry is None:
            return None
        try:
            user, _, password = base64.b64decode(entry.auth, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise _broken(self._path(), f"the entry for {host} is not base64 of user:password") from None
        return Login(user=user, password=Secret(password), identity=Secret(entry.identity))

    def _path(self) -> Path:
        env = self._shell.env()
        return Path(env.get("DOCKER_CONFIG") or Path(env.get("HOME") or Path.home(), ".docker"), "config.json")

    def _read(self) -> _File:
        try:
            return _File.model_validate_json(self._path().read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return _File()
        except OSError as error:
            raise _broken(self._path(), error.strerror or "it cannot be read") from None
        except ValidationError:
            raise _broken(self._path(), "it is not the JSON that `docker login` writes") from None

    async def _ask(self, helper: str, key: str) -> Login | None:
        """By the protocol of docker-credential-helpers: the key on standard input, JSON on standard output."""
        program = f"docker-credential-{helper}"
        try:
            answer = await self._process.run((program, "get"), env=self._shell.env(), stdin=key.encode())
        except FileNotFoundError:
            raise _broken(self._path(), f"it names the credential helper {program}, which is not on PATH") from None
        if answer.code:
            return None  # it keeps nothing for this registry
        try:
            found = _Answer.model_validate(json.loads(answer.stdout))
        except (ValidationError, json.JSONDecodeError):
            raise _broken(self._path(), f"{program} answered with something else than its protocol says") from None
        if found.user == _TOKEN_USER:
            return Login(identity=Secret(found.secret))
        return Login(user=found.user, password=Secret(found.secret))


def basic(login: Login) -> Mapping[str, str]:
    """The header of RFC 7617."""
    pair = base64.b64encode(f"{login.user}:{login.password.open()}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _host(name: str) -> str:
    return name.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _broken(path: Path, why: str) -> PreflightError:
    return PreflightError(
        Problem(path=str(path), what="gives no credentials", why=why, hint="mend it, or `docker login` again")
    )
