"""The nouns of CI: a workflow of jobs, each of which is one command."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """An action at one commit; `version` is the tag of that commit, `date` the day of it."""

    uses: str
    commit: str
    version: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A step that is somebody else's action, by its name in pins.toml; `when` is the condition, `why` for who reads."""

    action: str
    why: str
    inputs: tuple[tuple[str, str], ...] = ()
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A right of the job's token beside reading the repository."""

    scope: str
    level: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One session of the noxfile on a machine of its own, for each runner and each Python.

    `variables` are names and GitHub's expressions for them; only the command has them. `before` and `after` are steps
    around the command, `when` is the condition of all of it. `hands` names what the command tells later jobs; `shards`
    is the expression of a list of machines, each with its runner, that stands for the runners.
    """

    id: str
    session: str
    pythons: tuple[str, ...]
    runners: tuple[str, ...]
    minutes: int
    arguments: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    environment: str = ""
    before: tuple[Use, ...] = ()
    after: tuple[Use, ...] = ()
    hands: tuple[str, ...] = ()
    shards: str = ""
    when: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        """What the job runs, there and here."""
        return ("nox", "-s", self.session, *(("--", *self.arguments) if self.arguments else ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A text that somebody may give who starts a workflow by hand, or has to; empty when nobody does."""

    name: str
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A file: run for pull requests and what is pushed to `branch`, for `tags` of these patterns, or at the times of
    `cron`; and by hand where there are `inputs`.
    """

    name: str
    jobs: tuple[Job, ...]
    branch: str = ""
    tags: tuple[str, ...] = ()
    cron: str = ""
    inputs: tuple[Input, ...] = ()

    @property
    def path(self) -> str:
        """Where GitHub looks for it."""
        return f".github/workflows/{self.name}.yml"
