"""`[workflows]`: the workflows of GitHub Actions that are rendered, and their jobs."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from shipways.config.kinds import Duration, Frozen
from shipways.config.publish import Publish

JobName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=80)]
Session = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]*)?$")]
PlainWord = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_@%+=:,./-]+$")]
"""What the shells of all runners read as it is written."""
Runner = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
PythonVersion = Annotated[str, StringConstraints(pattern=r"^3\.\d+(\.\d+)?$")]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9 ._-]*)?$", max_length=255)]

_OURS: Final = ("plan", "rehearse", "image-", "jobs")
"""Jobs and marks of ours, or how their names begin."""


class WorkflowJob(Frozen):
    """`[workflows.job.NAME]`: a session of the noxfile that is a job of ci.yml."""

    session: Session = ""
    arguments: tuple[PlainWord, ...] = ()
    pythons: tuple[PythonVersion, ...] = ()
    runners: tuple[Runner, ...] = ()
    timeout: Duration | Literal[""] = ""


class Workflows(Frozen):
    """`[workflows]`: what their jobs have in common."""

    python: PythonVersion = "3.13"
    runner: Runner = "ubuntu-latest"
    environment: EnvironmentName = "release"
    timeout: Duration = "1h"
    rebuild: Literal["auto"] | bool = "auto"
    create_tag: bool = False
    job: dict[JobName, WorkflowJob] = {}


def workflow_problems(workflows: Workflows | None, publish: Publish, branch: str) -> Iterator[str]:
    """Names that a job cannot have, because another has it; and a signer that no run of the workflows is."""
    attest = publish.attest
    if workflows and workflows.create_tag and attest and "{tag}" in attest.identity:
        yield (
            "publish.attest.identity: names the tag, but with workflows.create_tag the release is started at a branch, "
            f"and that is who signs: let it end with @refs/heads/{branch}"
        )
    for name in workflows.job if workflows else ():
        if any(name == ours or (ours.endswith("-") and name.startswith(ours)) for ours in _OURS):
            yield f"workflows.job.{name}: is the name of a job that is there besides"
