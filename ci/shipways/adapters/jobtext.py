"""A job as a line of JSON in the journal, and back; without the values of its variables."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final

from shipways.model.job import (
    Job,
    JobKind,
    JobNews,
    JobPhase,
    JobRequest,
    JobStatus,
    Method,
    PhaseName,
    PhaseStatus,
    Registration,
)
from shipways.model.secret import Secret

HIDDEN: Final = Secret("")
"""What stands for each value."""


def job_text(job: Job) -> str:
    """Names of variables are kept."""
    return json.dumps(_plain(job), ensure_ascii=False, default=_plain)


def job_of(text: str) -> Job:
    """The job of a line that was written so."""
    told = json.loads(text)
    request, registration = told["request"], told["registration"]
    request |= {"method": Method(request["method"]), "environment": dict.fromkeys(request["environment"], HIDDEN)}
    told |= {
        "kind": JobKind(told["kind"]),
        "request": JobRequest(**request),
        "status": JobStatus(told["status"]),
        "phases": tuple(_phase(each) for each in told["phases"]),
        "registration": Registration(**registration) if registration else None,
    }
    return Job(**told)


def news_text(news: JobNews) -> str:
    """All of it."""
    return json.dumps(_plain(news), ensure_ascii=False)


def news_of(text: str) -> JobNews:
    """The news of a line that was written so."""
    return JobNews(**json.loads(text))


def _phase(told: dict[str, Any]) -> JobPhase:
    return JobPhase(**told | {"name": PhaseName(told["name"]), "status": PhaseStatus(told["status"])})


def _plain(value: object) -> object:
    """What JSON has no word for."""
    if isinstance(value, Secret):
        return ""
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    raise TypeError(type(value))
