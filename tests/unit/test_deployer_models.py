"""S2-08: the models of the API have the names and types of the specification, and no others."""

import ast
from collections.abc import Mapping
from typing import Any

import pytest

from asking import asked
from shipways.model.job import JobStatus, PhaseName, PhaseStatus

SPECIFIED = """
class DeployRequest:
    service_path: str
    service_name: str
    droplet_id: int
    service_port: int
    deployment_method: str
    environment_vars: dict
    auto_register: bool = True

class DeploymentPhase:
    phase: str
    status: str
    started_at: Optional[datetime]
    completed_at: Optional[datetime]
    duration_seconds: Optional[int]
    details: str
    error: Optional[str]

class DeployJob:
    deploy_job_id: str
    service_name: str
    service_path: str
    status: str
    droplet_id: int
    service_port: int
    service_url: Optional[str]
    deployment_method: str
    phases: List[DeploymentPhase]
    registration: Optional[dict]
    started_at: datetime
    completed_at: Optional[datetime]
    duration_seconds: Optional[int]
    success: bool
    error: Optional[str]

class RegistrationInfo:
    droplet_id: int
    service_name: str
    endpoint: str
    registered_at: datetime
    registry_response: dict
"""
"""Word for word: deployer-service, "Data Models"."""
KINDS = {"str": "string", "int": "integer", "bool": "boolean", "dict": "object", "datetime": "date-time"}
MODELS = {node.name: node for node in ast.parse(SPECIFIED).body if isinstance(node, ast.ClassDef)}


def kind(annotation: ast.expr) -> str:
    """A type of the specification in words: `integer or null`."""
    if not isinstance(annotation, ast.Subscript):
        name = ast.unparse(annotation)
        return KINDS.get(name, name)
    inner = kind(annotation.slice)
    return {"Optional": f"{inner} or null", "List": f"list of {inner}"}[ast.unparse(annotation.value)]


def described(schema: Mapping[str, Any], schemas: Mapping[str, Any], *, within: bool = False) -> str:
    """A schema in the same words. A model in the place of a dict is one, and of an enumeration a string."""
    if "anyOf" in schema:
        first, null = schema["anyOf"]
        assert {"type": "null"} == null
        return f"{described(first, schemas)} or null"
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name if within else described(schemas[name], schemas)
    if schema["type"] == "array":
        return f"list of {described(schema['items'], schemas, within=True)}"
    return str(schema["format"] if schema.get("format") == "date-time" else schema["type"])


@pytest.mark.parametrize("name", MODELS)
def test_model(name: str) -> None:
    """S2-08: the same names in the same order, the same types, null where the specification has it, and defaults."""
    schemas = asked().app.openapi()["components"]["schemas"]
    model, lines = schemas[name], [line for line in MODELS[name].body if isinstance(line, ast.AnnAssign)]
    expected = {ast.unparse(line.target): kind(line.annotation) for line in lines}
    assert list(expected.items()) == [(key, described(each, schemas)) for key, each in model["properties"].items()]
    assert [ast.unparse(line.target) for line in lines if line.value is None] == model["required"]
    defaults = {ast.unparse(line.target): ast.literal_eval(line.value) for line in lines if line.value}
    assert defaults == {key: each["default"] for key, each in model["properties"].items() if "default" in each}


def test_words() -> None:
    """S2-09: phases and states have the words of the specification, in the description of the API too."""
    schemas = asked().app.openapi()["components"]["schemas"]
    phases = ["Validation", "Transfer", "Build", "Start Service", "Verify Health", "Register"]
    assert phases == list(PhaseName) == schemas["PhaseName"]["enum"]
    assert ["pending", "running", "success", "failed"] == list(PhaseStatus) == schemas["PhaseStatus"]["enum"]
    assert ["pending", "running", "completed", "failed"] == list(JobStatus) == schemas["JobStatus"]["enum"]
    assert ["docker", "systemd"] == schemas["DeployRequest"]["properties"]["deployment_method"]["enum"]
    variables = schemas["DeployRequest"]["properties"]["environment_vars"]
    assert (["^[A-Za-z_][A-Za-z0-9_]*$"], False) == (
        [*variables["patternProperties"]],
        variables["additionalProperties"],
    )


CODES = {
    "POST /deploy": "202 400 401 403 408 409 413 429 500",
    "GET /deploy": "200 400 401 403 429 500",
    "GET /deploy/{job_id}": "200 401 403 404 429 500",
    "GET /deploy/history/{service_name}": "200 400 401 403 404 429 500",
    "POST /deploy/{job_id}/rollback": "200 401 403 404 409 429 500",
    "POST /deploy/{job_id}/cancel": "200 401 403 404 429 500",
    "GET /deploy/{job_id}/events": "200 400 401 403 404 429 500",
    "GET /health": "200 429 500",
    "GET /capabilities": "200 429 500",
    "GET /livez": "200 429",
    "GET /readyz": "200 429 503",
    "GET /metrics": "200 401 403 429 500",
    "GET /services": "200 401 403 429 500",
    "GET /holds": "200 401 403 429 500",
    "PUT /services/{service_name}/hold": "200 400 401 403 408 413 429 500",
    "DELETE /services/{service_name}/hold": "204 400 401 403 404 429 500",
}


def test_operations() -> None:
    """S2-01..07: the operations and what each may answer; errors are problem details; the page is no part of it."""
    paths = asked().app.openapi()["paths"]
    found = {f"{method.upper()} {path}": each for path, methods in paths.items() for method, each in methods.items()}
    assert CODES == {name: " ".join(each["responses"]) for name, each in found.items()}
    kinds = {
        (code, *answer["content"])
        for name, each in found.items()
        for code, answer in each["responses"].items()
        if code >= "400" and name != "GET /health"
    }
    assert {"application/problem+json"} == {kind for _, *kinds_of in kinds for kind in kinds_of}
