"""Deployments to hosts that were killed between two steps, and what the next one does."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from moored import ALONE, ROOT, Ground, ashore, short
from shipways.ports import Completed
from shipways.testing.host import MemoryHost


@pytest.fixture
def one(tmp_path: Path) -> Ground:
    """One host alone."""
    return ashore(tmp_path, ALONE)


def test_killed_between(one: Ground) -> None:
    """F1: killed when the port led to the new release, and nothing was remembered: the next one ends it."""
    first = one.deployed("one")
    kept = dict(one.host.files)
    second = one.deployed("two")
    host = one.host
    state = f"{ROOT}/state.json"
    host.files[state], host.links[f"{ROOT}/current"] = kept[state], f"{ROOT}/releases/{short(first)}"
    host.units[f"beat@{short(first)}.service"] = "active running"
    assert second == one.deployed("two")
    assert [f"beat@{short(second)}.service"] == [name for name in host.units if name.startswith("beat@")]


def half_switched(one: Ground) -> tuple[str, str]:
    """A run was killed when the port led to the second release: both run, and the first one is remembered."""
    first, host = one.deployed("one"), one.host
    state, link, backend = f"{ROOT}/state.json", f"{ROOT}/current", str(host.backend)
    kept = (host.files[state], host.links[link])
    second = one.deployed("two")
    host.files[state], host.links[link] = kept
    for name in (path for path in (f"beat@{short(each)}.service" for each in (first, second))):
        host.units[name] = "active running"
    host.log.clear()
    host.well = {backend}
    return backend, second


@pytest.mark.parametrize("sick", [False, True])
def test_killed_then_another(one: Ground, sick: bool) -> None:
    """F1: what a killed run led the port to ends once the one before has it again, which serves until the third does.

    What is under way there ends first.
    """
    backend, second = half_switched(one)
    host = one.host
    host.sick, host.drains = sick, 3
    outcome = one.deploy(one.wanted("three"))
    assert sick is any(row.problems for row in outcome.rows)
    turned = next(at for at, words in enumerate(host.log) if words[1:3] == ("proxy", "switch"))
    begun = next(at for at, words in enumerate(host.log) if words[:2] == ("systemctl", "start") and "@" in words[-1])
    ended = host.log.index(("systemctl", "disable", "--now", "--no-reload", "--", f"beat@{short(second)}.service"))
    assert (backend, True) == (host.log[turned][host.log[turned].index("--to") + 1], turned < ended < begun)
    assert 4 == len([words for words in host.log[turned:ended] if words[1:3] == ("proxy", "status")])
    assert sick is (backend == host.backend)


class Serving(MemoryHost):
    """Knows what served when something was started; `sick` are the ports of releases that do not answer."""

    served: str = ""
    sicken: str = ""

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """As it is told."""
        if "start" in argv and "@" in argv[-1]:
            self.served = str(self.backend)
        if "probe" in argv and self.sicken and self.sicken in " ".join(argv):
            return Completed(code=1, stdout="", stderr="tender: unhealthy: status 503, expected 200")
        return await MemoryHost.run(self, argv, stdin)


def test_killed_then_the_one_before_is_sick(one: Ground) -> None:
    """F1: where what is remembered does not answer, what serves since the kill does until the third one does."""
    one.hosts["a"] = host = Serving()
    host.sicken, second = half_switched(one)
    serves = host.backend
    third = one.deployed("three")
    assert serves == host.served
    assert [f"beat@{short(third)}.service"] == [name for name in host.units if name.startswith("beat@")]
    assert f"beat@{short(second)}.service" not in host.units


@pytest.mark.parametrize("method", ["systemd", "docker"])
def test_killed_then_the_machine_begins_anew(one: Ground, method: str) -> None:
    """F4: what the port leads to starts with the machine: it is said before, and unsaid when it is taken back."""
    one.config = one.config.replace('kind = "hosts"', f'kind = "hosts"\nmethod = "{method}"')
    one.deployed("one")
    host = one.host
    host.log.clear()
    host.full = "/state.json"
    unit, name = f"beat@{short(digest := one.wanted('two')[0].want)}.service", f"beat-{short(digest)}"
    one.deploy(one.wanted("two"))
    kept, gone = (
        (
            ("systemctl", "enable", "--no-reload", "--", unit),
            ("systemctl", "disable", "--now", "--no-reload", "--", unit),
        )
        if method == "systemd"
        else (("docker", "update", "--restart", "always", name), ("docker", "rm", "--force", name))
    )
    turned = next(at for at, words in enumerate(host.log) if words[1:3] == ("proxy", "switch"))
    assert host.log.index(kept) < turned < host.log.index(gone)
