"""Twine as a library that is quiet, tries once, and gives up on a server that says nothing."""

import html
import http
import logging
import re
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from tarfile import TarError
from typing import Any, Final
from zipfile import BadZipFile

import httpx
import requests
import rich
from packaging.metadata import parse_email
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version
from requests.adapters import HTTPAdapter
from twine.commands.check import check as twine_check
from twine.exceptions import TwineException
from twine.package import PackageFile
from twine.repository import Repository
from twine.sdist import SDist
from twine.utils import DEFAULT_REPOSITORY
from twine.wheel import Wheel

from shipways.adapters import web
from shipways.errors import Problem, Transient, Unfinished

DEFAULT_UPLOADS: Final = DEFAULT_REPOSITORY
"""Where files are sent when nobody says another place."""
_TIMEOUT: Final = (15.0, 300.0)
"""Seconds to connect, and between two signs of life: an index scans a large file before it answers."""
_BROKEN: Final = (TwineException, OSError, ValueError, EOFError, BadZipFile, TarError, zlib.error)
"""What a file raises that is no distribution."""
_HINT: Final = "see `readme` in pyproject.toml; `twine check` tells the same"
_MARKUP: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)

rich.get_console().quiet = True  # twine prints with `rich.print`; shipways has a console of its own
logging.getLogger("twine").addHandler(logging.NullHandler())  # or Python writes warnings to stderr


def check(file: Path) -> Sequence[Problem]:
    """What `twine check` refuses, and a name or version that is not the file's. No description is no reason."""
    with _Heard() as heard:
        try:
            failed = twine_check([str(file)])
            inside, _ = parse_email((Wheel if file.suffix == ".whl" else SDist)(str(file)).read())
        except _BROKEN as error:
            return (Problem(path=file.name, what="is no distribution that an index takes", why=str(error)),)
    if failed:
        texts = heard.texts or ["does not pass"]
        return tuple(Problem(path=file.name, what=text, hint=_HINT) for text in texts)
    name, version = named(file.name)
    said = (canonicalize_name(inside["name"]), Version(inside["version"]))
    if said == (name, version):
        return ()
    return (Problem(path=file.name, what=f"says in its metadata that it is {said[0]} {said[1]}"),)


def upload(url: str, user: str, password: str, file: Path) -> tuple[httpx.Response, str]:
    """Send a file once: the answer, with the reason in its text, and the release's page if twine knows it.

    Raises Transient when no answer comes, Unfinished for a file that is none.
    """
    target = httpx.URL(url)
    web.safe(target)
    repository = Repository(url, user, password, disable_progress_bar=True)
    repository.session.trust_env = not web.loopback(target.host)
    repository.session.mount("https://", _Once())
    repository.session.mount("http://", _Once())
    try:
        package = PackageFile.from_filename(str(file), comment=None)
        answer = repository.upload(package, max_redirects=1)  # so twine calls the number of its tries
        pages = sorted(repository.release_urls([package]))
    except TwineException as error:
        raise Unfinished(Problem(path=file.name, what="is no distribution", why=str(error))) from None
    except requests.RequestException as error:
        what = f"does not answer: {type(error).__name__}"
        raise Transient(Problem(path=web.origin(target), what=what, why=str(error))) from None
    finally:
        repository.close()
    return _response(target, answer), "".join(pages[:1])


class _Once(HTTPAdapter):
    """No tries of its own: the reconciler looks first. And a limit to patience, which twine has not."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """One request."""
        return super().send(request, *args, **kwargs | {"timeout": _TIMEOUT})


class _Heard(logging.Handler):
    """What twine logs in this thread while a block runs: its check tells the reasons nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._thread = threading.get_ident()
        self._logger = logging.getLogger(twine_check.__module__)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message as one line."""
        if record.thread == self._thread:
            self.texts.append(" ".join(record.getMessage().split()))

    def __enter__(self) -> "_Heard":
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)


def named(file: str) -> tuple[str, Version]:
    """The normalized name, and the version, that a file name says (PEP 427, PEP 625)."""
    return parse_wheel_filename(file)[:2] if file.endswith(".whl") else parse_sdist_filename(file)


def _response(url: httpx.URL, answer: requests.Response) -> httpx.Response:
    """As the other adapters have it. PyPI tells the reason in the status line, proxies keep only that of the body."""
    usual = http.HTTPStatus(answer.status_code).phrase if answer.status_code in set(http.HTTPStatus) else ""
    reason = answer.reason or ""
    text = reason if reason and reason != usual else html.unescape(_MARKUP.sub(" ", answer.text))
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-encoding"}
    return httpx.Response(
        answer.status_code,
        request=httpx.Request("POST", url),
        headers=headers | {"Content-Type": "text/plain; charset=utf-8"},
        content=text.encode(),
        extensions={"reason_phrase": usual.encode()},
    )
