"""What GitHub's REST API says of a repository and its releases, field by field (its OpenAPI description)."""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

OWNER_ID: Final = 1
REPOSITORY_ID: Final = 1
_DOCS: Final = "https://docs.github.com/rest"
_OF_USER: Final = [
    "followers",
    "following",
    "gists",
    "starred",
    "subscriptions",
    "organizations",
    "repos",
    "events",
    "received_events",
]
_OF_REPOSITORY: Final = [
    "archive",
    "assignees",
    "blobs",
    "branches",
    "collaborators",
    "comments",
    "commits",
    "compare",
    "contents",
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "git_commits",
    "git_refs",
    "git_tags",
    "issue_comment",
    "issue_events",
    "issues",
    "keys",
    "labels",
    "languages",
    "merges",
    "milestones",
    "notifications",
    "pulls",
    "releases",
    "stargazers",
    "statuses",
    "subscribers",
    "subscription",
    "tags",
    "teams",
    "trees",
    "hooks",
]
_EMPTY: Final = [
    "forks_count",
    "stargazers_count",
    "watchers_count",
    "size",
    "open_issues_count",
    "subscribers_count",
    "network_count",
    "forks",
    "open_issues",
    "watchers",
]


@dataclass(slots=True, kw_only=True)
class Asset:
    """A file of a release. `state` is `starter` for one whose upload never ended."""

    id: int
    name: str
    data: bytes
    content_type: str = "application/octet-stream"
    label: str | None = None
    state: str = "uploaded"
    digest: str | None = None
    created: float = 0.0


@dataclass(slots=True, kw_only=True)
class Release:
    """A release; `published` is its time in seconds since 1970, None for a draft."""

    id: int
    tag: str
    name: str | None
    body: str | None
    commit: str
    draft: bool
    prerelease: bool
    created: float
    published: float | None = None
    immutable: bool = False
    assets: dict[int, Asset] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """The JSON of things below `api`, `uploads` and `site`, which are base URLs, for one repository."""

    api: str
    uploads: str
    site: str
    repository: str

    def release(self, release: Release) -> dict[str, Any]:
        """`release`."""
        url = f"{self.api}/repos/{self.repository}/releases/{release.id}"
        ball = None if release.draft else f"{self.api}/repos/{self.repository}/{{}}/{release.tag}"
        return {
            "url": url,
            "assets_url": f"{url}/assets",
            "upload_url": f"{self.uploads}/repos/{self.repository}/releases/{release.id}/assets{{?name,label}}",
            "html_url": f"{self.site}/{self.repository}/releases/tag/{self._place(release)}",
            "id": release.id,
            "author": self.user(),
            "node_id": node("Release", release.id),
            "tag_name": release.tag,
            "target_commitish": release.commit,
            "name": release.name,
            "draft": release.draft,
            "immutable": release.immutable,
            "prerelease": release.prerelease,
            "created_at": time_text(release.created),
            "updated_at": time_text(release.created),
            "published_at": None if release.published is None else time_text(release.published),
            "assets": [self.asset(release, asset) for asset in release.assets.values()],
            "tarball_url": ball and ball.format("tarball"),
            "zipball_url": ball and ball.format("zipball"),
            "body": release.body,
        }

    def asset(self, release: Release, asset: Asset) -> dict[str, Any]:
        """`release-asset`."""
        return {
            "url": f"{self.api}/repos/{self.repository}/releases/assets/{asset.id}",
            "id": asset.id,
            "node_id": node("ReleaseAsset", asset.id),
            "name": asset.name,
            "label": asset.label,
            "uploader": self.user(),
            "content_type": asset.content_type,
            "state": asset.state,
            "size": len(asset.data),
            "digest": asset.digest,
            "download_count": 0,
            "created_at": time_text(asset.created),
            "updated_at": time_text(asset.created),
            "browser_download_url": f"{self.site}/{self.repository}/releases/download/"
            f"{self._place(release)}/{asset.name}",
        }

    def user(self) -> dict[str, Any]:
        """`simple-user`: the owner."""
        login = self.repository.partition("/")[0]
        url = f"{self.api}/users/{login}"
        return {
            "login": login,
            "id": OWNER_ID,
            "node_id": node("User", OWNER_ID),
            "avatar_url": f"{self.site}/avatars/{login}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.site}/{login}",
            "type": "User",
            "site_admin": False,
        } | {f"{name}_url": f"{url}/{name}" for name in _OF_USER}

    def repo(self, *, push: bool, default_branch: str) -> dict[str, Any]:
        """`full-repository`, as one who may push (or not) sees it."""
        url, html = f"{self.api}/repos/{self.repository}", f"{self.site}/{self.repository}"
        flags = {"private", "fork", "has_projects", "has_wiki", "has_pages", "has_discussions", "archived", "disabled"}
        texts = {"description", "homepage", "language", "license", "mirror_url"}
        return (
            {
                "id": REPOSITORY_ID,
                "node_id": node("Repository", REPOSITORY_ID),
                "name": self.repository.partition("/")[2],
                "full_name": self.repository,
                "owner": self.user(),
                "html_url": html,
                "url": url,
                "git_url": f"{html}.git",
                "ssh_url": f"{html}.git",
                "clone_url": f"{html}.git",
                "svn_url": html,
                "default_branch": default_branch,
                "has_issues": True,
                "permissions": {"admin": False, "maintain": False, "push": push, "triage": push, "pull": True},
            }
            | {f"{name}_url": f"{url}/{name}" for name in _OF_REPOSITORY}
            | {f"{name}_at": time_text(0) for name in ("pushed", "created", "updated")}
            | dict.fromkeys(flags, False)
            | dict.fromkeys(texts)
            | dict.fromkeys(_EMPTY, 0)
        )

    def ref(self, name: str, kind: str, sha: str) -> dict[str, Any]:
        """`git-ref` of what names an object of this kind, `commit` or `tag`."""
        target = {"type": kind, "sha": sha, "url": self.git(f"{kind}s", sha)}
        return {"ref": f"refs/{name}", "node_id": node("Ref", 1), "url": self.git("refs", name), "object": target}

    def tag(self, sha: str, commit: str) -> dict[str, Any]:
        """`git-tag`: an annotated one."""
        return {
            "node_id": node("Tag", 1),
            "tag": sha[:7],
            "sha": sha,
            "url": self.git("tags", sha),
            "message": "",
            "tagger": {"date": time_text(0), "email": "owner@localhost", "name": "owner"},
            "object": {"type": "commit", "sha": commit, "url": self.git("commits", commit)},
        }

    @property
    def url(self) -> str:
        """The repository's own address in the API."""
        return f"{self.api}/repos/{self.repository}"

    def git(self, kind: str, name: str) -> str:
        """The address of an object of git, or of what names one."""
        return f"{self.url}/git/{kind}/{name}"

    def page(self, kind: str, name: str) -> str:
        """The page of a commit or pull request, for people."""
        return f"{self.site}/{self.repository}/{kind}/{name}"

    @staticmethod
    def _place(release: Release) -> str:
        """A draft has no page under its tag."""
        return f"untagged-{hashlib.sha1(str(release.id).encode()).hexdigest()[:20]}" if release.draft else release.tag  # noqa: S324 - a name


def problem(status: int, message: str, *errors: dict[str, str]) -> dict[str, Any]:
    """`basic-error`, or `validation-error` when there are some."""
    said: dict[str, Any] = {"message": message, "documentation_url": _DOCS, "status": str(status)}
    return said | {"errors": list(errors)} if errors else said


def limits(limit: int, remaining: int, reset: float) -> dict[str, Any]:
    """`rate-limit-overview`."""
    core = {"limit": limit, "used": limit - remaining, "remaining": remaining, "reset": int(reset)}
    search = {"limit": 30, "used": 0, "remaining": 30, "reset": int(reset)}
    return {"resources": {"core": core, "search": search}, "rate": core}


def node(kind: str, number: int) -> str:
    """An id of GraphQL, which nobody here looks into."""
    return base64.b64encode(f"{kind}{number}".encode()).decode()


def time_text(seconds: float) -> str:
    """A time in seconds since 1970, as the API writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
