"""What RUN lines of Dockerfiles print: errors of the engine have only the command, the session's log has the rest."""

import io
import json
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shipways.adapters.room import TAIL

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_LINE: Final = re.compile(r"(\d+) *: (?:┆ )*(?:\[[\dhms.]+\] \| (?P<printed>.*)|! (?P<error>.*))")
_PROCESS: Final = re.compile(r'process ("(?:[^"\\]|\\.)*") did not complete successfully: exit code: (\d+)')
_OPERATIONS: Final = 500
"""How many of the session's operations are remembered; those that print have not ended."""
_LAST: Final = 200
"""Lines of the whole log, for an error without a command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of a Dockerfile that ended with another status than 0, and the engine's words for that."""

    line: str
    code: int
    told: str


def command_in(error: str) -> Command | None:
    """The command that an error of the engine is about; None for every other error."""
    match = _PROCESS.search(error)
    if match is None:
        return None
    try:
        line = str(json.loads(match[1]))
    except ValueError:  # Go quotes a few characters in its own way
        line = match[1]
    return Command(line=line, code=int(match[2]), told=match[0])


class Printed(io.TextIOBase):
    """The log of a session, which the SDK writes from a thread of its own; keeps the last lines of each operation."""

    def __init__(self) -> None:
        self._more = threading.Condition()
        self._printed: OrderedDict[str, deque[str]] = OrderedDict()
        self._failed: dict[str, str] = {}
        self._last: deque[str] = deque(maxlen=_LAST)

    def writelines(self, lines: Iterable[str], /) -> None:  # type: ignore[override] # the stubs want any buffer
        """Take lines as they come, until there are no more."""
        for line in lines:
            self.write(line)

    def write(self, line: str, /) -> int:
        """Take a line: `14 : ┆ [0.3s] | text` is printed by operation 14, `14 : ! text` says how that failed."""
        match = _LINE.fullmatch(_COLOUR.sub("", line).rstrip("\r\n"))
        with self._more:
            self._last.append(line)
            if match and match["error"] is None:
                self._keep(match[1], match["printed"])
            elif match and (command := command_in(match["error"])):
                self._fail(match[1], command.told)
        return len(line)

    def tail(self, command: Command, patience: float) -> str:
        """The last lines that a failed command has printed; waits until the log tells that it did, or `patience` s."""
        with self._more:
            self._more.wait_for(lambda: command.told in self._failed, patience)
            return "\n".join(self._printed.get(self._failed.get(command.told, ""), ()))

    def text(self) -> str:
        """The end of the log."""
        with self._more:
            return "".join(self._last)

    def _fail(self, operation: str, told: str) -> None:
        """What an operation is a part of fails with the same words, and has printed nothing."""
        if operation in self._printed or told not in self._failed:
            self._failed[told] = operation
            self._more.notify_all()

    def _keep(self, operation: str, line: str) -> None:
        self._printed.setdefault(operation, deque(maxlen=TAIL)).append(line)
        self._printed.move_to_end(operation)
        if len(self._printed) > _OPERATIONS:
            self._printed.popitem(last=False)
