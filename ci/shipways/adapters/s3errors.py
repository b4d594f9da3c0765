"""What the errors of S3, and of servers that speak its protocol, mean to the reconciler."""

import email.utils
from contextlib import suppress
from typing import Final

import httpx
from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from shipways.adapters import web
from shipways.errors import Moved, Problem, ShipwaysError, Transient, Unfinished
from shipways.ports import Clock

_SKEW: Final = 15 * 60.0
"""Seconds by which S3 lets the time of a request be wrong (S3 API, "RequestTimeTooSkewed")."""
_AWAY: Final = frozenset({"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "OperationAborted"})
_STATUSES: Final = frozenset({429, *range(500, 600)}) - {501}
"""501 is how a server says that it does not know conditional writes."""
_MOVED: Final = frozenset({"ConditionalRequestConflict", "NoSuchKey", "NoSuchUpload", "PreconditionFailed"})
_SKEWED: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_ELSEWHERE: Final = frozenset(
    {"301", "PermanentRedirect", "TemporaryRedirect", "IncorrectEndpoint", "IllegalLocationConstraintException"}
)
_UNKNOWN: Final = frozenset(
    {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "TokenRefreshRequired"}
)
_NO_ANSWER: Final = (boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError)
_NO_LOGIN: Final = (
    boto.CredentialRetrievalError,
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.ProfileNotFound,
    boto.SSOError,
    boto.TokenRetrievalError,
)
_RIGHTS: Final = "s3:GetObject, s3:ListBucket, s3:PutObject and s3:AbortMultipartUpload"
_LOGIN: Final = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


def mapped(what: str, error: BotoCoreError | ClientError, clock: Clock) -> ShipwaysError:
    """The error of ours. `what` is the URL of the file. Nothing is shown that could hold a key or a signature."""
    if isinstance(error, ClientError):
        return _answer(what, error, clock)
    if isinstance(error, _NO_ANSWER):
        return Transient(Problem(path=what, what=f"its server does not answer: {type(error).__name__}"))
    if isinstance(error, _NO_LOGIN):
        # what a program has said that was to give credentials might be one
        why = type(error).__name__ if isinstance(error, boto.CredentialRetrievalError) else str(error)
        return Unfinished(Problem(path=what, what="there are no credentials for it", why=why, hint=_LOGIN))
    return Unfinished(Problem(path=what, what="cannot be asked for", why=str(error), hint="check publish.files"))


def absent(error: ClientError) -> bool:
    """Whether an answer says that there is no such file."""
    return code(error) in {"404", "NoSuchKey"}


def code(error: ClientError) -> str:
    """The code of S3; the status where the answer has no body, as one to HEAD has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _answer(what: str, error: ClientError, clock: Clock) -> ShipwaysError:
    told = error.response.get("ResponseMetadata", {})
    answer = httpx.Response(told.get("HTTPStatusCode", 500), headers=told.get("HTTPHeaders", {}))
    why = str(error.response.get("Error", {}).get("Message", ""))
    if code(error) in _MOVED:
        return Moved(Problem(path=what, what="has changed since it was looked at", why=why))
    if code(error) in _AWAY or answer.status_code in _STATUSES:
        problem = Problem(path=what, what=f"its server answered {answer.status_code} {code(error)}", why=why)
        return Transient(problem, after=web.wait(answer, clock))
    return Unfinished(_refusal(what, code(error), answer, why, clock))


def _refusal(what: str, said: str, answer: httpx.Response, why: str, clock: Clock) -> Problem:
    """What a person has to do."""
    region = answer.headers.get("x-amz-bucket-region", "")
    skew = _skew(answer, clock)
    if said == "NoSuchBucket":
        return Problem(path=what, what="there is no such bucket", hint="make it, or mend publish.files.folder")
    if said in _SKEWED or (answer.status_code == 403 and abs(skew) > _SKEW):
        why = f"it differs by {skew / 60:.0f} minutes from that of the server"
        return Problem(path=what, what="the clock of this machine is wrong", why=why, hint="set the clock")
    if said in _ELSEWHERE or "region" in why.lower() or (answer.status_code == 400 and region):
        hint = f'set publish.files.region = "{region}"' if region else "set publish.files.region"
        return Problem(path=what, what="the bucket is in another region", why=why, hint=hint)
    if said in _UNKNOWN:
        return Problem(path=what, what=f"its server does not know these credentials: {said}", why=why, hint=_LOGIN)
    if answer.status_code == 501:
        what_is = "its server does not take conditional writes"
        return Problem(path=what, what=what_is, why=why or "without them two releases could overwrite each other")
    hint = f"the credentials need {_RIGHTS}" if answer.status_code in {401, 403} else ""
    return Problem(path=what, what=f"is refused: {answer.status_code} {said}", why=why, hint=hint)


def _skew(answer: httpx.Response, clock: Clock) -> float:
    """By how many seconds our clock is ahead of the server's; 0 when it does not say."""
    with suppress(ValueError):
        return clock.now() - email.utils.parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    return 0.0
