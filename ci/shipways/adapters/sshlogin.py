"""Logging in by SSH: to hosts whose keys are known, by keys alone; and what there is to do where that fails."""

from pathlib import Path
from typing import Final

import anyio
import asyncssh

from shipways.errors import PreflightError, Problem
from shipways.outside.hosts import Address

_CONNECT: Final = 15.0
"""Seconds for a connection and the login."""
_MANY: Final = "Too many authentication failures"
"""What sshd says when none of the first keys (MaxAuthTries, 6) is one of the user's."""
_KEY: Final = "`key` in [deploy.NAME.ssh], or [serve.ssh]"


class _Client(asyncssh.SSHClient):
    """Trusts no key that is not known, and remembers which was shown."""

    def __init__(self) -> None:
        self.shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Never: asyncssh asks only for keys that are not in the file."""
        del host, addr, port
        self.shown = key.get_fingerprint()
        return False


async def login(address: Address, *, alive: float) -> asyncssh.SSHClientConnection:
    """A connection; every `alive` seconds the other side is asked whether it is there, and is not after three times.

    Raises PreflightError where somebody has to do something about keys; OSError and asyncssh.Error where the host does
    not answer.
    """
    client = _Client()
    try:
        text = await _known(address)
        return await asyncssh.connect(
            address.host,
            address.port,
            username=address.user,
            client_factory=lambda: client,
            known_hosts=asyncssh.import_known_hosts(text),
            client_keys=[await _file(address)] if address.key else (),
            agent_path=None if address.key else (),
            config=None,
            preferred_auth="publickey",
            connect_timeout=_CONNECT,
            login_timeout=_CONNECT,
            keepalive_interval=alive,
            keepalive_count_max=3,
        )
    except asyncssh.HostKeyNotVerifiable as error:
        raise PreflightError(_unverified(address, client.shown, text, error)) from None
    except asyncssh.PermissionDenied as error:
        what = f"does not let {address.user} in by any key"
        hint = f"add your public key to its authorized_keys, or name yours: {_KEY}; passwords are not used"
        raise PreflightError(Problem(path=address.name, what=what, why=error.reason, hint=hint)) from None
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        hint = "a key with a passphrase is used by ssh-agent"
        raise PreflightError(
            Problem(path=address.name, what="the key cannot be used", why=str(error), hint=hint)
        ) from None
    except (OSError, asyncssh.Error) as error:
        if _MANY in str(error):
            hint = f"say which key it is: {_KEY}; or take others out of ssh-agent: `ssh-add -d`"
            raise PreflightError(
                Problem(path=address.name, what="was offered more keys than it takes", why=str(error), hint=hint)
            ) from None
        raise


async def _file(address: Address) -> str:
    """The file of the key, which is there. Raises PreflightError."""
    path = Path(address.key).expanduser()
    try:
        await anyio.Path(path).read_bytes()
    except OSError as error:
        hint = f"it is {_KEY}"
        raise PreflightError(
            Problem(path=str(path), what="cannot be read", why=error.strerror or "", hint=hint)
        ) from None
    return str(path)


async def _known(address: Address) -> str:
    """The text of the file of known hosts; one that is not there knows none. Raises PreflightError."""
    path = Path(address.known or "~/.ssh/known_hosts").expanduser()
    try:
        return await anyio.Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise PreflightError(Problem(path=str(path), what="cannot be read", why=error.strerror or "")) from None


def _unverified(address: Address, shown: str, text: str, error: asyncssh.Error) -> Problem:
    """What is wrong with the key of a host, and what to do."""
    file = address.known or "~/.ssh/known_hosts"
    keys = asyncssh.import_known_hosts(text).match(address.host, "", address.port)[0]
    told = f"it shows {shown}" if shown else error.reason
    if "revoked" in error.reason:
        hint = f"ask who runs it; {file} says that nobody may trust this key any more"
        return Problem(path=address.name, what="the key of this host is revoked", why=told, hint=hint)
    if not keys:
        hint = f"ask who runs it for its fingerprint, and put the key into {file}: `ssh-keyscan -p {address.port} HOST`"
        return Problem(path=address.name, what="the key of this host is not known", why=told, hint=hint)
    known = ", ".join(key.get_fingerprint() for key in keys)
    hint = f"somebody else may answer for it; if it was set up anew, change its line in {file}"
    return Problem(
        path=address.name, what="the key of this host is not the known one", why=f"{told}, known is {known}", hint=hint
    )
