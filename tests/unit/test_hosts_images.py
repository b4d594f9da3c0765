"""Images on hosts: pulled by digest, run beside each other, with secrets in no command line; what is pruned."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from moored import ALONE, DOCKER, ROOT, SYSTEMD, A, Ground, ashore, short
from shipways.deploy.berths import free
from shipways.deploy.pruning import Kept, Stored, expired
from shipways.deploy.records import Record, recorded
from shipways.errors import Unfinished
from shipways.model.secret import Secret
from shipways.run.deploying import failure


@pytest.fixture
def one(tmp_path: Path) -> Ground:
    """One host, where images are run."""
    (tmp_path / "beat.json").write_text("{}")
    return ashore(tmp_path, DOCKER)


def test_containers(one: Ground) -> None:
    """S2-13: the new container starts beside the old one, at a port of its own, and the old one ends."""
    first, host = one.deployed("one"), one.host
    assert {short(first): "running"} == host.containers
    port = host.files[f"{ROOT}/releases/{short(first)}/port"].decode().strip()
    run = next(words for words in host.log if "run" in words and "docker" in words)
    assert f"127.0.0.1:{port}:8123" in run
    assert ("docker", "update", "--restart", "always", f"beat-{short(first)}") in host.log
    second = one.deployed("two")
    assert {short(second): "running"} == host.containers
    assert 2 == len([image for image in host.images if image.startswith("ghcr.io/example/beat@sha256:")])


def test_the_engine_has_died(one: Ground) -> None:
    """F5: neither what serves nor what came beside it runs any more: nothing is drained there; the next one comes."""
    first, host = one.deployed("one"), one.host
    backend, count = str(host.backend), len(host.log)
    host.containers |= {short(first): "exited", "0" * 16: "exited"}
    second = one.deployed("two")
    assert {short(second): "running"} == host.containers
    assert [] == [words for words in host.log[count:] if "switch" in words and backend in words]


def test_without_variables(one: Ground) -> None:
    """A service that is given no variables has no file of them, and its container is started without one."""
    one.config = ALONE.replace('kind = "hosts"', 'kind = "hosts"\nmethod = "docker"')
    first, host = one.deployed("one"), one.host
    assert {short(first): "running"} == host.containers
    assert not [words for words in host.log if "run" in words and any(each.endswith("/environment") for each in words)]


def test_secrets(one: Ground) -> None:
    """S2-20: values are in files for root, and in no command; a container is given the other variables by one."""
    first, host = one.deployed("one"), one.host
    folder = f"{ROOT}/releases/{short(first)}"
    assert b"it's a secret" == host.files[f"{folder}/secrets/BEAT_TOKEN"]
    assert "BEAT_PLACE=here\nBEAT_TOKEN='it'\"'\"'s a secret'\n" == host.files[f"{folder}/environment"].decode()
    run = next(words for words in host.log if "run" in words and "docker" in words)
    assert (f"{folder}/docker.env", "BEAT_TOKEN" in run) == (run[run.index("--env-file") + 1], False)
    assert (b"BEAT_PLACE=here\n", False) == (host.files[f"{folder}/docker.env"], "a secret" in str(host.log))
    assert "type=bind,source=" + f"{folder}/files/beat.json,target=/etc/beat.json,readonly" in run


@pytest.mark.parametrize("config", [DOCKER, SYSTEMD])
def test_changed_beside(one: Ground, config: str) -> None:
    """Another config file is brought and read by a restart; a secret that is not given here stays as it is there."""
    one.config = config
    first, host = one.deployed("one"), one.host
    folder = f"{ROOT}/releases/{short(first)}"
    (one.folder / "beat.json").write_text('{"other": 1}')
    assert [True] == [one.seen(item).torn for item in one.wanted("one") if item.id.endswith("/start")]
    host.log.clear()
    one.deployed("one")
    assert b'{"other": 1}' == host.files[f"{folder}/files/beat.json"]
    anew = [words for words in host.log if words[1:2] == ("restart",) or "run" in words]
    assert 1 == len(anew)
    (item, *_) = one.wanted("one")
    mooring = anyio.run(one.deployer()._mooring, replace(one.site, env={"BEAT_PLACE": "there"}), item)

    async def beside() -> bytes:
        return (await mooring.beside(await mooring.instance(short(first))))["environment"]

    assert [b"BEAT_PLACE=there", b"BEAT_TOKEN='it'\"'\"'s a secret'"] == sorted(anyio.run(beside).splitlines())


def test_login(one: Ground) -> None:
    """S2-20: the password of a registry goes by standard input."""
    one.logins = {"ghcr.io": ("me", Secret("canary"))}
    one.deployed("one")
    assert [b"canary"] == [each for each in one.host.told if b"canary" in each]
    assert "canary" not in str(one.host.log)


@pytest.mark.parametrize("why", ["connection refused", "toomanyrequests: 429", "net/http: TLS handshake timeout"])
def test_registry_in_trouble(one: Ground, why: str) -> None:
    """F19: where it is down, slow or asks for patience, it is said; what ran runs on, and nothing is left.

    No tag can move under a deployment: it is pulled by its digest.
    """
    first, host = one.deployed("one"), one.host
    files, images, host.pulls = dict(host.files), set(host.images), why
    outcome = one.deploy(one.wanted("two"))
    assert why in str([row.problems for row in outcome.rows])
    assert (files, images, {short(first): "running"}) == (host.files, host.images, host.containers)
    host.pulls = ""
    assert {short(one.deployed("two")): "running"} == host.containers


def test_version(one: Ground) -> None:
    """S2-14: the answer has to have the version of the release, where the config says which member that is."""
    one.deployed("one")
    probes = [words for words in one.host.log if words[1:2] == ("probe",)]
    assert probes
    assert all("version=1.2.3" in words for words in probes)


def test_no_engine(one: Ground) -> None:
    """A host without one is told before anything is done."""
    one.host.engine = False
    assert [("a", "no Docker engine answers there")] == one.problems()


DAY = 86400.0


@pytest.mark.parametrize(
    ("days", "pinned", "needed", "quota", "gone"),
    [
        (6.9, False, (), 100, ()),
        (7.1, False, (), 100, ("old",)),
        (7.1, True, (), 100, ()),
        (7.1, False, ("old",), 100, ()),
        (1, False, (), 15, ("old",)),
        (1, False, ("old", "new"), 15, ()),
    ],
)
def test_pruned(days: float, pinned: bool, needed: tuple[str, ...], quota: int, gone: tuple[str, ...]) -> None:
    """S2-17: a week is kept, within the room there is; never what runs, what ran before, and what is pinned."""
    now = 100 * DAY
    stored = (
        Stored(id="old", touched=now - days * DAY, size=10, pinned=pinned),
        Stored(id="new", touched=now - DAY / 2, size=10, pinned=False),
    )
    assert gone == expired(stored, needed, Kept(age=7 * DAY, quota=quota), now)


def test_half_a_release(one: Ground) -> None:
    """F8: what could neither be brought nor be taken away again goes with the next deployment, however young it is."""
    one.deployed("one")
    half = f"{ROOT}/releases/{'f' * 16}"
    one.host.files[f"{half}/tender"] = b"x"
    one.deployed("two")
    assert [] == [path for path in one.host.files if path.startswith(half)]


def test_pruned_on_the_host(one: Ground) -> None:
    """What goes is a folder and its image; the release that runs and the one before stay."""
    one.config = DOCKER.replace('method = "docker"', 'method = "docker"\nkept.age = "1m"')
    first, host = one.deployed("one"), one.host
    image = next(iter(host.images))
    one.deployed("two")
    host.stored = f"{short(first)} 1 10 whole\n"
    one.deployed("three")
    assert f"{ROOT}/releases/{short(first)}/release.json" in host.files, "a failure would have needed it"
    one.deployed("four")
    assert (False, False) == (f"{ROOT}/releases/{short(first)}/release.json" in host.files, image in host.images)
    assert 3 == len([path for path in host.files if path.endswith("/release.json")])


def test_withdrawn(one: Ground) -> None:
    """What is taken back of a release is its image and its folder, but never of one that runs or ran before."""
    (old, *_), host = [one.deployed(text) for text in ("zero", "one", "two")], one.host

    def withdraw(phase: str, *texts: str) -> tuple[int, bool]:
        """How many images are left, and whether the oldest release is there."""
        for text in texts:
            item = replace(one.wanted(text)[0], id=f"{A}/{phase}")
            anyio.run(one.deployer().withdraw, one.site, item)
        return len(host.images), f"{ROOT}/releases/{short(old)}/release.json" in host.files

    before, images = dict(host.files), set(host.images)
    assert [(3, True), (3, True)] == [withdraw(phase, "one", "two") for phase in ("transfer", "build")]
    assert before == host.files
    host.tokens[f"{ROOT}/lock"] += 1
    for phase in ("build", "transfer"):
        with pytest.raises(Unfinished, match="status 76"):
            withdraw(phase, "zero")
    assert (before, images) == (host.files, host.images), "somebody newer has the lock"
    host.tokens[f"{ROOT}/lock"] -= 1
    assert [(2, True), (2, False)] == [withdraw(phase, "zero") for phase in ("build", "transfer")]


@pytest.mark.parametrize("config", [DOCKER, SYSTEMD])
def test_pinned(one: Ground, config: str) -> None:
    """S2-17: one that somebody has pinned stays, also when it is deployed again, and sick or not to be had."""
    one.config = config
    (old, *_), host = [one.deployed(text) for text in ("one", "two", "three")], one.host
    folder = f"{ROOT}/releases/{short(old)}"
    host.files[f"{folder}/pinned"] = b""
    there = (dict(host.files), set(host.images))
    host.sick, host.well = True, {str(host.backend)}
    assert "is not healthy" in str(failure(one.deploy(one.wanted("one"))))
    for phase in ("build", "transfer"):
        anyio.run(one.deployer().withdraw, one.site, replace(one.wanted("one")[0], id=f"{A}/{phase}"))
    assert there == (host.files, host.images)
    items, host.pulls, host.images = one.wanted("one"), "connection refused", set()
    host.files.pop(f"{folder}/beat", None)
    (one.folder / "one/beat").write_text("altered")
    assert f"{A}/transfer" in str(failure(one.deploy(items)))
    assert f"{folder}/pinned" in host.files


def test_asked(one: Ground) -> None:
    """One that serves already has to answer also where it was only to start; on the way back it may still be absent."""
    first, second = (one.deployed(text) for text in ("one", "two"))

    def healthy(text: str) -> list[bool]:
        """Of its start, verification and switch."""
        items = one.wanted(text)[-3:]
        return [anyio.run(one.deployer().probe, one.site, item).healthy for item in items]

    one.host.containers[short(first)] = "running"
    assert ([True, True, False], [True, True, True]) == (healthy("one"), healthy("two"))
    one.host.sick = True
    assert ([True, False, False], [False, False, False]) == (healthy("one"), healthy("two"))
    del one.host.containers[short(first)], one.host.containers[short(second)]
    assert ([False, False, False], [False, True, False]) == (healthy("one"), healthy("two"))


def test_ports() -> None:
    """A release has the same port again, and another one where that is taken."""
    port = free("00000000000004d2", frozenset())
    assert (21234, 21235) == (port, free("00000000000004d2", frozenset({port})))


def test_records() -> None:
    """What is written is read; what is none is nothing, and what an older shipways wrote has no time."""
    record = Record(running="a", previous="b", since=1.5, gap=0.25)
    assert record == recorded(record.encoded)
    assert Record(running="a", previous="b") == recorded('{"running": "a", "previous": "b"}')
    assert [None, None, None] == [recorded(text) for text in ("", "[]", '{"running": "a"}')]
