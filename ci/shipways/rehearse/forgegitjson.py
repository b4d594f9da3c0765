"""What GitHub's REST API says of git's objects and of pull requests, field by field (its OpenAPI description)."""

import base64
from dataclasses import dataclass
from typing import Any

from shipways.rehearse.forgejson import Views, node, time_text
from shipways.rehearse.forgeobjects import FOLDER, Commit


@dataclass(slots=True, kw_only=True)
class Pull:
    """A pull request. `head` is OWNER:BRANCH, `state` open or closed."""

    number: int
    title: str
    body: str | None
    base: str
    head: str
    created: float
    state: str = "open"
    merged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shield:
    """The protection of a branch: the status checks that a commit needs, and for whom; others tell nobody anything."""

    checks: tuple[str, ...] = ()
    enforcement: str = "everyone"

    def refusal(self, *, admin: bool) -> str:
        """What is said of a commit that has no status; empty when it may come."""
        if not self.checks or self.enforcement == "off" or (admin and self.enforcement == "non_admins"):
            return ""
        return f'Required status check "{self.checks[0]}" is expected.'


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a pull request: its repository, the branch, and the commit."""

    views: Views
    branch: str
    sha: str
    main: str

    def said(self) -> dict[str, Any]:
        """`head`, or `base`."""
        owner = self.views.repository.partition("/")[0]
        return {
            "label": f"{owner}:{self.branch}",
            "ref": self.branch,
            "sha": self.sha,
            "user": self.views.user(),
            "repo": repository(self.views, self.main),
        }


def repository(views: Views, main: str) -> dict[str, Any]:
    """`repository`, as it stands in other answers."""
    said = views.repo(push=False, default_branch=main) | {"has_downloads": True}
    return {name: value for name, value in said.items() if name not in {"network_count", "subscribers_count"}}


def blob(views: Views, sha: str, data: bytes) -> dict[str, Any]:
    """`blob`."""
    content = base64.encodebytes(data).decode()
    url = views.git("blobs", sha)
    return {
        "sha": sha,
        "node_id": node("Blob", 1),
        "size": len(data),
        "url": url,
        "content": content,
        "encoding": "base64",
    }


def tree(views: Views, sha: str, entries: list[tuple[str, str, str]]) -> dict[str, Any]:
    """`git-tree` with entries of path, mode and object."""
    said = []
    for path, mode, name in entries:
        kind = "tree" if mode == FOLDER else "blob"
        said.append({"path": path, "mode": mode, "type": kind, "sha": name, "url": views.git(f"{kind}s", name)})
    return {"sha": sha, "url": views.git("trees", sha), "tree": said, "truncated": False}


def commit(views: Views, sha: str, made: Commit) -> dict[str, Any]:
    """`git-commit`."""
    who = {"name": "owner", "email": "owner@localhost", "date": time_text(made.when)}
    unsigned = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
    return {
        "sha": sha,
        "node_id": node("Commit", 1),
        "url": views.git("commits", sha),
        "html_url": views.page("commit", sha),
        "author": who,
        "committer": who,
        "tree": {"sha": made.tree, "url": views.git("trees", made.tree)},
        "message": made.message,
        "parents": [
            {"sha": name, "url": views.git("commits", name), "html_url": views.page("commit", name)}
            for name in made.parents
        ],
        "verification": unsigned,
    }


def branch(views: Views, name: str, tip: tuple[str, Commit], shield: Shield | None) -> dict[str, Any]:
    """`branch-with-protection`."""
    sha, made = tip
    url, page = f"{views.url}/branches/{name}", views.page("tree", name)
    there = commit(views, sha, made)
    inner = {key: there[key] for key in ("author", "committer", "message", "tree", "url", "verification")}
    checks = {
        "url": f"{url}/protection/required_status_checks",
        "enforcement_level": shield.enforcement if shield and shield.checks else "off",
        "contexts": list(shield.checks) if shield else [],
        "checks": [{"context": check, "app_id": None} for check in shield.checks] if shield else [],
    }
    return {
        "name": name,
        "commit": {key: there[key] for key in ("sha", "node_id", "html_url", "parents")}
        | {
            "url": f"{views.url}/commits/{sha}",
            "comments_url": f"{views.url}/commits/{sha}/comments",
            "commit": inner | {"comment_count": 0},
            "author": views.user(),
            "committer": views.user(),
        },
        "_links": {"self": url, "html": page},
        "protected": shield is not None,
        "protection": {"enabled": shield is not None, "required_status_checks": checks},
        "protection_url": f"{url}/protection",
    }


def pull(views: Views, pull: Pull, base: Side, head: Side, *, whole: bool) -> dict[str, Any]:
    """`pull-request`, or without `whole` the `pull-request-simple` of lists."""
    url, html = f"{views.url}/pulls/{pull.number}", views.page("pull", str(pull.number))
    issue, when = f"{views.url}/issues/{pull.number}", time_text(pull.created)
    links = {
        "self": url,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{views.url}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{views.url}/statuses/{head.sha}",
    }
    closed = None if pull.state == "open" else when
    said = {
        "url": url,
        "id": pull.number,
        "node_id": node("PullRequest", pull.number),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": views.user(),
        "body": pull.body,
        "created_at": when,
        "updated_at": when,
        "closed_at": closed,
        "merged_at": closed if pull.merged else None,
        "head": head.said(),
        "base": base.said(),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": "OWNER",
        "labels": [],
    }
    said |= {f"{name}_url": links[name] for name in links if name not in {"self", "html"}}
    said |= dict.fromkeys(("milestone", "assignee", "auto_merge", "merge_commit_sha"))
    return said | _counts(pull) if whole else said


def _counts(pull: Pull) -> dict[str, Any]:
    numbers = ("comments", "review_comments", "additions", "deletions")
    return dict.fromkeys(numbers, 0) | {
        "commits": 1,
        "changed_files": 1,
        "merged": pull.merged,
        "merged_by": None,
        "mergeable": None,
        "mergeable_state": "unknown",
        "maintainer_can_modify": False,
    }
