"""The phases of a job, as its items come and go: one after the other, also where there are many hosts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shipways.model.item import Item
from shipways.model.job import JobPhase, PhaseName, PhaseStatus

_ORDER: Final = tuple(PhaseName)
_OF: Final = {
    "transfer": PhaseName.TRANSFER,
    "build": PhaseName.BUILD,
    "start": PhaseName.START,
    "verify": PhaseName.VERIFY,
    "switch": PhaseName.VERIFY,
    "approve": PhaseName.VERIFY,
    "register": PhaseName.REGISTER,
}


def phase_of(item: str) -> PhaseName:
    """The phase that an item is a part of."""
    return _OF.get(item.rpartition("/")[2], PhaseName.START)


def host_of(item: str) -> str:
    """The host of `deploy.NAME/HOST/SERVICE/…`."""
    return item.split("/")[1]


def telling(items: Sequence[Item]) -> Sequence[Item]:
    """Those that say what runs: of a chain on a host the one that switches, else each."""
    switches = tuple(item for item in items if item.id.endswith("/switch"))
    return switches or items


@dataclass(slots=True, kw_only=True)
class Turns:
    """A phase begins when every host is through with the one before, and has succeeded when every host is through it.

    One that has succeeded stays so: what fails later is a failure of the phase of that time.
    """

    phases: tuple[JobPhase, ...]
    waiting: set[str] = field(default_factory=set)
    details: dict[PhaseName, list[str]] = field(default_factory=dict)

    def begin(self, name: PhaseName, now: float) -> None:
        """This one has its turn, unless it had it before."""
        if self._phase(name).status is PhaseStatus.PENDING:
            self._put(name, status=PhaseStatus.RUNNING, started=now)

    def end(self, name: PhaseName, now: float, details: str = "") -> None:
        """It has succeeded."""
        if self._phase(name).status is PhaseStatus.RUNNING:
            self._put(name, status=PhaseStatus.SUCCESS, ended=now, details=details)

    def expect(self, items: Sequence[str], now: float) -> None:
        """These are the items, of which none is there yet."""
        self.waiting = {*items}
        self._forward(now)

    def finished(self, item: str, words: str, now: float) -> None:
        """An item is there."""
        self.waiting.discard(item)
        self.details.setdefault(phase_of(item), []).append(f"{host_of(item)}: {words}")
        self._forward(now)

    def failed(self, name: PhaseName, error: str, now: float) -> None:
        """The first failure is that of a phase; those before it are through, those after it do not begin."""
        if self.broken:
            return
        current = next((each.name for each in self.phases if each.status is not PhaseStatus.SUCCESS), _ORDER[-1])
        name = max(name, current, key=_ORDER.index)
        for earlier in _ORDER[: _ORDER.index(name)]:
            self.begin(earlier, now)
            self.end(earlier, now, self._told(earlier))
        self.begin(name, now)
        self._put(name, status=PhaseStatus.FAILED, ended=now, details=self._told(name), error=error)

    def complete(self, now: float) -> None:
        """All went well to the end."""
        for name in _ORDER:
            self.begin(name, now)
            self.end(name, now, self._told(name))

    @property
    def broken(self) -> bool:
        """Whether one has failed."""
        return any(each.status is PhaseStatus.FAILED for each in self.phases)

    @property
    def through(self) -> bool:
        """Whether all have succeeded."""
        return all(each.status is PhaseStatus.SUCCESS for each in self.phases)

    def _forward(self, now: float) -> None:
        """The last one is through when the whole job is."""
        if self.broken:
            return
        left = {phase_of(item) for item in self.waiting} | {_ORDER[-1]}
        for name in _ORDER:
            self.begin(name, now)
            if name in left:
                break
            self.end(name, now, self._told(name))

    def _told(self, name: PhaseName) -> str:
        return ", ".join(self.details.get(name, ())) or "nothing to do"

    def _phase(self, name: PhaseName) -> JobPhase:
        return self.phases[_ORDER.index(name)]

    def _put(self, name: PhaseName, **changed: Any) -> None:
        self.phases = tuple(replace(each, **changed) if each.name is name else each for each in self.phases)
