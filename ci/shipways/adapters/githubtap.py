"""A Homebrew tap at GitHub: all formulas of a release are one commit, made by the Git data API."""

from base64 import b64decode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import anyio
import httpx
from github.GitCommit import GitCommit
from github.GithubException import GithubException, UnknownObjectException
from github.GitRef import GitRef
from github.GitTree import GitTree
from github.InputGitTreeElement import InputGitTreeElement
from github.Repository import Repository

from shipways.adapters import web
from shipways.adapters.githubclient import GithubClient
from shipways.adapters.githuberrors import TAPS
from shipways.adapters.githubrules import protection, refusal
from shipways.errors import Moved, Problem, Unfinished
from shipways.model.secret import Secret
from shipways.model.tap import Served, TapBranch, TapChange, TapPlace, TapRights
from shipways.ports import Clock
from shipways.render.formula import downloads_in

_FOLDERS: Final = ("Formula", "HomebrewFormula")
"""Where Homebrew looks, the first that is there (Library/Homebrew/tap.rb, `formula_dir`); else at the top."""
_MOVED: Final = (
    "not a fast forward",
    "reference already exists",
    "reference does not exist",
    "pull request already exists",
    "no commits between",
)
"""What GitHub says with 422 when somebody else was there between our look and our change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """The newest commit of a branch with its files. `places` are path and blob of each formula that is there."""

    ref: GitRef
    commit: GitCommit
    tree: GitTree
    folder: str
    places: Mapping[str, tuple[str, str]]

    def path(self, name: str) -> str:
        """Where a formula lies, or is to lie."""
        return self.places[name][0] if name in self.places else str(PurePosixPath(self.folder, f"{name}.rb"))


class GithubTap:
    """The `Tap` port. The token goes to the API alone: what formulas name is fetched as anybody fetches it.

    `fetched` is where a URL that they name is asked for.
    """

    def __init__(
        self,
        place: TapPlace,
        token: Secret,
        http: httpx.AsyncClient,
        clock: Clock,
        *,
        fetched: Callable[[str], str] = str,
    ) -> None:
        self._place = place
        self._token = token
        self._http = http
        self._clock = clock
        self._place_of = fetched
        self._client = GithubClient(place.api, token, clock, TAPS)
        self._tap: Repository = self._client.github.get_repo(place.tap)
        self._side: Repository = self._client.github.get_repo(place.side)

    def close(self) -> None:
        """End PyGithub's connections."""
        self._client.close()

    async def rights(self) -> TapRights:
        """The token of a job of GitHub Actions is for its own repository alone, so it is asked what it reaches."""
        place = self._place

        def find() -> TapRights:
            write = self._client.may_push(self._side)
            if write is None and self._client.reaches(place.side) is False:
                write = False
            above = self._side.parent.full_name if self._side.fork and place.fork else place.tap
            branch = _ref(self._tap, place.branch)
            protected, checks = protection(self._tap, place.branch) if branch else (False, "")
            return TapRights(
                token=bool(self._token),
                write=write,
                related=place.side == place.tap or (self._side.fork and above.lower() == place.tap.lower()),
                branch=branch is not None,
                refused=checks or (refusal(self._tap, place.branch) if branch else ""),
                protected=protected,
            )

        return await self._client.ask(place.side, find)

    async def formulas(self, names: Collection[str]) -> TapBranch:
        """Three requests, and one for each formula."""
        return await self._client.ask(self._place.tap, lambda: self._look(self._tap, self._place.branch, names))

    async def staged(self, branch: str, names: Collection[str]) -> TapBranch:
        """The same, of another branch."""
        return await self._client.ask(self._place.side, lambda: self._look(self._side, branch, names))

    async def fetch(self, branch: str, name: str, into: Path) -> None:
        """Looked up anew, for it may have changed."""
        found = await (self.staged(branch, (name,)) if branch else self.formulas((name,)))
        if name not in found.formulas:
            raise Moved(
                Problem(path=f"{self._place.tap}:{branch or self._place.branch}", what=f"has no formula {name}")
            )
        await anyio.Path(into).write_bytes(found.formulas[name])

    async def commit(self, change: TapChange) -> str:
        """A tree, a commit, and the branch goes on to it, which GitHub refuses when that leaves a commit out."""
        texts, place = await _texts(change), self._place

        def work() -> str:
            head = self._base()
            self._expect(self._tap, place.branch, head, change)
            commit = self._committed(self._tap, head, texts, change.message)
            with _or_moved(place.tap):
                head.ref.edit(commit.sha)
            return commit.html_url

        return await self._client.ask(place.tap, work)

    async def stage(self, branch: str, change: TapChange) -> str:
        """A fork is synced first: it knows the commits of the tap only then."""
        texts, place = await _texts(change), self._place

        def work() -> str:
            if place.fork:
                self._side.merge_upstream(place.branch)
            there = self._head(self._side, branch)
            self._expect(self._side, branch, there, change)
            commit = self._committed(self._side, self._base(), texts, change.message)
            with _or_moved(place.side):
                if there:
                    there.ref.edit(commit.sha, force=True)
                else:
                    self._side.create_git_ref(f"refs/heads/{branch}", commit.sha)
            return commit.html_url

        return await self._client.ask(place.side, work)

    async def pull_request(self, branch: str) -> str:
        """One request."""
        place = self._place

        def find() -> str:
            head = f"{place.side.partition('/')[0]}:{branch}"
            found = self._tap.get_pulls(state="open", base=place.branch, head=head)
            return next((pull.html_url for pull in found if pull.head.ref == branch), "")

        return await self._client.ask(place.tap, find)

    async def open(self, branch: str, title: str) -> str:
        """One request."""
        place = self._place

        def make() -> str:
            head = f"{place.side.partition('/')[0]}:{branch}"
            with _or_moved(place.tap):
                pull = self._tap.create_pull(place.branch, head, title=title)
            return pull.html_url

        return await self._client.ask(place.tap, make)

    async def downloads(self, formula: Path) -> Sequence[Served]:
        """One after the other: an archive may be big."""
        text = await anyio.Path(formula).read_text("utf-8")
        return [Served(url=url, said=said, found=await self._fetched(url)) for url, said in downloads_in(text)]

    async def _fetched(self, url: str) -> str:
        """The digest of what lies there; empty for nothing."""
        request = self._http.build_request("GET", self._place_of(url))
        nothing = httpx.codes.NOT_FOUND
        async with web.streamed(self._http, request, url, clock=self._clock, expected=(nothing,)) as response:
            return "" if response.status_code == nothing else await web.digest(response)

    # -- what they need, in the thread

    def _base(self) -> _Head:
        head = self._head(self._tap, self._place.branch)
        if head is None:
            self._tap.complete()  # which tells a tap that is not there
            what, hint = f"has no branch {self._place.branch}", "make it, with a README, or set publish.homebrew.branch"
            raise Unfinished(Problem(path=self._place.tap, what=what, hint=hint))
        return head

    def _look(self, repository: Repository, branch: str, names: Collection[str]) -> TapBranch:
        head = self._head(repository, branch)
        return self._read(repository, head, names) if head else TapBranch(formulas={})

    def _expect(self, repository: Repository, branch: str, head: _Head | None, change: TapChange) -> None:
        """Raises Moved when a branch is not as it was seen."""
        there = self._read(repository, head, change.formulas).text(change.formulas) if head else ""
        if there != change.seen:
            raise Moved(Problem(path=f"{self._place.tap}:{branch}", what="somebody else has changed the formulas"))

    @staticmethod
    def _read(repository: Repository, head: _Head, names: Collection[str]) -> TapBranch:
        blobs = {name: head.places[name][1] for name in names if name in head.places}
        texts = {name: repository.get_git_blob(blob).content for name, blob in blobs.items()}
        return TapBranch(formulas={n: b64decode(text) for n, text in texts.items()}, url=head.commit.html_url)

    def _head(self, repository: Repository, branch: str) -> _Head | None:
        ref = _ref(repository, branch)
        if ref is None:
            return None
        commit = repository.get_git_commit(ref.object.sha)
        tree = repository.get_git_tree(commit.tree.sha, recursive=True)
        if tree.truncated:
            raise Unfinished(Problem(path=repository.full_name, what="has more files than GitHub lists at once"))
        folder, places = _places([(entry.path, entry.type, entry.sha) for entry in tree.tree])
        return _Head(ref=ref, commit=commit, tree=tree, folder=folder, places=places)

    @staticmethod
    def _committed(repository: Repository, base: _Head, texts: Mapping[str, str], message: str) -> GitCommit:
        """A commit upon a base, which nobody finds until a branch names it."""
        files = [InputGitTreeElement(base.path(name), "100644", "blob", text) for name, text in texts.items()]
        tree = repository.create_git_tree(files, base.tree)
        return repository.create_git_commit(message, tree, [base.commit])


def _ref(repository: Repository, branch: str) -> GitRef | None:
    """A branch; None when there is none, or nothing at all in the repository."""
    try:
        ref = repository.get_git_ref(f"heads/{branch}")
        ref.complete()  # only the answer tells the address at which it is changed
    except UnknownObjectException:
        return None
    except GithubException as error:
        if error.status != httpx.codes.CONFLICT:
            raise
        return None
    return ref


def _places(entries: Sequence[tuple[str, str, str]]) -> tuple[str, Mapping[str, tuple[str, str]]]:
    """Homebrew's folder for formulas, and where they lie: of two with one name it takes the longer path."""
    folder = next((name for name in _FOLDERS if (name, "tree") in {entry[:2] for entry in entries}), "")
    files = [(PurePosixPath(path), sha) for path, kind, sha in entries if kind == "blob" and path.endswith(".rb")]
    mine = [(path, sha) for path, sha in files if (path.parts[0] == folder if folder else len(path.parts) == 1)]
    mine.sort(key=lambda entry: len(str(entry[0])))
    return folder or ("." if mine else _FOLDERS[0]), {path.stem: (str(path), sha) for path, sha in mine}


async def _texts(change: TapChange) -> Mapping[str, str]:
    return {name: await anyio.Path(path).read_text("utf-8") for name, path in sorted(change.formulas.items())}


@contextmanager
def _or_moved(what: str) -> Iterator[None]:
    """Raises Moved for an answer that says that somebody else was there."""
    try:
        yield
    except GithubException as error:
        said = str(error.data)
        if error.status == httpx.codes.UNPROCESSABLE_ENTITY and any(words in said.lower() for words in _MOVED):
            raise Moved(Problem(path=what, what="has been changed by somebody else", why=said)) from None
        raise
