"""What is wrong with a project besides its config: for `check`."""

from collections.abc import Iterator

from shipways.config.lockfile import FILE_NAME
from shipways.errors import PreflightError, Problem
from shipways.model.lock import Lock
from shipways.model.plan import Mode
from shipways.run.locking import Wanted, kept, lacking


def refuse_fall(mode: Mode, release: str, engine: str, reason: str) -> None:
    """Raises PreflightError for a real release by another engine than it must have, which nobody named.

    `reason` is why auto took the engine, empty when somebody named it.
    """
    if mode is Mode.RELEASE and reason and engine != release:
        raise PreflightError(
            Problem(
                path="engine.release",
                what=f"a real release builds with {release}, and auto found only {engine}",
                why=reason,
                hint=f'name it: `--engine {engine}`, or engine.release = "{engine}"',
            )
        )


def lock_problems(names: Wanted, lock: Lock) -> Iterator[Problem]:
    """What the config wants, and the lock does not hold for it as it is now."""
    wrong = lacking(names, kept(names, lock))
    hint = "run `shipways lock`"
    for name, version in wrong.tools:
        locked = lock.tool(name)
        found = f"the lock has {locked.version}" if locked else "the lock does not have it"
        yield Problem(path=f"toolchain.{name}", what=f"is {version}, but {found}", place=FILE_NAME, hint=hint)
    for package, requires in wrong.backends:
        what = f"needs {', '.join(requires)} to build, which the lock does not have"
        yield Problem(path=f"package.{package}", what=what, place=FILE_NAME, hint=hint)
    for image in wrong.images:
        yield Problem(path=image, what="is an image without a digest in the lock", place=FILE_NAME, hint=hint)
