"""The published JSON Schemas: other programs read them from the repository and from the installed package."""

import json
from collections.abc import Callable
from importlib import resources

import pytest

from shipways.config.jsonschema import SCHEMAS


@pytest.mark.parametrize("name", SCHEMAS)
def test_committed_schema(golden: Callable[[str, str], None], name: str) -> None:
    """The committed file is what `shipways schema` prints; `pytest --update-golden` writes it."""
    text = json.dumps(SCHEMAS[name](), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    golden(str(resources.files("shipways").joinpath("schemas", f"{name}.json")), text)
