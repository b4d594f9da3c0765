"""The published description of the API (OpenAPI), so that it says what is answered."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

from shipways.deployer.problems import ProblemResponse, answers

_JSON: Final = "application/json"
_OF_FASTAPI: Final = ("HTTPValidationError", "ValidationError")


class Described(FastAPI):
    """An application that tells what this one does: 400 in the place of 422, and what the gate answers."""

    def openapi(self) -> dict[str, Any]:
        """Made once."""
        if self.openapi_schema is None:
            made = super().openapi()
            for name in _OF_FASTAPI:
                made["components"]["schemas"].pop(name, None)
            for operation in _operations(made):
                _corrected(operation)
        return super().openapi()


def _operations(description: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in description["paths"].values():
        yield from path.values()


def _corrected(operation: dict[str, Any]) -> None:
    """Every operation is limited; most need a token, and only a body can be too long or too slow."""
    codes = [429]
    codes += [401, 500] if "security" in operation else []
    codes += [408, 413] if "requestBody" in operation else []
    said = operation["responses"]
    said.pop("422", None)
    for code, answer in answers(*codes).items():
        problem = {"schema": {"$ref": f"#/components/schemas/{answer['model'].__name__}"}}
        said.setdefault(str(code), {"description": answer["description"], "content": {_JSON: problem}})
    for answer in said.values():
        for kind, content in list(answer.get("content", {}).items()):
            if content.get("schema", {}).get("$ref", "").endswith("/ProblemDetails"):
                answer["content"] = {ProblemResponse.media_type: answer["content"].pop(kind)}
    operation["responses"] = dict(sorted(said.items()))
