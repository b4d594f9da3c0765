"""The JSON Schemas (draft 2020-12) that shipways publishes: of the config, the plan, the manifest and a shard."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from shipways.config.reference import find, reference
from shipways.config.schema import Config
from shipways.config.tables import Path, keys, tables
from shipways.model.digest import Json
from shipways.model.manifest import Manifest
from shipways.model.record import PlanRecord
from shipways.model.shard import ShardRecord


def config_schema() -> Json:
    """The schema of shipways.toml, as a JSON value. Each description is the comment in reference.toml."""
    schema = _whole(Config)
    for path, model in tables().items():
        table = schema["$defs"][model.__name__] if path else schema
        table["description"] = _comment(path) or "The whole file."
        for key, is_table in keys(path).items():
            entry = table["properties"][key]
            if is_table:
                entry.pop("default", None)  # the defaults of its own keys say it
            elif comment := _comment((*path, key)):
                entry["description"] = comment
    return schema


def plan_schema() -> Json:
    """The schema of what `shipways plan --json` prints."""
    return _whole(PlanRecord)


def manifest_schema() -> Json:
    """The schema of dist/manifest.json."""
    return _whole(Manifest)


def shard_schema() -> Json:
    """The schema of dist/shard-K-of-N.json."""
    return _whole(ShardRecord)


SCHEMAS: Final[Mapping[str, Callable[[], Json]]] = {
    "config": config_schema,
    "plan": plan_schema,
    "manifest": manifest_schema,
    "shard": shard_schema,
}


class _Generator(GenerateJsonSchema):
    """Without titles, which repeat the key, and without null, which TOML does not have and our JSON leaves out."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        found = super().default_schema(schema)
        return {key: value for key, value in found.items() if (key, value) != ("default", None)}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        found = super().dict_schema(schema)
        return {"additionalProperties": False, **found} if "patternProperties" in found else found


def _whole(model: type) -> dict[str, Any]:
    schema = TypeAdapter(model).json_schema(schema_generator=_Generator)
    for table in (schema, *schema.get("$defs", {}).values()):
        table.pop("title", None)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}


def _comment(path: Path) -> str:
    entry = find(reference(), path)
    return entry.comment if entry else ""
