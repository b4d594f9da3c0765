"""A verifier in memory, which refuses and fails as it is told to."""

from dataclasses import dataclass, field

from shipways.errors import Problem, ShipwaysError, Unfinished
from shipways.outside.verifiers import Candidate


@dataclass(slots=True)
class MemoryVerifier:
    """The `Verifier` port. `asked` is everything that it was asked; `refused` are releases, and why they are.

    `errors` are raised, one at each call.
    """

    asked: list[Candidate] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    errors: list[ShipwaysError] = field(default_factory=list)

    async def verify(self, candidate: Candidate) -> None:
        """What was asked before is asked again."""
        self.asked.append(candidate)
        if self.errors:
            raise self.errors.pop(0)
        if candidate.release in self.refused:
            raise Unfinished(Problem(path="verifier", what="refuses it", why=self.refused[candidate.release]))
