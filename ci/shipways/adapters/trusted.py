"""Trusted publishing: the CI says who it is, and the index gives a token for a quarter of an hour."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
from anyio import to_thread
from id import AmbientCredentialError, GitHubOidcPermissionCredentialError, detect_credential

from shipways.adapters import web
from shipways.adapters.jobs import Job
from shipways.errors import Problem, Transient, Unfinished
from shipways.model.secret import Secret
from shipways.ports import Clock

_CLAIMS: Final = ("repository", "workflow_ref", "job_workflow_ref", "environment", "ref", "event_name", "sub")
"""What an index compares with its trusted publishers."""
_SPENT: Final = "invalid-reuse-token"
"""What PyPI says when the same JWT comes again."""
_INSTEAD: Final = "set SHIPWAYS_PYPI_TOKEN"
_SETTING: Final = "compare these with the trusted publisher in the settings of the project on the index"


async def mint(origin: str, job: Job, clock: Clock) -> Secret:
    """A token of the index at `origin`, by the calls that PyPI documents ("Internals and technical details").

    Raises Unfinished with the claims when the index does not accept them, or when nobody here says who runs; Transient.
    """
    async with web.client(origin) as http:
        asked = http.build_request("GET", "/_/oidc/audience")
        audience = _text(origin, await web.send(http, asked, clock=clock), "audience")
        said = (await job.says(audience)).open() if job.known else await identity(origin, audience, _INSTEAD)
        request = http.build_request("POST", "/_/oidc/mint-token", json={"token": said})
        answer = await web.send(http, request, clock=clock)
        if answer.is_success:
            return Secret(_text(origin, answer, "token"))
    if _SPENT in _codes(answer):
        raise Transient(Problem(path=origin, what="what the CI says has arrived twice", why=_reasons(answer)))
    raise Unfinished(
        Problem(
            path=origin,
            what=f"gives no token: {_reasons(answer)}",
            why=f"the CI says: {_claims(said)}",
            hint=_SETTING,
        )
    )


async def identity(origin: str, audience: str, instead: str) -> str:
    """What the CI says of who runs, as a JWT for an audience. `instead` is the hint where there is no such CI.

    Raises Unfinished, Transient.
    """
    try:
        said = await to_thread.run_sync(detect_credential, audience)
    except GitHubOidcPermissionCredentialError as error:
        hint = "the job needs `permissions: id-token: write`; a pull request from a fork never has it"
        raise Unfinished(
            Problem(path=origin, what="the job may not say who it is", why=str(error), hint=hint)
        ) from None
    except AmbientCredentialError as error:
        raise Transient(Problem(path=origin, what="the CI does not say who it is", why=str(error))) from None
    if said is None:
        raise Unfinished(
            Problem(
                path=origin,
                what="there is no token",
                why="this is no CI that says who it is",
                hint=instead,
            )
        )
    return said


def _text(origin: str, answer: httpx.Response, key: str) -> str:
    """A text of the answer. Raises Unfinished without showing the answer: it may hold a token."""
    said = _table(answer)
    if not answer.is_success or not isinstance(said.get(key), str):
        status = f"{answer.status_code} {answer.reason_phrase}"
        raise Unfinished(
            Problem(
                path=origin,
                what=f"tells no {key}: {status}",
                why="the index has no trusted publishing, or has it elsewhere",
                hint="set SHIPWAYS_PYPI_TOKEN, and publish.pypi.trusted = false",
            )
        )
    return str(said[key])


def _errors(answer: httpx.Response) -> Sequence[Mapping[str, Any]]:
    errors = _table(answer).get("errors")
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _codes(answer: httpx.Response) -> Sequence[object]:
    return [error.get("code") for error in _errors(answer)]


def _reasons(answer: httpx.Response) -> str:
    said = "; ".join(f"{error.get('code')}: {error.get('description')}" for error in _errors(answer))
    return said or f"{answer.status_code} {answer.reason_phrase}"


def _table(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _claims(identity: str) -> str:
    """What the middle part of a JWT says (RFC 7519, section 3); never the token, with which anybody is this CI."""
    try:
        said = json.loads(base64.urlsafe_b64decode(identity.split(".")[1] + "=="))
    except (ValueError, IndexError, binascii.Error):
        return "nothing that can be read"
    return ", ".join(f"{name}={said[name]}" for name in _CLAIMS if said.get(name))
