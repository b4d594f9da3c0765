"""Commands that answer as they are told to, in the place of those of a machine."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from shipways.ports import Completed


class ScriptedProcess:
    """The `Process` port: `answer` is given a command line and says how it ends; `ran` has all of them.

    `given` has what each got on its standard input.
    """

    def __init__(self, answer: Callable[[tuple[str, ...]], Completed | None]) -> None:
        self._answer = answer
        self.ran: list[tuple[str, ...]] = []
        self.given: list[bytes] = []

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,  # noqa: ARG002 - the port's
        env: Mapping[str, str] | None = None,  # noqa: ARG002 - the port's
        stdin: bytes = b"",
        keep: Sequence[int] = (),  # noqa: ARG002 - the port's
    ) -> Completed:
        """The answer; None is a command that ends well and prints nothing."""
        self.ran.append(tuple(argv))
        self.given.append(stdin)
        return self._answer(tuple(argv)) or Completed(code=0, stdout="", stderr="")
