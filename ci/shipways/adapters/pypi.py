"""An index of Python packages: read by the simple API, written to by twine."""

import warnings
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import httpx
from anyio import to_thread
from pypi_simple import (
    ACCEPT_JSON_PREFERRED,
    PYPI_SIMPLE_ENDPOINT,
    DistributionPackage,
    ProjectPage,
    UnexpectedRepoVersionWarning,
    UnsupportedRepoVersionError,
)

from shipways.adapters import trusted, twining, web
from shipways.adapters.credentials import Credentials
from shipways.adapters.jobs import Job
from shipways.config.publish import PypiTable
from shipways.errors import Moved, Problem, Unfinished
from shipways.model.item import Seen
from shipways.model.secret import Secret
from shipways.ports import Clock

_TOKEN_USER: Final = "__token__"  # noqa: S105 - the name of every user who has a token
_LIFE: Final = 600.0
"""Seconds after which a minted token is not used any more: it lives 900, and an upload takes some."""
_JSON: Final = "application/vnd.pypi.simple.v1+json"
_TAKEN: Final = ("already exist",)
_BURNT: Final = ("previously used", "already been used")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Login:
    user: str
    password: Secret


class SimpleIndex:
    """The `PythonIndex` port."""

    def __init__(self, table: PypiTable, env: Mapping[str, str], clock: Clock) -> None:
        self._uploads = table.repository or twining.DEFAULT_UPLOADS
        self._simple = (table.simple or PYPI_SIMPLE_ENDPOINT).rstrip("/")
        self._trusted = table.trusted
        self._credentials = Credentials(env)
        self._job = Job(env, clock)
        self._clock = clock
        self._minted: tuple[Secret, float] | None = None
        self._minting = anyio.Lock()

    async def files(self, project: str, names: Collection[str]) -> Mapping[str, Seen]:
        """What the page of a project lists (PEP 691, else PEP 503); 404 is a project without files."""
        async with self._reader() as http:
            # An answer that a proxy on the way has kept may be from before an upload (RFC 9111, 5.2.1.4).
            headers = {"Accept": ACCEPT_JSON_PREFERRED, "Cache-Control": "no-cache"}
            request = http.build_request("GET", f"{self._simple}/{project}/", headers=headers)
            answer = await web.send(http, request, clock=self._clock)
            if answer.status_code == httpx.codes.NOT_FOUND:
                return {}
            if not answer.is_success:
                raise web.refused(f"the page of {project}", answer, "check publish.pypi.simple, and the token")
            listed = [file for file in _page(project, answer).packages if file.filename in names]
            return {file.filename: Seen(value=await self._digest(http, file), url=file.url) for file in listed}

    async def fetch(self, url: str, into: Path) -> None:
        """A file of an index, or of its storage."""
        async with self._reader() as http:
            await web.download(http, http.build_request("GET", url), into, clock=self._clock)

    async def check(self, file: Path) -> Sequence[Problem]:
        """As `twine check`."""
        return await to_thread.run_sync(twining.check, file)

    async def ready(self) -> bool:
        """Whether there is a token, given or minted."""
        return self._login() is not None

    async def authorize(self) -> None:
        """Mint a token, where trusted publishing is wanted and none is there that still lives."""
        await self._authorized()

    async def upload(self, file: Path) -> str:
        """Send a file, with what twine knows of it."""
        login = await self._authorized()
        send = partial(twining.upload, self._uploads, login.user, login.password.open(), file)
        answer, page = await to_thread.run_sync(send)  # what has begun ends before the run does
        if not web.settled(answer, self._clock).is_success:
            raise _refusal(file.name, answer)
        return page or f"{self._simple}/{twining.named(file.name)[0]}/"

    def _reader(self) -> httpx.AsyncClient:
        http = web.client(self._simple)
        http.auth = _WhenAsked(self._known(), web.origin(httpx.URL(self._uploads)))
        return http

    async def _authorized(self) -> _Login:
        async with self._minting:  # one token for all files
            if login := self._login():
                return login
            if self._trusted is False:
                raise Unfinished(Problem(path="publish.pypi", what="there is no token", hint="set SHIPWAYS_PYPI_TOKEN"))
            token = await trusted.mint(web.origin(httpx.URL(self._uploads)), self._job, self._clock)
            self._minted = (token, self._clock.monotonic())
            return _Login(user=_TOKEN_USER, password=token)

    def _login(self) -> _Login | None:
        """A minted token that still lives, or what the user has given, as the config wants it."""
        if self._minted and self._clock.monotonic() < self._minted[1] + _LIFE:
            return _Login(user=_TOKEN_USER, password=self._minted[0])
        return None if self._trusted is True else self._known()

    def _known(self) -> _Login | None:
        """What the user has given."""
        if token := self._credentials.secret("SHIPWAYS_PYPI_TOKEN"):
            return _Login(user=_TOKEN_USER, password=token)
        user = self._credentials.secret("TWINE_USERNAME").open() or _TOKEN_USER
        password = self._credentials.secret("TWINE_PASSWORD")
        return _Login(user=user, password=password) if password else None

    async def _digest(self, http: httpx.AsyncClient, file: DistributionPackage) -> str:
        """As the page tells it; some tell another kind of digest, or none."""
        if told := file.digests.get("sha256"):
            return f"sha256:{told.lower()}"
        request = http.build_request("GET", file.url)
        async with web.streamed(http, request, file.filename, clock=self._clock) as answer:
            return await web.digest(answer)


class _WhenAsked(httpx.Auth):
    """Sends a password only after a server has asked for one, as most indexes do not, and only to its own origin."""

    def __init__(self, login: _Login | None, origin: str) -> None:
        self._login = login
        self._origin = origin

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request, and once more if it must be."""
        answer = yield request
        asked = answer.status_code == httpx.codes.UNAUTHORIZED and web.origin(request.url) == self._origin
        if asked and self._login:
            yield from httpx.BasicAuth(self._login.user, self._login.password.open()).auth_flow(request)


def _page(project: str, answer: httpx.Response) -> ProjectPage:
    """What a page lists, in either form. Raises Unfinished for something else, such as the page of a login."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    try:
        with warnings.catch_warnings():  # a newer minor version adds what nobody here asks for (PEP 629)
            warnings.simplefilter("ignore", UnexpectedRepoVersionWarning)
            if kind == _JSON:
                return ProjectPage.from_json_data(answer.json(), str(answer.url))
            return ProjectPage.from_html(project, answer.content, str(answer.url), answer.charset_encoding)
    except (ValueError, UnsupportedRepoVersionError) as error:
        why = str(error).partition("\n")[0]
        raise Unfinished(
            Problem(path=web.origin(answer.url), what=f"has a page of {project} that cannot be read", why=why)
        ) from None


def _refusal(name: str, answer: httpx.Response) -> Exception:
    """What an answer means that is no success. The words are those of Warehouse, which has no codes for them."""
    said = web.said(answer)
    if any(words in said.lower() for words in _BURNT):
        return Unfinished(
            Problem(
                path=name,
                what="was on the index once and has been deleted, which uses up the name for ever",
                why=said,
                hint="release the next version",
            )
        )
    if answer.status_code == httpx.codes.CONFLICT or any(words in said.lower() for words in _TAKEN):
        what = "is there by now, with other bytes"
        return Moved(Problem(path=name, what=what, why=said, hint="pages may be minutes old; look again later"))
    hints = {
        401: "set SHIPWAYS_PYPI_TOKEN, or TWINE_USERNAME and TWINE_PASSWORD",
        403: "check that the token is for this project and this index; a new project needs one for the whole account",
    }
    return web.refused(name, answer, hints.get(answer.status_code, ""))
