"""The configuration: a YAML file, and the variables of the environment that win over it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError, model_validator

DEFAULT: Final = Path(".aegis.yaml")
"""Read from the working directory where nobody names a file; it need not be there."""


class ConfigError(Exception):
    """The configuration cannot be used; the message says which file, where in it, and why."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Service(_Table):
    """Something that is checked."""

    url: HttpUrl


class Step(_Table):
    """One question to a service, and the status that is the right answer."""

    service: str
    path: Annotated[str, Field(pattern="^/")] = "/health"
    status: Annotated[int, Field(ge=100, le=599)] = 200


class Workflow(_Table):
    """Steps that are run one after another."""

    description: str = ""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]


class AegisConfig(_Table):
    """The whole file. `history_db_path` counts from the working directory."""

    history_db_path: Annotated[str, Field(min_length=1)] = "data/aegis_history.db"
    services: dict[str, Service] = {}
    workflows: dict[str, Workflow] = {}

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, workflow in self.workflows.items():
            for step in workflow.steps:
                if step.service not in self.services:
                    message = f"workflow {name}: there is no service {step.service}"
                    raise ValueError(message)
        return self


def load(named: str | None, environ: Mapping[str, str]) -> AegisConfig:
    """The configuration of the file that is named, by AEGIS_CONFIG, or the default. Raises ConfigError."""
    path = Path(named or environ.get("AEGIS_CONFIG") or DEFAULT)
    if path == DEFAULT and not path.exists():
        return AegisConfig()
    try:
        return AegisConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in error.errors())
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems)) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        message = f"{path}: {error}"
        raise ConfigError(message) from None


def database(config: AegisConfig, environ: Mapping[str, str]) -> Path:
    """Where the history is: AEGIS_DB_PATH, else what the configuration says."""
    return Path(environ.get("AEGIS_DB_PATH") or config.history_db_path)
