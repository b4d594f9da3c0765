"""dist/shard-K-of-N.json as text, and back."""

import functools
import json
import re
from typing import Final

from pydantic import TypeAdapter, ValidationError

from shipways.config.kinds import inside
from shipways.config.manifestfile import DIGEST
from shipways.errors import PreflightError, Problem
from shipways.model.shard import ShardRecord

FILE_NAME: Final = re.compile(r"shard-\d+-of-\d+\.json")
"""No artifact may have such a name."""
_NAME: Final = re.compile(r"[1-9]\d{0,3}/[1-9]\d{0,3}")


@functools.cache
def _adapter() -> TypeAdapter[ShardRecord]:
    """Built when first used: most releases have no shards."""
    return TypeAdapter(ShardRecord)


def shard_file(shard: str) -> str:
    """The name of the record of a shard, such as `2/3`."""
    return f"shard-{shard.replace('/', '-of-')}.json"


def shard_text(record: ShardRecord) -> str:
    """The one JSON text of a record."""
    value = _adapter().dump_python(record, mode="json", exclude_defaults=True)
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def parse_shard(data: bytes, path: str) -> ShardRecord:
    """The record in a file, every path of it below `dist/`. Raises PreflightError for a file that is none."""
    try:
        record = _adapter().validate_json(data)
        if not _NAME.fullmatch(record.shard):
            raise ValueError(f"expected the shard as K/N, found {record.shard!r}")
        for name in record.paths():
            inside(name)
        if wrong := [file.name for step in record.steps for file in step.files if not DIGEST.fullmatch(file.digest)]:
            raise ValueError(f"it has no digest of {', '.join(wrong)}")
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
    except ValueError as error:
        reason = str(error)
    else:
        return record
    what, hint = "is not the record of a shard of this shipways", "build that shard again"
    raise PreflightError(Problem(path=path, what=what, why=reason, hint=hint))
