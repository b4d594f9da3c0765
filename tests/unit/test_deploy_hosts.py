"""Programs on hosts: in which order, what runs afterwards, and what returns."""

from pathlib import Path

import anyio
import pytest

from moored import ALONE, ROOT, A, B, C, Ground, ashore, short
from shipways.errors import DeployFailed
from shipways.model.deployment import Running
from shipways.model.outcome import Outcome
from shipways.run.deploying import Crew, deploy
from shipways.run.returning import rollbacks
from shipways.testing.console import ManualClock, RecordingConsole


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """Three hosts."""
    return ashore(tmp_path)


@pytest.fixture
def one(tmp_path: Path) -> Ground:
    """One host alone."""
    return ashore(tmp_path, ALONE)


def test_order(ground: Ground) -> None:
    """Everything is everywhere before anything starts; two hosts at once, and the third when both serve."""
    needs = {item.id: item.needs for item in ground.deployer().items()}
    ready = (f"{A}/transfer", f"{B}/transfer", f"{C}/transfer")
    assert [(), (), ()] == [needs[each] for each in ready]
    assert ready == needs[f"{A}/start"] == needs[f"{B}/start"]
    assert (*ready, f"{A}/switch", f"{B}/switch") == needs[f"{C}/start"]
    assert [(f"{C}/start",), (f"{C}/verify",)] == [needs[f"{C}/{each}"] for each in ("verify", "switch")]


def test_brought_and_started(one: Ground) -> None:
    """A release has a unit and a port of its own; the next one starts beside it, takes over, and the first one ends."""
    first, host = one.deployed("one"), one.host
    unit, port = f"beat@{short(first)}.service", host.files[f"{ROOT}/releases/{short(first)}/port"].decode().strip()
    assert [unit] == [name for name in host.units if name.startswith("beat@")]
    assert f"127.0.0.1:{port}" == host.backend
    text = host.files[f"/etc/systemd/system/{unit}"].decode()
    assert f"{ROOT}/releases/{short(first)}/beat" in text
    assert f'"PORT={port}"' in text or f"PORT={port}" in text
    host.log.clear()
    host.drains = 3
    second = one.deployed("two")
    assert [f"beat@{short(second)}.service"] == [name for name in host.units if name.startswith("beat@")]
    turns = [words[1:3] for words in host.log if words[1:2] == ("proxy",) and words[2] == "switch"]
    begun = host.log.index(("systemctl", "start", "--no-block", "--", f"beat@{short(second)}.service"))
    ended = host.log.index(("systemctl", "disable", "--now", "--no-reload", "--", unit))
    switched = next(n for n, words in enumerate(host.log) if words[1:3] == ("proxy", "switch") and "--no-wait" in words)
    assert (True, 1) == (begun < switched < ended, len(turns))
    looks = [words for words in host.log[switched:ended] if words[1:3] == ("proxy", "status")]
    assert 4 == len(looks), "it ends when nothing is under way any more"
    assert f"/etc/systemd/system/{unit}" not in host.files
    assert b"two" == host.files[f"{host.links[f'{ROOT}/current']}/beat"]
    switch = next(item for item in one.wanted("two") if item.id.endswith("switch"))
    assert Running(digest=second, previous=first) == one.seen(switch)


def test_units_are_read_again_where_they_have_to_be(one: Ground) -> None:
    """Reading all units again takes long: it is done once for the one that ends, and where a known one has changed."""
    one.deployed("one")
    one.host.log.clear()
    second = one.deployed("two")
    reload, unit = ("systemctl", "daemon-reload"), f"beat@{short(second)}.service"
    assert [reload] == [words for words in one.host.log if words == reload]
    assert one.host.log.index(reload) > one.host.log.index(("systemctl", "start", "--no-block", "--", unit))
    one.host.files[f"/etc/systemd/system/{unit}"], one.host.stale = b"edited", {unit}
    one.host.log.clear()
    one.deployed("two")
    begun = one.host.log.index(("systemctl", "restart", "--no-block", "--", unit))
    assert [reload] == [words for words in one.host.log[:begun] if words == reload]


def test_again(one: Ground) -> None:
    """Once more nothing is done but to ask."""
    one.deployed("one")
    one.host.log.clear()
    one.deployed("one")
    asked = {"cat", "sha256sum", "readlink"}
    assert not [
        words
        for words in one.host.log
        if words[0] not in asked
        and words[1] not in {"list-units", "show", "is-active", "probe", "-c"}
        and words[2] != "status"
    ]


def test_back_and_forth(one: Ground) -> None:
    """A rollback returns to what ran before; once more goes forward. One whose release has gone is refused at once."""
    first, second = one.deployed("one"), one.deployed("two")

    def back() -> str:
        items = one.deployer().items()
        running = anyio.run(one.deployer().observe, one.site, items)
        one.deploy(rollbacks(items, running))
        return one.host.links[f"{ROOT}/current"].rpartition("/")[2]

    assert [short(first), short(second)] == [back(), back()]
    one.host.files.pop(f"{ROOT}/releases/{short(first)}/beat")
    with pytest.raises(DeployFailed, match="has nothing to return to"):
        back()


def test_not_healthy(one: Ground) -> None:
    """F12: what is not healthy in time never gets the public port, and leaves nothing; what ran runs on untouched."""
    first, host = one.deployed("one"), one.host
    backend, host.sick = str(host.backend), True
    host.well.add(backend)
    outcome = one.deploy(one.wanted("two"))
    states = {row.item.id.rpartition("/")[2]: row.state.value for row in outcome.rows}
    assert {"transfer": "returned", "start": "returned", "verify": "returned", "switch": "to do"} == states
    assert (backend, [f"beat@{short(first)}.service"]) == (
        host.backend,
        [name for name in host.units if name.startswith("beat@")],
    )
    releases = {path.split("/")[5] for path in host.files if path.startswith(f"{ROOT}/releases/")}
    assert {short(first)} == releases


@pytest.mark.parametrize(
    ("says", "answered"),
    [
        ("status 503, expected 200", True),
        ('body does not contain "well"', True),
        ('JSON body has no "status"', True),
        ("dial tcp 127.0.0.1:20123: connect: connection refused", False),
        ("EOF", False),
        ("read tcp 127.0.0.1:4->127.0.0.1:20123: read: connection reset by peer", False),
        ("no complete answer within 5s", False),
    ],
)
def test_slow_to_listen(one: Ground, says: str, answered: bool) -> None:
    """F12: a connection that is refused, or that Docker takes before the service does, is no wrong answer yet."""
    one.deployed("one")
    one.host.sick, one.host.says = True, says
    (verify,) = (item for item in one.wanted("one") if item.id.endswith("/verify"))
    found = anyio.run(one.deployer().probe, one.site, verify)
    assert (False, answered) == (found.healthy, found.answered)


def test_disk_is_full_at_the_end(one: Ground) -> None:
    """F8: what runs cannot be remembered: the one before has the port again, for which nothing is to be written."""
    first, host = one.deployed("one"), one.host
    there, host.full = (host.backend, dict(host.files), dict(host.links)), "/state.json"
    problems = [problem for row in one.deploy(one.wanted("two")).rows for problem in row.problems]
    assert ["No space left on device"] == [each.why for each in problems]
    assert (there, [f"beat@{short(first)}.service"]) == (
        (host.backend, host.files, host.links),
        [name for name in host.units if name.startswith("beat@")],
    )
    host.full = ""
    assert short(one.deployed("two")) in str(host.units)


def test_the_first_that_fails_leaves_nothing(one: Ground) -> None:
    """F13: nothing of a first deployment is left but tender, when it ends at once."""
    one.host.begins = "failed failed"
    outcome = one.deploy(one.wanted("one"))
    assert "failed (failed)" in str([row.problems for row in outcome.rows])
    assert ["/opt/shipways/bin/tender"] == list(one.host.files)
    assert ([], {}) == ([name for name in one.host.units if "beat" in name], one.host.links)


def test_watched_then_returned(one: Ground) -> None:
    """One that fails after it has taken over: the one before is started again, and gets the port back."""
    one.config = ALONE.replace('kind = "hosts"', 'kind = "hosts"\nwatch = "5s"')
    first, host = one.deployed("one"), one.host
    backend = host.backend

    class Turning(RecordingConsole):
        def emit(self, event: object) -> None:
            host.sick = host.sick or "is watched" in str(event)
            if "returned" in str(event) or "failed" in type(event).__name__.lower():
                host.sick = False

    async def go() -> Outcome:
        await one.deployer().preflight(one.site)
        crew = Crew(site=one.site, console=Turning(), clock=ManualClock())
        return await deploy(one.deployer(), one.wanted("two"), crew)

    outcome = anyio.run(go)
    assert any(row.problems for row in outcome.rows)
    assert (backend, f"{ROOT}/releases/{short(first)}") == (host.backend, host.links[f"{ROOT}/current"])
    assert [f"beat@{short(first)}.service"] == [name for name in host.units if name.startswith("beat@")]


def test_other_bytes_are_not_brought(one: Ground) -> None:
    """A program in dist/ that is not the manifest's: nothing of the service is there."""
    items = one.wanted("one")
    (one.folder / "one/beat").write_text("altered")
    outcome = one.deploy(items)
    assert "cannot be brought" in str([row.problems for row in outcome.rows])
    assert ["/opt/shipways/bin/tender"] == list(one.host.files)


@pytest.mark.parametrize("place", ["UNIT", "PROGRAM", "LINK", "BACKEND", "GONE"])
def test_torn(one: Ground, place: str) -> None:
    """F6: a unit or a program that was edited, a link or a port that leads elsewhere, one that was ended: mended."""
    first, host = one.deployed("one"), one.host
    folder, backend = f"{ROOT}/releases/{short(first)}", host.backend
    unit = f"/etc/systemd/system/beat@{short(first)}.service"
    right = dict(host.files)
    match place:
        case "UNIT":
            host.files[unit] = b"edited"
        case "PROGRAM":
            host.files[f"{folder}/beat"] = b"edited"
        case "LINK":
            host.links[f"{ROOT}/current"] = f"{ROOT}/releases/other"
        case "BACKEND":
            host.backend = "127.0.0.1:1"
        case "GONE":
            host.units.pop(f"beat@{short(first)}.service")
    assert any(one.seen(item).torn for item in one.wanted("one"))
    host.log.clear()
    one.deployed("one")
    assert (right[unit], backend, folder) == (host.files[unit], host.backend, host.links[f"{ROOT}/current"])
    restarts = [
        words
        for words in host.log
        if words[0] == "systemctl" and words[1] in {"restart", "start"} and words[-1].startswith("beat@")
    ]
    assert {"UNIT": 1, "PROGRAM": 1, "LINK": 0, "BACKEND": 0, "GONE": 1}[place] == len(restarts)


def test_nobody_answers_the_proxy(one: Ground) -> None:
    """A release that does not answer when the port should lead to it: the port leads to the one before."""
    one.deployed("one")
    backend, one.host.dead = one.host.backend, True
    outcome = one.deploy(one.wanted("two"))
    assert "does not answer yet" in str([row.problems for row in outcome.rows])
    assert backend == one.host.backend


def test_recreated(one: Ground) -> None:
    """One that cannot run twice: the port waits, the old one ends before the new one starts, and the gap is told."""
    one.config = ALONE.replace("port = 8123", 'port = 8123\nstrategy = "recreate"')
    first, host = one.deployed("one"), one.host
    host.log.clear()
    host.drains = 3
    second = one.deployed("two")
    order = [
        words[2] if words[1] == "proxy" else words[1]
        for words in host.log
        if words[1:2] in {("proxy",), ("start",), ("disable",)}
    ]
    short_ = [each for each in order if each in {"pause", "disable", "start", "switch"}]
    assert ["pause", "disable", "start"] == short_[:3]
    assert ["status"] * 4 == order[order.index("pause") + 1 : order.index("disable")], "nothing is under way any more"
    assert short_.index("switch") > short_.index("start")
    assert f"127.0.0.1:{host.files[f'{ROOT}/releases/{short(second)}/port'].decode().strip()}" == host.backend
    assert b'"gap": 0.0' not in host.files[f"{ROOT}/state.json"]
    host.sick, host.well = True, {str(host.backend)}
    outcome = one.deploy(one.wanted("three"))
    assert not [row for row in outcome.rows if any("could not return" in each.what for each in row.problems)]
    assert [f"beat@{short(second)}.service"] == [name for name in host.units if name.startswith("beat@")]
    assert f"127.0.0.1:{host.files[f'{ROOT}/releases/{short(second)}/port'].decode().strip()}" == host.backend
    assert first != second


def test_sockets(one: Ground) -> None:
    """A program that is handed its socket: systemd listens at the port of the release."""
    one.config = ALONE.replace("port = 8123", "port = 8123\nsocket = true")
    first, host = one.deployed("one"), one.host
    socket, port = f"beat@{short(first)}.socket", str(host.backend).rpartition(":")[2]
    assert f"ListenStream=127.0.0.1:{port}\n" in host.files[f"/etc/systemd/system/{socket}"].decode()
    assert f"Requires={socket}\n" in host.files[f"/etc/systemd/system/beat@{short(first)}.service"].decode()
    assert "ListenStream=127.0.0.1:8123\n" in host.files["/etc/systemd/system/beat-proxy.socket"].decode()
    second = one.deployed("two")
    started = [name for name in host.units if name.startswith("beat@")]
    assert {f"beat@{short(second)}.socket", f"beat@{short(second)}.service"} == set(started)
    assert f"/etc/systemd/system/{socket}" not in host.files
