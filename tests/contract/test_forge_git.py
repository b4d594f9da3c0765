"""The stand-in for a tap answers as GitHub's own description of its API says; PyGithub and git agree with it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from github import Auth, Github, InputGitTreeElement

from forging import READER, TOKEN
from openapi import Asker, Description
from shipways.rehearse.forgedesk import API
from shipways.rehearse.forgegitjson import Shield
from shipways.rehearse.forgeobjects import Commit, Objects
from tapping import FORK, HELPER, TAP, Tapped, tapped

pytestmark = pytest.mark.integration

REPO = "/repos/{owner}/{repo}"
REF = f"{REPO}/git/ref/{{ref}}"
REFS = f"{REPO}/git/refs"
TREES = f"{REPO}/git/trees"
TREE = f"{TREES}/{{tree_sha}}"
COMMITS = f"{REPO}/git/commits"
PULLS = f"{REPO}/pulls"
FILE = {"path": "Formula/a.rb", "mode": "100644", "type": "blob", "content": "class A\n"}
SYNC = f"{REPO}/merge-upstream"


@pytest.fixture
def hub() -> Iterator[Tapped]:
    """The stand-in."""
    with tapped() as made:
        yield made


@pytest.fixture
def ask(hub: Tapped, described: Description) -> Asker:
    """Asks as the owner of the tap."""
    return Asker(f"{hub.url}{API}", TAP, TOKEN, described)


def committed(ask: Asker, message: str = "a") -> str:
    """A commit upon the main branch, that no branch names."""
    top = ask("GET", REF, 200, ref="heads/main").json()["object"]["sha"]
    base = ask("GET", f"{COMMITS}/{{commit_sha}}", 200, commit_sha=top).json()["tree"]["sha"]
    tree = ask("POST", TREES, 201, json={"base_tree": base, "tree": [FILE]}).json()["sha"]
    made = ask("POST", COMMITS, 201, json={"message": message, "tree": tree, "parents": [top]}).json()
    return str(made["sha"])


def test_commit(ask: Asker, hub: Tapped) -> None:
    """From a tree to a branch that goes on to its commit; a second one beside it is no fast forward."""
    sha, beside = committed(ask), committed(ask, "b")
    assert {"README.md"} == set(hub.tap.files())
    ask("PATCH", f"{REFS}/{{ref}}", 200, ref="heads/main", json={"sha": sha})
    refused = ask("PATCH", f"{REFS}/{{ref}}", 422, ref="heads/main", json={"sha": beside, "force": False}).json()
    assert ("Update is not a fast forward", sha) == (refused["message"], hub.tap.refs["heads/main"])
    tree = hub.tap.objects.commits[sha].tree
    entries = ask("GET", TREE, 200, tree_sha=tree, query={"recursive": 1}).json()["tree"]
    assert ["Formula", "Formula/a.rb", "README.md"] == [entry["path"] for entry in entries]
    assert ["tree", "blob"] == [entry["type"] for entry in ask("GET", TREE, 200, tree_sha=tree).json()["tree"]]
    said = ask("GET", f"{REPO}/git/blobs/{{file_sha}}", 200, file_sha=entries[1]["sha"]).json()
    assert ("base64", 8) == (said["encoding"], said["size"])
    ask("PATCH", f"{REFS}/{{ref}}", 200, ref="heads/main", json={"sha": beside, "force": True})


def test_branch(ask: Asker, hub: Tapped) -> None:
    """A branch is made once; what is not there cannot be named, nor changed."""
    asked = {"ref": "refs/heads/new", "sha": hub.tap.refs["heads/main"]}
    ask("POST", REFS, 201, json=asked)
    assert "Reference already exists" == ask("POST", REFS, 422, json=asked).json()["message"]
    ask("POST", REFS, 422, json={"ref": "refs/heads/other", "sha": "0" * 40})
    ask("PATCH", f"{REFS}/{{ref}}", 422, ref="heads/none", json={"sha": asked["sha"]})
    ask("GET", REF, 404, ref="heads/none")
    ask("POST", COMMITS, 422, json={"message": "x", "tree": "0" * 40, "parents": []})
    hub.tap.refs.clear()
    assert "Git Repository is empty." == ask("GET", REF, 409, ref="heads/main").json()["message"]


def test_pull_request(ask: Asker, hub: Tapped) -> None:
    """One for each branch; there has to be a commit to pull."""
    asked = {"title": "A", "head": "example:new", "base": "main"}
    assert "invalid" == ask("POST", PULLS, 422, json=asked).json()["errors"][0]["code"]
    ask("POST", REFS, 201, json={"ref": "refs/heads/new", "sha": hub.tap.refs["heads/main"]})
    assert "No commits between" in ask("POST", PULLS, 422, json=asked).json()["errors"][0]["message"]
    hub.tap.refs["heads/new"] = committed(ask)
    number = ask("POST", PULLS, 201, json=asked).json()["number"]
    refused = ask("POST", PULLS, 422, json=asked).json()["errors"][0]["message"]
    assert "A pull request already exists for example:new." == refused
    assert "new" == ask("GET", f"{PULLS}/{{pull_number}}", 200, pull_number=number).json()["head"]["ref"]
    listed = ask("GET", PULLS, 200, query={"head": "example:new", "base": "main"}).json()
    assert [number] == [pull["number"] for pull in listed]
    assert [] == ask("GET", PULLS, 200, query={"head": "example:old"}).json()
    hub.tap.pulls[0].state = "closed"
    assert [] == ask("GET", PULLS, 200).json()


def test_fork(ask: Asker, hub: Tapped, described: Description) -> None:
    """It says what it is a fork of, and knows new commits of that only after it was synced."""
    fork = Asker(ask.url, hub.fork.desk.name, HELPER, described)
    assert TAP == fork("GET", REPO, 200).json()["parent"]["full_name"]
    sha = hub.tap.put("more", Formula__a_dot_rb="x")
    fork("GET", f"{COMMITS}/{{commit_sha}}", 404, commit_sha=sha)
    assert "fast-forward" == fork("POST", SYNC, 200, json={"branch": "main"}).json()["merge_type"]
    assert "none" == fork("POST", SYNC, 200, json={"branch": "main"}).json()["merge_type"]
    fork("GET", f"{COMMITS}/{{commit_sha}}", 200, commit_sha=sha)
    hub.fork.refs["heads/new"] = hub.fork.put("mine", Formula__b_dot_rb="x")
    hub.tap.put("other", Formula__b_dot_rb="y")
    assert "There are merge conflicts" == fork("POST", SYNC, 409, json={"branch": "main"}).json()["message"]
    fork("POST", SYNC, 422, json={"branch": "none"})
    asked = {"title": "A", "head": f"{FORK}:new", "base": "main"}
    said = ask("POST", PULLS, 201, token=HELPER, json=asked).json()
    assert (hub.fork.desk.name, TAP) == (said["head"]["repo"]["full_name"], said["base"]["repo"]["full_name"])


def test_installation(ask: Asker, hub: Tapped) -> None:
    """An installation is told what it reaches, and that it cannot push, whatever it can; nobody else is."""
    job = "ghs_canary"
    hub.tap.desk.tokens = hub.forge.desk.tokens = {job: "write", TOKEN: "write"}
    said = ask("GET", "/installation/repositories", 200, token=job).json()
    assert ["example/demo"] == [repository["full_name"] for repository in said["repositories"]]
    ask("GET", "/installation/repositories", 403)
    assert not ask("GET", REPO, 200, token=job).json()["permissions"]["push"]


def test_rules(ask: Asker, hub: Tapped) -> None:
    """Rules are told to those who may read, with who passes them; a commit breaks them, in GitHub's words."""
    hub.tap.rules = ("update",)
    (rule,) = ask("GET", f"{REPO}/rules/branches/{{branch}}", 200, token=READER, branch="main").json()
    said = ask("GET", f"{REPO}/rulesets/{{ruleset_id}}", 200, ruleset_id=rule["ruleset_id"]).json()
    assert ("update", "never") == (rule["type"], said["current_user_can_bypass"])
    assert [] == ask("GET", f"{REPO}/rules/branches/{{branch}}", 200, branch="other").json()
    sha = committed(ask)
    refused = ask("PATCH", f"{REFS}/{{ref}}", 422, ref="heads/main", json={"sha": sha}).json()["message"]
    assert refused.startswith("Repository rule violations found")


def test_protection(ask: Asker, hub: Tapped) -> None:
    """A branch says whether it is protected, and which status checks a commit needs, which one without is told, too."""
    place = f"{REPO}/branches/{{branch}}"
    free = ask("GET", place, 200, token=READER, branch="main").json()
    assert (False, hub.tap.refs["heads/main"]) == (free["protected"], free["commit"]["sha"])
    hub.tap.shield = Shield(checks=("ci",))
    said = ask("GET", place, 200, token=READER, branch="main").json()
    checks = said["protection"]["required_status_checks"]
    assert (True, ["ci"], "everyone") == (said["protected"], checks["contexts"], checks["enforcement_level"])
    refused = ask("PATCH", f"{REFS}/{{ref}}", 422, ref="heads/main", json={"sha": committed(ask)}).json()["message"]
    assert 'Required status check "ci" is expected.' == refused
    ask("GET", place, 404, branch="none")


@pytest.mark.parametrize(("token", "status"), [(READER, 403), ("canary", 401)])
def test_rights(ask: Asker, hub: Tapped, token: str, status: int) -> None:
    """Who may only read adds nothing. The description tells no such answers here, but for all others."""
    with pytest.raises(AssertionError, match=f"never answers {status}"):
        ask("POST", REFS, status, token=token, json={"ref": "refs/heads/x", "sha": hub.tap.refs["heads/main"]})
    assert {"heads/main"} == set(hub.tap.refs)


def test_pygithub(hub: Tapped) -> None:
    """PyGithub, as anybody uses it: a commit, a branch, a pull request."""
    with Github(base_url=f"{hub.url}{API}", auth=Auth.Token(TOKEN), seconds_between_writes=None) as client:
        tap = client.get_repo(TAP)
        top = tap.get_git_commit(tap.get_git_ref("heads/main").object.sha)
        tree = tap.create_git_tree([InputGitTreeElement("Formula/a.rb", "100644", "blob", content="x\n")], top.tree)
        commit = tap.create_git_commit("a", tree, [top])
        tap.create_git_ref("refs/heads/new", commit.sha)
        pull = tap.create_pull("main", "new", title="A")
        assert (["A"], "example:new") == ([found.title for found in tap.get_pulls()], pull.head.label)
        assert b"x\n" == hub.tap.files("new")["Formula/a.rb"]
        assert not tap.get_pull(pull.number).merged


def test_names_are_those_of_git(tmp_path: Path) -> None:
    """Git gives the same names to the same blob, trees and commit."""

    def git(*words: str, said: bytes = b"") -> str:
        done = subprocess.run(("git", *words), cwd=tmp_path, input=said, check=True, capture_output=True)
        return done.stdout.decode().strip()

    objects = Objects()
    blob = objects.blob(b"text\n")
    tree = objects.tree({"a/b.rb": ("100644", blob), "a.rb": ("100644", blob), "a-b": ("100755", blob)})
    commit = Commit(tree, ("0" * 40,), "message", 1_700_000_000)
    git("init", "--quiet")
    assert blob == git("hash-object", "-w", "--stdin", said=b"text\n")
    below = git("mktree", said=f"100644 blob {blob}\tb.rb\n".encode())
    lines = f"100644 blob {blob}\ta.rb\n040000 tree {below}\ta\n100755 blob {blob}\ta-b\n"
    assert tree == git("mktree", said=lines.encode())
    name = git("hash-object", "-t", "commit", "--literally", "--stdin", said=commit.data())
    assert name == objects.commit(commit)
