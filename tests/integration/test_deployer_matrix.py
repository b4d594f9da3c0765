"""F1-F31: whatever goes wrong in a deployment, and when: all hosts serve the new version then, or all the old one.

Every cell leaves the hosts to the next one as they have to be: with one version, nothing orphaned, and a deployer that
has just brought it.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cells import Ground, grounds
from disturbing import BOTH, PHASES, cells
from matrix import tenth
from playing import played, returned, severed, stolen, waited
from support import need

pytestmark = [pytest.mark.integration, pytest.mark.long]
_ALL = tuple(cells())
_TENTH = tenth(_ALL)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Ground]:
    """The hosts. What takes its time and no processor goes on from the beginning, where it is asked for."""
    need("iptables", "ss", "nsenter")
    cache, slow = request.config.cache, any("true_times" in each.name for each in request.session.items)
    kept = cache.mkdir("images") if cache else tmp_path_factory.mktemp("kept")
    with ThreadPoolExecutor(1) as pool, grounds(tmp_path_factory.mktemp("matrix"), kept, 3 + slow) as made:
        made.waiting = pool.submit(waited, made) if slow else None
        yield made


@pytest.mark.tenth
@pytest.mark.parametrize("cell", _TENTH, ids="-".join)
def test_a_tenth(ground: Ground, cell: tuple[str, str, str]) -> None:
    """S2-16, S2-22: a tenth of all cells, by SHIPWAYS_SEED."""
    played(ground, cell)


@pytest.mark.parametrize("cell", [each for each in _ALL if each not in _TENTH], ids="-".join)
def test_the_rest(ground: Ground, cell: tuple[str, str, str]) -> None:
    """S2-16, S2-22: every other cell."""
    played(ground, cell)


@pytest.mark.parametrize("method", BOTH)
def test_a_port_is_stolen(ground: Ground, method: str) -> None:
    """F14: after it was seen to be free, on one host: nothing is left of a service that is new, on either."""
    stolen(ground, method)


@pytest.mark.parametrize(("method", "phase"), [("docker", PHASES[4]), ("systemd", PHASES[3])])
def test_a_host_is_gone(ground: Ground, method: str, phase: str) -> None:
    """F7: in the middle of a deployment, and for good: minutes, until it is given up."""
    severed(ground, method, phase)


@pytest.mark.parametrize("method", BOTH)
def test_back(ground: Ground, method: str) -> None:
    """F27, F28: a rollback of a rollback; one to what was removed by hand is refused, and what runs runs on."""
    returned(ground, method)


def test_true_times(ground: Ground) -> None:
    """S2-18: a health that is late, a link that is cut, a build without end, in seconds as they are specified."""
    assert ground.waiting
    ground.waiting.result()
