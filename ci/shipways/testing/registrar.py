"""A registry of services in memory, which fails as it is told to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shipways.errors import ShipwaysError
from shipways.outside.registrars import Entry


@dataclass(slots=True)
class MemoryRegistrar:
    """The `Registrar` port. `events` is everything new that it was told; `errors` are raised, one at each call."""

    entries: dict[int, Entry] = field(default_factory=dict)
    events: list[Entry] = field(default_factory=list)
    errors: list[ShipwaysError] = field(default_factory=list)

    async def register(self, entry: Entry) -> Mapping[str, object]:
        """What is known already is no event."""
        if self.errors:
            raise self.errors.pop(0)
        if self.entries.get(entry.droplet_id) != entry:
            self.events.append(entry)
        self.entries[entry.droplet_id] = entry
        return {"status": "registered", **entry.told}

    async def standing(self) -> str:
        """Always there."""
        return "reachable"
