"""What goes wrong in a rehearsal, and where: values, from the sizes of a run in which nothing does."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from shipways.config.near import nearest
from shipways.errors import ConfigError, Problem
from shipways.rehearse.faults import Fault, reads

KILLED: Final = "killed"
"""The program ends before an item is applied."""
KILLED_AFTER: Final = "killed-after"
"""It ends when an item is applied, and nobody has noted it."""
RANDOM: Final = "random"
"""All channels, many faults, and perhaps an end at some item."""
FAULTS: Final = (KILLED, KILLED_AFTER, *(fault.value for fault in Fault if fault is not Fault.NONE), RANDOM)
"""Everything that `--faults all` means."""
HARMLESS: Final = frozenset(fault.value for fault in Fault) - {Fault.FORBIDDEN}
"""What a run bears when it happens once."""
ALL: Final = "all"
"""Every channel, or every fault."""
MOST: Final = 12
"""Cases of a channel and a fault that `all` has, chosen by the seed; a fault by its name has one at every place."""
STORMS: Final = 8
"""Random cases."""
_STORMY: Final = 0.15
"""How many of the requests of a random case have a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much a channel does in a run: its requests, those that send something, and the items that it applies."""

    requests: int
    writes: int
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault at a request or an item, from 0; of random cases `at` is the number."""

    channel: str
    fault: str
    at: int

    @property
    def id(self) -> str:
        """What `--faults` takes to run it alone."""
        return f"{self.channel}/{self.fault}@{self.at}"


def planned(sizes: Mapping[str, Size], names: Sequence[str], seed: int) -> tuple[Case, ...]:
    """The cases for these names: `all`, faults, or ids of cases. Raises ConfigError for what is none of these."""
    storms = tuple(Case(channel=ALL, fault=RANDOM, at=number) for number in range(STORMS))
    everything = (*(case for channel, size in sizes.items() for case in _of(channel, size)), *storms)
    chosen: dict[str, Case] = {}
    for name in names:
        alone = _read(name, (*sizes, ALL))
        if alone:
            found = [alone]
        elif name == ALL:
            found = _some(everything, seed)
        elif name in FAULTS:
            found = [case for case in everything if name == case.fault]
        else:
            hint = nearest(name, FAULTS) or f"one of all, {', '.join(FAULTS)}"
            raise ConfigError(Problem(path="--faults", what=f"{name!r} is no fault", hint=hint))
        chosen |= {case.id: case for case in found}
    return tuple(chosen.values())


def _of(channel: str, size: Size) -> Iterator[Case]:
    """All cases of a channel, by fault."""
    counts = {KILLED: size.items, KILLED_AFTER: size.items}
    for fault in Fault:
        if fault is not Fault.NONE:
            counts[fault.value] = size.writes if fault.needs_body else size.requests
    for name, count in counts.items():
        yield from (Case(channel=channel, fault=name, at=at) for at in range(count))


def _some(cases: Sequence[Case], seed: int) -> list[Case]:
    """In the same order, so many of each channel and fault."""
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.channel, case.fault), []).append(case)
    found: list[Case] = []
    for name, group in groups.items():
        chosen = Random(f"{seed} {name}").sample(group, min(len(group), MOST))  # noqa: S311 - to be repeated
        found += sorted(chosen, key=lambda case: case.at)
    return found


def _read(name: str, channels: Sequence[str]) -> Case | None:
    """The case that an id names."""
    channel, _, rest = name.partition("/")
    fault, _, at = rest.partition("@")
    if channel in channels and fault in FAULTS and at.isdecimal():
        return Case(channel=channel, fault=fault, at=int(at))
    return None


@dataclass(slots=True)
class Strike:
    """A fault at one of the requests that it can be at, counted from 0."""

    fault: Fault
    at: int
    seen: int = 0
    hit: bool = False

    def __call__(self, method: str, path: str) -> Fault:
        """The fault for a request."""
        if self.fault.needs_body and reads(method, path):
            return Fault.NONE
        self.seen += 1
        if self.seen - 1 != self.at:
            return Fault.NONE
        self.hit = True
        return self.fault


@dataclass(slots=True)
class Storm:
    """Faults at random: which, follows from the seed, the request, and how often it came, and not from the order."""

    seed: str
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    hit: bool = False

    def __call__(self, method: str, path: str) -> Fault:
        """The fault for a request."""
        path = path.rpartition("/uploads/")[0] or path  # what a registry calls an upload is never the same
        self.seen[method, path] += 1
        chance = Random(f"{self.seed} {method} {path} {self.seen[method, path]}")  # noqa: S311 - to be repeated
        if chance.random() >= _STORMY:
            return Fault.NONE
        self.hit = True
        kinds = [fault for fault in Fault if fault is not Fault.NONE and not (fault.needs_body and reads(method, path))]
        return chance.choice(kinds)
