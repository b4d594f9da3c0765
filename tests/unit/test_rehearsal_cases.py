"""Which cases a rehearsal has, and which faults they put where."""

import pytest

from shipways.errors import ConfigError
from shipways.rehearse.cases import FAULTS, MOST, Case, Size, Storm, Strike, planned
from shipways.rehearse.faults import Fault

SIZES = {"github": Size(requests=40, writes=3, items=2), "files": Size(requests=0, writes=0, items=1)}


def ids(*names: str, seed: int = 1) -> list[str]:
    """The cases for these names."""
    return [case.id for case in planned(SIZES, names, seed)]


def test_a_fault_is_everywhere() -> None:
    """At every request; a fault of a body only at those that send one; an end at every item."""
    assert [f"github/lost@{at}" for at in range(40)] == ids("lost")
    assert [f"github/half@{at}" for at in range(3)] == ids("half")
    assert ["github/killed@0", "github/killed@1", "files/killed@0"] == ids("killed")
    assert [] == ids()


def test_all_is_some_of_everything() -> None:
    """So many of each channel and fault, the same for the same seed, others for another."""
    found = ids("all")
    assert set(FAULTS) == {name.partition("/")[2].partition("@")[0] for name in found}
    assert MOST == len([name for name in found if name.startswith("github/lost@")])
    assert (True, False) == (found == ids("all"), found == ids("all", seed=2))


def test_one_alone() -> None:
    """A case by its id, once, wherever else it is in."""
    assert ["github/lost@3"] == ids("github/lost@3", "github/lost@3")
    assert 40 == len(ids("lost", "github/lost@3"))
    assert ["all/random@5"] == ids("all/random@5")


@pytest.mark.parametrize("name", ["lots", "github/lost", "nowhere/lost@1", "github/lots@1", "github/lost@-1"])
def test_no_fault(name: str) -> None:
    """What is none of these is refused, with what there is."""
    with pytest.raises(ConfigError, match="is no fault"):
        ids(name)


def test_strike() -> None:
    """One fault at one request, of those that it can be at."""
    lost, half = Strike(Fault.LOST, 1), Strike(Fault.HALF, 1)
    said = [(lost(method, "/"), half(method, "/")) for method in ("GET", "PUT", "POST", "PUT")]
    none = Fault.NONE
    assert [(none, none), (Fault.LOST, none), (none, Fault.HALF), (none, none)] == said
    assert (True, True, False) == (lost.hit, half.hit, Strike(Fault.LOST, 9).hit)


def test_storm() -> None:
    """The same faults for the same requests in any order, and reads have none that need a body."""
    requests = [(method, f"/{number}") for number in range(200) for method in ("GET", "PUT")]
    one, other = Storm("7 1"), Storm("7 1")
    said = {request: one(*request) for request in requests}
    assert said == {request: other(*request) for request in reversed(requests)}
    assert said != {request: Storm("7 2")(*request) for request in requests}
    assert {fault for fault in Fault if not fault.needs_body} >= {said[each] for each in requests if each[0] == "GET"}
    assert set(Fault) == set(said.values())


def test_id() -> None:
    """What is printed can be given back."""
    assert (Case(channel="github", fault="lost", at=3),) == planned(SIZES, ("github/lost@3",), 1)
