"""What is asked of channels before a release is built."""

import anyio

from shipways.errors import Problem, Unfinished
from shipways.outside.channels import Channel, Outside
from shipways.run.doctor import Finding, examine, findings_table
from shipways.testing.doors import CLOSED
from shipways.testing.place import Place, PlaceChannel

MISSING = Problem(path="FORGE_TOKEN", what="is not set")


class Asked(PlaceChannel):
    """A channel that is asked before, says `problems` and that it is slow, or refuses to be asked."""

    def __init__(self, name: str, *problems: Problem, refuses: bool = False) -> None:
        super().__init__(name, Place(), ())
        self._problems = problems
        self._refuses = refuses

    async def preflight(self, outside: Outside) -> tuple[Problem, ...]:
        if self._refuses:
            raise Unfinished(MISSING)
        return self._problems

    async def foresee(self, outside: Outside) -> tuple[str, ...]:
        return ("it will take a while",)


def examined(*channels: Channel) -> tuple[Finding, ...]:
    return anyio.run(examine, channels, CLOSED)


def test_every_channel_is_asked() -> None:
    """What each says, in their order; one that refuses to be asked has a problem, one that cannot be asked has none."""
    found = examined(Asked("a"), Asked("b", MISSING), Asked("c", refuses=True), PlaceChannel("d", Place(), ()))
    assert [("a", True, ()), ("b", True, (MISSING,)), ("c", True, (MISSING,)), ("d", False, ())] == [
        (finding.channel, finding.asked, finding.problems) for finding in found
    ]


def test_notes() -> None:
    """What is only worth knowing is told beside problems, and by nobody who refuses to be asked."""
    said = ("it will take a while",)
    found = examined(Asked("a"), Asked("b", MISSING), Asked("c", refuses=True), PlaceChannel("d", Place(), ()))
    assert [said, said, (), ()] == [finding.notes for finding in found]


def test_table() -> None:
    """A row says what is wrong, that nothing is, or that nothing can be known."""
    table = findings_table(examined(Asked("a"), Asked("b", MISSING), PlaceChannel("c", Place(), ())))
    assert (("a", "ready"), ("b", "is not set"), ("c", "is only known when it is tried")) == table.rows
