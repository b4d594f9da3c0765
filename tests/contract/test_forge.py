"""The stand-in for GitHub answers as GitHub's own description of its API says, and GitHub's clients work with it."""

import json
from base64 import b64encode
from collections.abc import Iterator

import cramjam
import httpx
import pytest
from github import Auth, Github, GithubException

import forging
from forging import READER, REPOSITORY, TOKEN
from openapi import Asker, Description
from shipways.rehearse.forgedesk import API

pytestmark = pytest.mark.integration

REPO = "/repos/{owner}/{repo}"
RELEASES = f"{REPO}/releases"
RELEASE = f"{RELEASES}/{{release_id}}"
ASSETS = f"{RELEASE}/assets"
ASSET = f"{RELEASES}/assets/{{asset_id}}"
BY_TAG = f"{RELEASES}/tags/{{tag}}"
ATTESTATIONS = f"{REPO}/attestations"
DRAFT = {"tag_name": "v1", "name": "One", "body": "text", "draft": True, "target_commitish": "a" * 40}


@pytest.fixture
def hub() -> Iterator[forging.Github]:
    """The stand-in."""
    with forging.github() as made:
        yield made


@pytest.fixture
def ask(hub: forging.Github, described: Description) -> Asker:
    """Asks as the owner of the repository."""
    return Asker(f"{hub.url}{API}", REPOSITORY, TOKEN, described)


def test_life_of_a_release(ask: Asker, hub: forging.Github) -> None:
    """Every answer on the way from a draft to what is deleted."""
    made = ask("POST", RELEASES, 201, json=DRAFT).json()
    one = {"release_id": made["id"]}
    ask("GET", BY_TAG, 404, tag="v1")
    ask("GET", f"{RELEASES}/latest", 404)
    asset = ask.upload(made["upload_url"], "a b.txt", b"data", 201).json()
    assert ("a.b.txt", "uploaded", 4) == (asset["name"], asset["state"], asset["size"])
    assert [asset["id"]] == [entry["id"] for entry in ask("GET", ASSETS, 200, **one).json()]
    ask("GET", ASSET, 200, asset_id=asset["id"])
    assert made["id"] == ask("GET", RELEASES, 200).json()[0]["id"]
    assert 1 == len(ask("GET", RELEASE, 200, **one).json()["assets"])
    public = ask("PATCH", RELEASE, 200, json={"draft": False}, **one).json()
    assert (False, True) == (public["draft"], bool(public["published_at"]))
    assert made["id"] == ask("GET", BY_TAG, 200, tag="v1").json()["id"]
    assert made["id"] == ask("GET", f"{RELEASES}/latest", 200).json()["id"]
    assert "a" * 40 == ask("GET", f"{REPO}/git/ref/{{ref}}", 200, ref="tags/v1").json()["object"]["sha"]
    hub.forge.refs["tags/v1"], hub.forge.tags["b" * 40] = "b" * 40, "a" * 40
    assert "tag" == ask("GET", f"{REPO}/git/ref/{{ref}}", 200, ref="tags/v1").json()["object"]["type"]
    assert "a" * 40 == ask("GET", f"{REPO}/git/tags/{{tag_sha}}", 200, tag_sha="b" * 40).json()["object"]["sha"]
    ask("DELETE", ASSET, 204, asset_id=asset["id"])
    ask("DELETE", RELEASE, 204, **one)
    ask("DELETE", RELEASE, 404, **one)
    ask("GET", ASSET, 404, asset_id=asset["id"])


def test_refusals(ask: Asker) -> None:
    """What is refused, in GitHub's words."""
    made = ask("POST", RELEASES, 201, json=DRAFT | {"draft": False}).json()
    said = ask("POST", RELEASES, 422, json=DRAFT | {"draft": False}).json()
    assert [{"resource": "Release", "code": "already_exists", "field": "tag_name"}] == said["errors"]
    ask("POST", RELEASES, 422, json={"draft": True})
    ask.upload(made["upload_url"], "a", b"", 201)
    said = ask.upload(made["upload_url"], "a", b"", 422).json()
    assert [{"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}] == said["errors"]
    ask("PATCH", RELEASE, 404, release_id=1, json={})
    ask("GET", f"{REPO}/git/ref/{{ref}}", 404, ref="tags/none")


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [("", 401, "Requires authentication"), ("no", 401, "Bad credentials"), (READER, 403, "Resource not accessible")],
)
def test_rights(hub: forging.Github, described: Description, token: str, status: int, message: str) -> None:
    """Without the right to write; the description names no such answer for releases, and one for all others."""
    headers = {"Authorization": f"token {token}"} if token else {}
    place = f"{hub.url}{API}/repos/{REPOSITORY}/releases"
    answer = httpx.post(place, json=DRAFT, headers=headers, trust_env=False)
    assert (status, True) == (answer.status_code, answer.json()["message"].startswith(message))
    described.check("GET", "/user", status, answer.json())


def test_repository(ask: Asker) -> None:
    """What one may do with it, and how much."""
    assert ask("GET", REPO, 200).json()["permissions"]["push"]
    assert not ask("GET", REPO, 200, token=READER).json()["permissions"]["push"]
    left = ask("GET", "/rate_limit", 200).json()["rate"]["remaining"]
    assert left == ask("GET", "/rate_limit", 200).json()["rate"]["remaining"]
    ask("GET", REPO, 200)
    assert left - 1 == ask("GET", "/rate_limit", 200).json()["rate"]["remaining"]


def test_attestations(ask: Asker, hub: forging.Github) -> None:
    """A bundle is found by each of its subjects, in pages; what is none is refused."""
    subjects = [{"name": name, "digest": {"sha256": name * 64}} for name in "ab"]
    statement = json.dumps({"predicateType": "https://slsa.dev/provenance/v1", "subject": subjects}).encode()
    envelope = {"payload": b64encode(statement).decode(), "payloadType": "application/vnd.in-toto+json"}
    bundle = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope}
    assert [1, 2] == [ask("POST", ATTESTATIONS, 201, json={"bundle": bundle}).json()["id"] for _ in range(2)]
    ask("POST", ATTESTATIONS, 422, json={"bundle": {}})
    ask("POST", ATTESTATIONS, 403, json={"bundle": bundle}, token=READER)
    hub.forge.attestations.inline = True
    one, by_digest = {"per_page": 1, "predicate_type": "provenance"}, f"{ATTESTATIONS}/{{subject_digest}}"
    for name in "ab":
        page = ask("GET", by_digest, 200, subject_digest=f"sha256:{name * 64}", query=one)
        assert [bundle] == [entry["bundle"] for entry in page.json()["attestations"]]
        page = httpx.get(page.links["next"]["url"], trust_env=False)
        assert (1, {}) == (len(page.json()["attestations"]), page.links)
    place = f"{hub.url}{API}/repos/{REPOSITORY}/attestations/sha256:"
    assert 404 == httpx.get(place + "c" * 64, trust_env=False).status_code  # which the description does not name
    assert 404 == httpx.get(place + "a" * 64, params={"predicate_type": "sbom"}, trust_env=False).status_code


def test_attestation_elsewhere(ask: Asker, hub: forging.Github) -> None:
    """As GitHub answers since July 2026, other than it says: no bundle, but a signed URL where it lies packed."""
    statement = json.dumps({"subject": [{"digest": {"sha256": "a" * 64}}]}).encode()
    bundle = {"dsseEnvelope": {"payload": b64encode(statement).decode()}}
    ask("POST", ATTESTATIONS, 201, json={"bundle": bundle})
    place = f"{hub.url}{API}/repos/{REPOSITORY}/attestations/sha256:{'a' * 64}"
    (entry,) = httpx.get(place, trust_env=False).json()["attestations"]
    assert ({"bundle", "bundle_url", "initiator", "repository_id"}, None) == (set(entry), entry["bundle"])
    answer = httpx.get(entry["bundle_url"], trust_env=False)
    assert "application/x-snappy" == answer.headers["content-type"]
    assert bundle == json.loads(bytes(cramjam.snappy.decompress_raw(answer.content)))
    assert 400 == httpx.get(entry["bundle_url"], headers={"Authorization": "x"}, trust_env=False).status_code


def test_pages(ask: Asker) -> None:
    """Lists come in pages that name the others; who may not write sees no drafts."""
    for number in range(5):
        ask("POST", RELEASES, 201, json=DRAFT | {"tag_name": f"v{number}", "draft": number != 2})
    answer = ask("GET", RELEASES, 200, query={"per_page": 2, "page": 2})
    assert (2, {"prev", "first", "next", "last"}) == (len(answer.json()), set(answer.links))
    assert ["v2"] == [release["tag_name"] for release in ask("GET", RELEASES, 200, token=READER).json()]


def test_pygithub(hub: forging.Github) -> None:
    """PyGithub, as anybody uses it: the whole life of a release."""
    with Github(base_url=f"{hub.url}{API}", auth=Auth.Token(TOKEN), seconds_between_writes=None) as client:
        repository = client.get_repo(REPOSITORY)
        assert (REPOSITORY, True) == (repository.full_name, repository.permissions.push)
        release = repository.create_git_release("v1", "One", "text", draft=True, target_commitish="a" * 40)
        assert ["v1"] == [release.tag_name for release in repository.get_releases()]
        with pytest.raises(GithubException, match="404"):
            repository.get_release("v1")
        public = release.update_release("One", "text", draft=False)
        assert (False, release.id) == (public.draft, repository.get_release("v1").id)
        assert "a" * 40 == repository.get_git_ref("tags/v1").object.sha
        assert "v1" == repository.get_latest_release().tag_name
        assert 5000 == client.get_rate_limit().rate.limit


def test_pygithub_assets(hub: forging.Github, tmp_path_factory: pytest.TempPathFactory) -> None:
    """PyGithub sends, lists, and deletes a file."""
    source = tmp_path_factory.mktemp("source") / "a.txt"
    source.write_bytes(b"data")
    with Github(base_url=f"{hub.url}{API}", auth=Auth.Token(TOKEN), seconds_between_writes=None) as client:
        release = client.get_repo(REPOSITORY).create_git_release("v1", "One", "text", draft=True)
        asset = release.upload_asset(str(source))
        assert ["a.txt"] == [entry.name for entry in release.get_assets()]
        assert asset.digest is not None
        assert asset.digest.startswith("sha256:")
        assert asset.delete_asset()
        assert [] == list(release.get_assets())
