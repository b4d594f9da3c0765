"""A job of CI on this machine: which one is meant, and an environment as clean as there."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from shipways.config.near import nearest
from shipways.errors import ConfigError, Problem
from shipways.model.workflow import Job, Workflow

_PASSED: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TERM|TMPDIR|LANG|LC_\w+|XDG_\w+_(HOME|DIR)|CARGO_HOME|RUSTUP_HOME|"
    r"SYSTEMROOT|SYSTEMDRIVE|COMSPEC|PATHEXT|USERPROFILE|(LOCAL)?APPDATA|PROGRAM(DATA|FILES.*)|TEMP|TMP|"
    r"(?i:https?_proxy|no_proxy|all_proxy)|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|PIP_\w+|UV_\w+|GO(PROXY|SUMDB)|"
    r"CARGO_HTTP_CAINFO|GIT_SSL_CAINFO|DOCKER_\w+|_EXPERIMENTAL_DAGGER_RUNNER_HOST|SHIPWAYS_(ENGINE|MIRROR|REQUIRE)"
)
"""What is the machine's rather than the session's: its user, its tools, and how it reaches networks and engines."""


def find(workflows: Sequence[Workflow], wanted: str) -> tuple[str, Job]:
    """A job by its name, or as WORKFLOW/JOB where two workflows have one; with the latter. Raises ConfigError."""
    jobs = dict(named(workflows))
    for name, job in jobs.items():
        if wanted in (name, job.id):
            return name, job
    hint = nearest(wanted, [*jobs, *(job.id for job in jobs.values())]) or "`shipways ci list` has them"
    raise ConfigError(Problem(path=wanted, what="is not a job", hint=hint))


def named(workflows: Sequence[Workflow]) -> Iterator[tuple[str, Job]]:
    """All jobs, as WORKFLOW/JOB."""
    return ((f"{workflow.name}/{job.id}", job) for workflow in workflows for job in workflow.jobs)


def environment(job: Job, env: Mapping[str, str]) -> dict[str, str]:
    """What the job's command sees here: the machine, the variables of the job that are set, and that it is CI."""
    own = {name for name, _ in job.variables}
    files = {f"{name}_FILE" for name in own}
    passed = {name: value for name, value in env.items() if name in own | files or _PASSED.fullmatch(name)}
    return {**passed, "CI": "true"}


def absent(job: Job, env: Mapping[str, str]) -> tuple[str, ...]:
    """The variables that the job has there, and that are not set here."""
    return tuple(name for name, _ in job.variables if not (env.get(name) or env.get(f"{name}_FILE")))
