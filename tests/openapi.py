"""GitHub's published description of its REST API, as schemas of the answers."""

import json
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator

import support

PACKAGE = "@octokit/openapi@23.0.2"
MEMBER = "package/generated/api.github.com.json"


def description(cache: Path) -> "Description":
    """From npm, kept in a folder; a loud skip where npm cannot get it."""
    kept = cache / f"{PACKAGE.rpartition('@')[2]}.json"
    with support.alone(cache):
        if not kept.exists():
            _downloaded(cache, kept)
    return Description(document=json.loads(kept.read_text("utf-8")))


def _downloaded(cache: Path, kept: Path) -> None:
    support.need("npm")
    pack = ("npm", "pack", "--silent", PACKAGE)
    done = subprocess.run(pack, cwd=cache, check=False, capture_output=True, text=True)
    if done.returncode:
        support.missing("npm", f"npm does not get {PACKAGE}: {done.stderr[-300:]}")
    archive = cache / done.stdout.split()[-1]
    with tarfile.open(archive) as tar:
        member = tar.extractfile(MEMBER)
        assert member is not None
        kept.write_bytes(member.read())
    archive.unlink()


@dataclass(slots=True)
class Description:
    """The document. Only the schemas that are asked for are looked at: it has 13 MB."""

    document: Mapping[str, Any]
    asked: dict[tuple[str, str, int], Draft202012Validator] = field(default_factory=dict)

    def check(self, method: str, path: str, status: int, answer: object) -> None:
        """Fails when an operation may not answer this: another status, a field too few, a field too many."""
        key = (method, path, status)
        if key not in self.asked:
            self.asked[key] = Draft202012Validator(self._schema(*key))
        errors = [f"{error.json_path}: {error.message[:300]}" for error in self.asked[key].iter_errors(answer)]
        assert [] == errors, f"{method} {path}: {status}"

    def _schema(self, method: str, path: str, status: int) -> Mapping[str, Any]:
        responses = self.document["paths"][path][method.lower()]["responses"]
        assert str(status) in responses, f"{method} {path} never answers {status}: {sorted(responses)}"
        response = self._resolved(responses[str(status)])
        content = response.get("content")
        # Errors really have a field `status`, which the description does not name everywhere.
        return self._plain(content["application/json"]["schema"], closed=status < 400) if content else {}

    def _resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference stands for."""
        if "$ref" not in value:
            return value
        found: Any = self.document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return self._resolved(found)

    def _plain(self, value: Any, *, closed: bool) -> Any:
        """A schema of OpenAPI 3.0 as one of JSON Schema; `closed`: fields that it does not name are not allowed."""
        if isinstance(value, list):
            return [self._plain(entry, closed=closed) for entry in value]
        if not isinstance(value, Mapping):
            return value
        schema = self._resolved(value)
        unused = ("example", "examples", "nullable", "format")
        parts = closed and "allOf" not in schema  # of which each names a part of the fields
        plain = {name: self._plain(entry, closed=parts) for name, entry in schema.items() if name not in unused}
        if closed and "properties" in plain:
            plain.setdefault("additionalProperties", False)
        return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


@dataclass(frozen=True)
class Asker:
    """Asks the API at a URL about a repository, and compares each answer with the description."""

    url: str
    repository: str
    token: str
    described: Description

    def __call__(self, method: str, path: str, status: int, *, token: str = "", **more: object) -> httpx.Response:
        """`more` are the parts of the path, `json` the body, `query` the query; `token` another one than usual."""
        json, query = more.pop("json", None), more.pop("query", None)
        owner, repo = self.repository.split("/")
        place = self.url + path.format(owner=owner, repo=repo, **more)
        with self._http(token) as http:
            answer = http.request(method, place, json=json, params=query)  # type: ignore[arg-type]
        return self._checked(method, path, status, answer)

    def upload(self, url: str, name: str, data: bytes, status: int) -> httpx.Response:
        """Send an asset to where a release says."""
        with self._http() as http:
            answer = http.post(url.partition("{")[0], params={"name": name}, content=data)
        return self._checked("POST", "/repos/{owner}/{repo}/releases/{release_id}/assets", status, answer)

    def _http(self, token: str = "") -> httpx.Client:
        return httpx.Client(headers={"Authorization": f"Bearer {token or self.token}"}, trust_env=False)

    def _checked(self, method: str, path: str, status: int, answer: httpx.Response) -> httpx.Response:
        assert status == answer.status_code, answer.text
        self.described.check(method, path, status, answer.json() if answer.content else None)
        return answer
