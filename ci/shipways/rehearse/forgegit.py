"""A stand-in for a repository at GitHub of which the branches matter: a Homebrew tap, and its forks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from shipways.rehearse import forgegitjson as said
from shipways.rehearse.forgedesk import API, Desk, Invalid, Missing
from shipways.rehearse.forgegitjson import Pull, Side
from shipways.rehearse.forgeobjects import Commit, Objects

_FILE: Final = "100644"
_V = TypeVar("_V")


@dataclass(slots=True)
class GitForge:
    """The repository of a desk; `refs` are names such as `heads/main` with their commits.

    `rules` are the kinds of rules that close the main branch to commits, for those whom `bypass` does not let pass;
    `shield` is what GitHub calls its protection, the older kind; `admin`: whether who may write is one.
    """

    desk: Desk
    branch: str = "main"
    rules: tuple[str, ...] = ()
    bypass: str = "never"
    shield: said.Shield | None = None
    admin: bool = False
    upstream: "GitForge | None" = None
    objects: Objects = field(default_factory=Objects)
    refs: dict[str, str] = field(default_factory=dict)
    pulls: list[Pull] = field(default_factory=list)
    forks: "list[GitForge]" = field(default_factory=list)

    def app(self) -> Starlette:
        """The part of the server that is about this repository."""
        one = "/repos/{owner}/{repo}"
        git, pulls, post = f"{one}/git", f"{one}/pulls", ["POST"]
        routes = [
            Route(one, self._repo),
            Route(f"{git}/ref/{{name:path}}", self._get_ref),
            Route(f"{git}/refs", self._create_ref, methods=post),
            Route(f"{git}/refs/{{name:path}}", self._edit_ref, methods=["PATCH"]),
            Route(f"{git}/blobs/{{sha}}", self._blob),
            Route(f"{git}/trees/{{sha}}", self._tree),
            Route(f"{git}/trees", self._create_tree, methods=post),
            Route(f"{git}/commits/{{sha}}", self._commit),
            Route(f"{git}/commits", self._create_commit, methods=post),
            Route(f"{one}/branches/{{branch:path}}", self._branch),
            Route(f"{one}/rules/branches/{{branch:path}}", self._rules),
            Route(f"{one}/rulesets/{{ruleset:int}}", self._ruleset),
            Route(pulls, self._list_pulls),
            Route(pulls, self._open, methods=post),
            Route(f"{pulls}/{{number:int}}", self._pull),
            Route(f"{one}/merge-upstream", self._sync, methods=post),
        ]
        return Starlette(routes=[Mount(API, routes=routes)], exception_handlers={HTTPException: self.desk.refuse})

    def put(self, message: str, branch: str = "", **files: str) -> str:
        """Commit files upon a branch, as a person does; `__` in a name is a slash, `_dot_` a dot."""
        named = {name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()}
        ref = f"heads/{branch or self.branch}"
        before = self.refs.get(ref)
        there = self.objects.files(self.objects.commits[before].tree) if before else {}
        there |= {path: (_FILE, self.objects.blob(text.encode())) for path, text in named.items()}
        parents = (before,) if before else ()
        commit = Commit(self.objects.tree(there), parents, message, int(time.time()))
        self.refs[ref] = self.objects.commit(commit)
        return self.refs[ref]

    def files(self, branch: str = "") -> dict[str, bytes]:
        """What is on a branch."""
        tree = self.objects.commits[self.refs[f"heads/{branch or self.branch}"]].tree
        return {path: self.objects.blobs[sha] for path, (_, sha) in self.objects.files(tree).items()}

    def log(self, branch: str = "") -> list[str]:
        """The messages of a branch, the newest first."""
        line = self.objects.line(self.refs[f"heads/{branch or self.branch}"])
        return [self.objects.commits[sha].message for sha in line]

    def fork(self, desk: Desk) -> "GitForge":
        """A fork, as it is now."""
        made = GitForge(desk, self.branch, upstream=self, refs=dict(self.refs))
        made.objects.learn(self.objects)
        self.forks.append(made)
        return made

    # -- the repository

    async def _repo(self, request: Request) -> Response:
        self.desk.enter(request)
        push = self.desk.pushes(request)
        views = self.desk.views(request)
        repo = views.repo(push=push, default_branch=self.branch)
        repo["permissions"]["admin"] = push and self.admin
        if self.upstream:
            above = said.repository(self.upstream.desk.views(request), self.upstream.branch)
            repo |= {"fork": True, "parent": above, "source": above}
        return self.desk.answer(repo)

    async def _branch(self, request: Request) -> Response:
        self.desk.enter(request)
        name = request.path_params["branch"]
        sha = _found(self.refs, f"heads/{name}")
        shield = self.shield if name == self.branch else None
        return self.desk.answer(said.branch(self.desk.views(request), name, (sha, self.objects.commits[sha]), shield))

    async def _rules(self, request: Request) -> Response:
        self.desk.enter(request)
        about = {"ruleset_source_type": "Repository", "ruleset_source": self.desk.name, "ruleset_id": 1}
        closed = self.rules if request.path_params["branch"] == self.branch else ()
        return self.desk.answer([{"type": kind} | about for kind in closed])

    async def _ruleset(self, request: Request) -> Response:
        self.desk.enter(request)
        about = {"id": 1, "name": "closed", "source_type": "Repository", "source": self.desk.name}
        return self.desk.answer(about | {"enforcement": "active", "current_user_can_bypass": self.bypass})

    # -- names

    async def _get_ref(self, request: Request) -> Response:
        self._enter(request)
        name = request.path_params["name"]
        if name not in self.refs:
            raise Missing
        return self._said_ref(request, name)

    async def _create_ref(self, request: Request) -> Response:
        self._enter(request, write=True)
        asked = await request.json()
        name = asked["ref"].removeprefix("refs/")
        if name in self.refs:
            raise HTTPException(422, "Reference already exists")
        self._move(name, asked["sha"])
        return self._said_ref(request, name, 201)

    async def _edit_ref(self, request: Request) -> Response:
        self._enter(request, write=True)
        asked, name = await request.json(), request.path_params["name"]
        if name not in self.refs:
            raise HTTPException(422, "Reference does not exist")
        self._move(name, asked["sha"], force=asked.get("force", False))
        return self._said_ref(request, name)

    def _move(self, name: str, sha: str, *, force: bool = True) -> None:
        if sha not in self.objects.commits:
            raise HTTPException(422, "Object does not exist")
        if not force and self.refs[name] not in self.objects.line(sha):
            raise HTTPException(422, "Update is not a fast forward")
        if name == f"heads/{self.branch}" and self.rules and self.bypass != "always":
            raise HTTPException(
                422, "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"
            )
        if name == f"heads/{self.branch}" and self.shield and (refusal := self.shield.refusal(admin=self.admin)):
            raise HTTPException(422, refusal)
        self.refs[name] = sha

    def _said_ref(self, request: Request, name: str, status: int = 200) -> Response:
        return self.desk.answer(self.desk.views(request).ref(name, "commit", self.refs[name]), status)

    # -- objects

    async def _blob(self, request: Request) -> Response:
        self._enter(request)
        sha = request.path_params["sha"]
        return self.desk.answer(said.blob(self.desk.views(request), sha, _found(self.objects.blobs, sha)))

    async def _tree(self, request: Request) -> Response:
        self._enter(request)
        sha = request.path_params["sha"]
        _found(self.objects.trees, sha)
        whole = "recursive" in request.query_params
        entries = [entry for entry in self.objects.walk(sha) if whole or "/" not in entry[0]]
        return self.desk.answer(said.tree(self.desk.views(request), sha, entries))

    async def _create_tree(self, request: Request) -> Response:
        self._enter(request, write=True)
        asked = await request.json()
        base = asked.get("base_tree")
        if base is not None and base not in self.objects.trees:
            raise HTTPException(422, "base_tree is not a valid tree oid")
        files = self.objects.files(base) if base else {}
        for entry in asked["tree"]:
            sha = self.objects.blob(entry["content"].encode()) if "content" in entry else entry["sha"]
            files[entry["path"]] = (entry["mode"], sha)
        tree = self.objects.tree(files)
        entries = [entry for entry in self.objects.walk(tree) if "/" not in entry[0]]
        return self.desk.answer(said.tree(self.desk.views(request), tree, entries), 201)

    async def _commit(self, request: Request) -> Response:
        self._enter(request)
        sha = request.path_params["sha"]
        return self.desk.answer(said.commit(self.desk.views(request), sha, _found(self.objects.commits, sha)))

    async def _create_commit(self, request: Request) -> Response:
        self._enter(request, write=True)
        asked = await request.json()
        if asked["tree"] not in self.objects.trees:
            raise HTTPException(422, "Tree SHA does not exist")
        if set(asked["parents"]) - self.objects.commits.keys():
            raise HTTPException(422, "Parent SHA does not exist or is not a commit object")
        made = Commit(asked["tree"], tuple(asked["parents"]), asked["message"], int(time.time()))
        return self.desk.answer(said.commit(self.desk.views(request), self.objects.commit(made), made), 201)

    # -- pull requests

    async def _list_pulls(self, request: Request) -> Response:
        self.desk.enter(request)
        wanted = {name: request.query_params.get(name, "") for name in ("head", "base")}
        state = request.query_params.get("state", "open")
        found = [
            pull
            for pull in reversed(self.pulls)
            if state in ("all", pull.state) and wanted["head"] in ("", pull.head) and wanted["base"] in ("", pull.base)
        ]
        return self.desk.page(request, [self._said_pull(request, pull, whole=False) for pull in found])

    async def _pull(self, request: Request) -> Response:
        self.desk.enter(request)
        found = [pull for pull in self.pulls if pull.number == request.path_params["number"]]
        if not found:
            raise Missing
        return self.desk.answer(self._said_pull(request, found[0], whole=True))

    async def _open(self, request: Request) -> Response:
        if not self.desk.enter(request):
            raise HTTPException(401, "Requires authentication")
        asked = await request.json()
        base, head = asked["base"], asked["head"]
        head = head if ":" in head else f"{self.desk.name.partition('/')[0]}:{head}"
        side = self._side(head)
        if side is None or side.desk.right(request) != "write":
            raise Invalid(resource="PullRequest", field="head", code="invalid")
        if any((pull.state, pull.head, pull.base) == ("open", head, base) for pull in self.pulls):
            raise Invalid(resource="PullRequest", code="custom", message=f"A pull request already exists for {head}.")
        tip = side.refs[f"heads/{head.partition(':')[2]}"]
        if tip in self.objects.line(self.refs[f"heads/{base}"]):
            raise Invalid(resource="PullRequest", code="custom", message=f"No commits between {base} and {head}")
        self.objects.learn(side.objects)
        number = len(self.pulls) + 1
        pull = Pull(
            number=number, title=asked["title"], body=asked.get("body"), base=base, head=head, created=time.time()
        )
        self.pulls.append(pull)
        return self.desk.answer(self._said_pull(request, pull, whole=True), 201)

    def _side(self, head: str) -> "GitForge | None":
        owner, _, branch = head.partition(":")
        mine = [r for r in (self, *self.forks) if r.desk.name.partition("/")[0].lower() == owner.lower()]
        return next((repository for repository in mine if f"heads/{branch}" in repository.refs), None)

    def _said_pull(self, request: Request, pull: Pull, *, whole: bool) -> dict[str, Any]:
        views, branch = self.desk.views(request), pull.head.partition(":")[2]
        side = self._side(pull.head) or self
        head = Side(side.desk.views(request), branch, side.refs.get(f"heads/{branch}", "0" * 40), side.branch)
        base = Side(views, pull.base, self.refs[f"heads/{pull.base}"], self.branch)
        return said.pull(views, pull, base, head, whole=whole)

    async def _sync(self, request: Request) -> Response:
        """Only a fork that has no commits of its own can be brought to where its upstream is."""
        self.desk.enter(request, write=True)
        branch = (await request.json())["branch"]
        if self.upstream is None or f"heads/{branch}" not in self.upstream.refs:
            raise HTTPException(422, "The repository is not a fork, or the branch is not there.")
        before, after = self.refs.get(f"heads/{branch}", ""), self.upstream.refs[f"heads/{branch}"]
        self.objects.learn(self.upstream.objects)
        if before and before not in self.objects.line(after):
            raise HTTPException(409, "There are merge conflicts")
        self.refs[f"heads/{branch}"] = after
        owner = self.upstream.desk.name.partition("/")[0]
        kind = "none" if before == after else "fast-forward"
        text = f"Successfully fetched and fast-forwarded from upstream {owner}:{branch}."
        return self.desk.answer({"message": text, "merge_type": kind, "base_branch": f"{owner}:{branch}"})

    def _enter(self, request: Request, *, write: bool = False) -> None:
        """For git's objects and names, of which a new repository has none."""
        self.desk.enter(request, write=write)
        if not self.refs:
            raise HTTPException(409, "Git Repository is empty.")


def _found(there: Mapping[str, _V], sha: str) -> _V:
    if sha not in there:
        raise Missing
    return there[sha]
