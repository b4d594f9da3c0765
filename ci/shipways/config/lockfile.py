"""shipways.lock as TOML text, and back."""

import json
import tomllib
from typing import Any

from pydantic import TypeAdapter

from shipways.errors import ConfigError, Problem
from shipways.model.lock import Lock
from shipways.model.oci import Descriptor

FILE_NAME = "shipways.lock"
_HEADER = "# Written by `shipways lock`: what names in the config mean, as digests. Commit it; do not edit it.\n"


def parse_lock(text: str) -> Lock:
    """The lock in a file's text. Raises ConfigError for a file that `shipways lock` did not write."""
    try:
        data: Any = tomllib.loads(text)
        return TypeAdapter(Lock).validate_python(data)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            Problem(path=FILE_NAME, what="not a lock file", why=reason, hint="run `shipways lock` to write it anew")
        ) from None


def render_lock(lock: Lock) -> str:
    """The one text of a lock: entries sorted, a line each."""
    lines = [_HEADER]
    for tool in sorted(lock.tools, key=lambda tool: tool.name):
        lines += ["[[tools]]", f'name = "{tool.name}"', f'distribution = "{tool.distribution}"']
        lines += [f'version = "{tool.version}"', "wheels = ["]
        lines += [
            f'    {{ host = "{w.host}", digest = "{w.digest}" }},' for w in sorted(tool.wheels, key=lambda w: w.host)
        ]
        lines += ["]", ""]
    for backend in sorted(lock.backends, key=lambda backend: backend.package):
        requires = json.dumps(backend.requires, ensure_ascii=False)
        lines += ["[[backends]]", f'package = "{backend.package}"', f"requires = {requires}", "requirements = ["]
        lines += [f'    "{requirement}",' for requirement in backend.requirements]
        lines += ["]", ""]
    for image in sorted(lock.images, key=lambda image: image.name):
        lines += ["[[images]]", f'name = "{image.name}"', f'digest = "{image.digest}"']
        for platform in sorted(image.platforms, key=lambda platform: platform.platform):
            lines += ["[[images.platforms]]", f'platform = "{platform.platform}"']
            lines += [f"config = {_descriptor(platform.config)}", "layers = ["]
            lines += [f"    {_descriptor(layer)}," for layer in platform.layers]
            lines += ["]"]
        lines += [""]
    return "\n".join(lines)


def _descriptor(blob: Descriptor) -> str:
    return f'{{ media_type = "{blob.media_type}", digest = "{blob.digest}", size = {blob.size} }}'
