"""Every way a run can end badly, with its exit code, on one page.

    ShipwaysError            70  a bug, when nothing below fits
    ├── ConfigError           2  the command line or the config is wrong
    ├── PreflightError        3  git, versions or credentials forbid the work
    │   └── Held              3  … or a person does: nothing is deployed until that is taken back
    ├── BuildError            4  a step failed
    │   └── Unavailable       4  this machine cannot do a step; a snapshot skips it and says why
    ├── Misconfigured        78  a service is not configured as it has to be; to start it again would not help
    ├── Unfinished            5  something is not published yet; the same command goes on
    │   ├── Transient         5  … because a place did not answer as it should; worth another try
    │   └── Moved             5  … because a place is not as it was seen; to be looked at again
    ├── Conflict              6  other bytes are where ours should be
    │   └── Unproven          6  … or a proof that does not prove what it should
    ├── Drift                 7  what is there is not what the plan says
    └── DeployFailed          8  a deployment failed; what served before serves again, or it says what does not
        └── NothingBefore     8  … because nothing ran before that could be returned to

Interrupted by the user: 130. `cli.py` is the only place that turns these into exit codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: where, what, why, and what to do about it. `place` is the line: `shipways.toml:12`."""

    what: str
    path: str = ""
    place: str = ""
    why: str = ""
    hint: str = ""

    def __str__(self) -> str:
        head = f"{self.path}: {self.what}" if self.path else self.what
        lines = [head]
        if self.place:
            lines.append(f"  at:  {self.place}")
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.hint:
            lines.append(f"  fix: {self.hint}")
        return "\n".join(lines)


class ShipwaysError(Exception):
    """Carries one or more problems; subclasses fix the exit code."""

    exit_code = 70

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems: Sequence[Problem] = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class ConfigError(ShipwaysError):
    """The command line, shipways.toml or shipways.lock is wrong."""

    exit_code = 2


class PreflightError(ShipwaysError):
    """The state of the world (git, tags, versions, credentials) forbids the work before it starts."""

    exit_code = 3


class Held(PreflightError):  # noqa: N818 - the state that the exit code tells
    """Somebody holds a service as it is, with a reason; nothing was begun."""


class BuildError(ShipwaysError):
    """A step of make failed."""

    exit_code = 4


class Unavailable(BuildError):  # noqa: N818 - it is a state of the machine, not a mistake
    """This machine cannot do a step. `kind` is what `--require` names."""

    def __init__(self, kind: str, problem: Problem) -> None:
        super().__init__(problem)
        self.kind = kind


class Misconfigured(ShipwaysError):  # noqa: N818 - the state that the exit code tells
    """A service cannot be started as it is configured: EX_CONFIG of sysexits.h, after which none is started again."""

    exit_code = 78


class Unfinished(ShipwaysError):  # noqa: N818 - the state that the exit code tells
    """Something is not published yet."""

    exit_code = 5


class Transient(Unfinished):
    """A place could not be asked, or did not say whether it did what it was told: try again.

    Network, status ≥ 500, 429 or a rate limit. `after` is how many seconds the place asks to be left alone, if it does.
    """

    def __init__(self, problem: Problem, *, after: float | None = None) -> None:
        super().__init__(problem)
        self.after = after


class Moved(Unfinished):
    """A place is not as it was seen, so nothing was done."""


class Conflict(ShipwaysError):  # noqa: N818 - the state that the exit code tells
    """Other bytes are where ours should be, and nobody may replace them."""

    exit_code = 6


class Unproven(Conflict):
    """A proof does not prove what it should.

    `of` is the digest of what it does prove, where the right signer made it for other bytes; else empty.
    """

    def __init__(self, problem: Problem, *, of: str = "") -> None:
        super().__init__(problem)
        self.of = of


class Drift(ShipwaysError):  # noqa: N818 - the name of the state in the exit-code table
    """A rendered file, or something published, is not what the plan says."""

    exit_code = 7


class DeployFailed(ShipwaysError):  # noqa: N818 - the state that the exit code tells
    """What was deployed is not healthy, or could not be brought there."""

    exit_code = 8


class NothingBefore(DeployFailed):
    """No version is known that ran there before; nothing was touched."""


def first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that stopped a group of tasks; the others are its echoes."""
    error = failures.exceptions[0]
    return first(error) if isinstance(error, BaseExceptionGroup) else error
