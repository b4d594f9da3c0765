"""Tags at the remote of this work tree, by the user's own git: its credentials, its signing key."""

import base64
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from shipways.errors import Moved, Problem, ShipwaysError, Transient, Unfinished
from shipways.model.secret import Secret
from shipways.ports import Completed, Process, Shell

_PASSING: Final = re.compile(
    r"could not resolve host|(failed to|could.?n.t) connect|connection (refused|reset|timed out|closed)"
    r"|operation timed out|network is unreachable|no route to host|early eof|rpc failed|transfer closed"
    r"|error: (429|5\d\d)",
    re.IGNORECASE,
)
"""Words of git, curl and ssh for what may go well the next time."""
_FINAL: Final = re.compile(r"returned error: 4(?!29)\d\d")
"""How curl tells a status that says no, whatever else git says of it."""
_THERE: Final = re.compile(r"^!\t.*(\[rejected\]|already exists|cannot lock ref|failed to update ref)", re.MULTILINE)
"""How `git push --porcelain` (git-push, "OUTPUT") says that somebody else was faster."""
_LOGIN: Final = re.compile(r"(?<=://)[^\s/@]*@")
_WRITE: Final = (
    "git needs the right to push tags there (GH_TOKEN or GITHUB_TOKEN with contents: write, or a login of git's own)"
)
_NEXT: Final = "`shipways version set next`, commit, and release that"


class GitTags:
    """The `Tags` port. The remote is the one whose URL ends with `repository` (OWNER/NAME), else `origin`.

    A `token` goes to the forge that has this `site` alone, and only where git's own settings have no login for it.
    """

    def __init__(self, repository: str, process: Process, shell: Shell, *, site: str, token: Secret) -> None:
        self._repository = repository
        self._site = site
        self._token = token
        self._process = process
        self._shell = shell
        self._own: frozenset[str] | None = None

    async def commits(self) -> Mapping[str, str]:
        """Each tag with the commit that it names."""
        name, login = await self._remote()
        answer = await self._git("ls-remote", "--tags", name, login=login)
        if answer.code:
            raise _failed("the tags of the remote", answer, "check `git remote --verbose` and your login there")
        lines = (line.split("\t") for line in answer.stdout.splitlines())
        # An annotated tag has two lines: the second, with ^{}, is the commit.
        return {ref.removeprefix("refs/tags/").removesuffix("^{}"): commit for commit, ref in lines}

    async def check(self, tag: str, commit: str) -> Sequence[Problem]:
        """A tag that names another commit, here or there; nobody to sign it; no right to push."""
        there = (await self.commits()).get(tag, "")
        if there == commit:
            return ()
        if there:
            why = "a tag never moves"
            return (Problem(path=tag, what=f"is a tag of commit {there[:12]} already", why=why, hint=_NEXT),)
        problems = list(_elsewhere(tag, commit, await self._local(tag)))
        if (await self._git("var", "GIT_COMMITTER_IDENT")).code:
            problems.append(_nobody(tag))
        pushed = await self._push("--dry-run", f"{commit}:refs/tags/{tag}")
        return (*problems, *(_failed(tag, pushed, _WRITE).problems if pushed.code else ()))

    async def create(self, tag: str, commit: str) -> None:
        """Push the tag, made here first where it is not: then a signing key of the user's settings is used."""
        local = await self._local(tag)
        for problem in _elsewhere(tag, commit, local):
            raise Unfinished(problem)
        if not local:
            made = await self._git("tag", "--annotate", "--message", tag, tag, commit)
            if made.code:
                raise _failed(tag, made, _nobody(tag).hint)
        pushed = await self._push(f"refs/tags/{tag}:refs/tags/{tag}")
        if pushed.code:
            error = _rejected(tag, pushed)
            if not local and not isinstance(error, Transient):  # nothing remains of what was refused
                await self._git("tag", "--delete", tag)
            raise error

    async def _local(self, tag: str) -> str:
        """The commit that the tag names here; empty without one."""
        answer = await self._git("rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}")
        return answer.stdout.strip()

    async def _push(self, *words: str) -> Completed:
        *options, what = words
        name, login = await self._remote()
        return await self._git("push", "--porcelain", "--no-follow-tags", *options, name, what, login=login)

    async def _remote(self) -> tuple[str, Mapping[str, str]]:
        """The name of the remote, and the environment that lets git in there. Raises Unfinished without one."""
        lines = (line.split() for line in (await self._git("remote", "--verbose")).stdout.splitlines())
        urls = {words[0]: words[1].rstrip("/").removesuffix(".git") for words in lines if words[-1] == "(push)"}
        ends = (f"/{self._repository}", f":{self._repository}")
        named = [name for name, url in urls.items() if self._repository and url.endswith(ends)]
        found = (*named, *(name for name in urls if name == "origin"))
        if not found:
            what, why = "has nowhere to go", "no remote of this repository is project.repository, or called origin"
            raise Unfinished(Problem(path="tag", what=what, why=why, hint="`git remote add origin URL`"))
        return found[0], await self._login(urls[found[0]])

    async def _login(self, url: str) -> Mapping[str, str]:
        """Settings in the environment, where no other user sees them (git-config, "GIT_CONFIG_COUNT")."""
        if not self._token or not url.startswith(f"{self._site}/"):
            return {}
        if not (await self._git("config", "--get-urlmatch", "http.extraheader", url)).code:
            return {}
        basic = base64.b64encode(f"x-access-token:{self._token.open()}".encode()).decode()
        header = {"KEY": f"http.{self._site}/.extraheader", "VALUE": f"AUTHORIZATION: basic {basic}"}
        return {"GIT_CONFIG_COUNT": "1", **{f"GIT_CONFIG_{name}_0": value for name, value in header.items()}}

    async def _git(self, *words: str, login: Mapping[str, str] = MappingProxyType({})) -> Completed:
        """Git in the user's own environment, but for variables that would mean another repository."""
        env, here = dict(self._shell.env()), self._shell.cwd()
        if self._own is None:
            listed = await self._process.run(("git", "rev-parse", "--local-env-vars"), cwd=here, env=env)
            self._own = frozenset(listed.stdout.split())
        mine = {name: value for name, value in env.items() if name not in self._own} | {"LC_ALL": "C"} | dict(login)
        return await self._process.run(("git", *words), cwd=here, env=mine)


def _elsewhere(tag: str, commit: str, local: str) -> Sequence[Problem]:
    if local in ("", commit):
        return ()
    what, why = f"names commit {local[:12]} in this clone", "and no commit at the remote"
    hint = f"`git tag --delete {tag}` if nobody needs it, else push it and release the next version"
    return (Problem(path=tag, what=what, why=why, hint=hint),)


def _nobody(tag: str) -> Problem:
    hint = "`git config user.name NAME` and `git config user.email ADDRESS`"
    return Problem(path=tag, what="has nobody who makes it", why="git does not know who you are", hint=hint)


def _rejected(tag: str, answer: Completed) -> ShipwaysError:
    if _THERE.search(answer.stdout):
        return Moved(Problem(path=tag, what="is there by now"))
    return _failed(tag, answer, _WRITE)


def _failed(what: str, answer: Completed, hint: str) -> ShipwaysError:
    """The error of a git command that failed, in its own words."""
    said = _LOGIN.sub("", " ".join((answer.stderr + answer.stdout).split()))
    if _PASSING.search(said) and not _FINAL.search(said):
        return Transient(Problem(path=what, what="git does not reach the remote", why=said))
    return Unfinished(Problem(path=what, what="is refused by git, or the remote", why=said, hint=hint))
