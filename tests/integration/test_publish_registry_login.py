"""Who pushes: logins of Docker, tokens and their scopes, and what is never told."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from registries import LocalRegistry, local_registry, skopeo
from shipping import Release, Run, release, states
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.oci import OciRegistry
from shipways.rehearse.ocigate import Account
from shipways.rehearse.serving import served
from support import need

pytestmark = pytest.mark.integration

CANARY = "canary-password"
HTPASSWD = "me:$2b$04$UUkjpONZAC6MjJIu.QW/ze3PVKY7f9XDLgYdiiXavHMDd5XsMtPIu\n"
"""bcrypt of it, as htpasswd -B writes it."""
ACCOUNTS = {
    "me": Account(password=CANARY),
    "reader": Account(password=CANARY, reads_only=True),
    "team": Account(password=CANARY, pushes="team/"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release(tmp_path_factory.mktemp("made"), sbom=True)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    need("docker-registry")
    with local_registry(tmp_path_factory.mktemp("registry"), HTPASSWD) as started:
        yield started


class Guarded:
    """A stand-in with accounts, and users of it."""

    def __init__(self, folder: Path, *, token: bool = True) -> None:
        self.folder = folder
        (folder / "oci").mkdir()
        self.app = OciRegistry(folder / "oci", ACCOUNTS, token=token)
        self.traffic = Traffic()
        self.expires = 0
        self.host = ""

    def choose(self, method: str, path: str) -> Fault:
        """Tokens expire before one of the requests."""
        if len(self.traffic.requests) == self.expires:
            self.app.gate.expire()
        return Fault.NONE

    def run(self, user: str, *names: str) -> Run:
        """A run of a user, whom Docker knows by name; of nobody in particular without one."""
        login = docker(self.folder / f"docker-{user}", self.host, user) if user else self.folder
        return Run(tuple(f"{self.host}/{name}" for name in names), login=login)


@pytest.fixture(params=[True, False], ids=["token", "basic"])
def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Guarded]:
    """With tokens, and with the password in each request."""
    with served_by(Guarded(tmp_path, token=request.param)) as place:
        yield place


@pytest.fixture
def by_token(tmp_path: Path) -> Iterator[Guarded]:
    with served_by(Guarded(tmp_path)) as place:
        yield place


class served_by:  # noqa: N801 - a context manager
    """The stand-in on a port."""

    def __init__(self, place: Guarded) -> None:
        self._place = place
        self._served = served(Faulty(place.app.app, place.choose, place.traffic))

    def __enter__(self) -> Guarded:
        self._place.host = self._served.__enter__().removeprefix("http://")
        return self._place

    def __exit__(self, *how: object) -> None:
        self._served.__exit__(*how)


def docker(folder: Path, host: str, user: str) -> Path:
    """What `docker login` writes."""
    folder.mkdir(exist_ok=True)
    auth = base64.b64encode(f"{user}:{CANARY}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return folder


def told(run: Run, *outcomes: object) -> str:
    """Everything that a run says."""
    return repr(run.console.events) + repr(outcomes)


def assert_secret(text: str) -> None:
    """Neither a password nor a form of it."""
    for user in ACCOUNTS:
        assert base64.b64encode(f"{user}:{CANARY}".encode()).decode() not in text
    assert CANARY not in text


def test_login(guarded: Guarded, made: Release) -> None:
    """Who is logged in pushes to two repositories; running again finds it so. Nothing tells the password."""
    run = guarded.run("me", "first", "second")
    outcome = run(made)
    assert {"applied"} == set(states(outcome))
    again = run(made)
    assert {"there"} == set(states(again))
    assert ("mount", "second") in {(what, name) for what, name, _ in guarded.app.log}
    assert_secret(told(run, outcome, again) + repr(guarded.traffic.requests))


def test_scopes(by_token: Guarded, made: Release) -> None:
    """A token is for one repository, and for reading the one that blobs are mounted from."""
    by_token.run("me", "first", "second")(made)
    assert {
        ("repository:first:pull,push",),
        ("repository:second:pull,push",),
        ("repository:second:pull,push", "repository:first:pull"),
    } == set(by_token.app.gate.asked)
    assert 3 == len(by_token.app.gate.asked)


@pytest.mark.parametrize("user", ["reader", "", "team"])
def test_no_right(guarded: Guarded, made: Release, user: str) -> None:
    """What is refused is not tried again; it says how to get the right, and nothing becomes public."""
    run = guarded.run(user, "others/pulse")
    outcome = run(made)
    assert {"failed", "waits"} >= set(states(outcome)) - {"to do"}
    text = str(outcome.error())
    assert f"`docker login {guarded.host}` with an account that may push to it" in text
    assert not guarded.app.log
    assert_secret(told(run, outcome) + text)


@pytest.mark.parametrize("user", ["reader", "", "team"])
def test_no_right_before(guarded: Guarded, user: str) -> None:
    """The same is known before anything is built, of each repository."""
    said = guarded.run(user, "team/pulse", "others/pulse").preflight()
    assert f"`docker login {guarded.host}` with an account that may push to it" in said
    assert (user != "team", True) == ("team/pulse" in said, "others/pulse" in said)
    assert_secret(said)


def test_right_before(guarded: Guarded) -> None:
    """Nothing is said of who may push, and nothing is left: the upload was begun, and given up."""
    assert "" == guarded.run("me", "first", "second").preflight()
    assert 2 == guarded.traffic.methods()["DELETE"]
    assert ([], []) == (guarded.app.log, list((guarded.folder / "oci").iterdir()))


def test_right_before_of_a_real_registry(real: LocalRegistry, tmp_path: Path) -> None:
    """docker-registry gives up an upload too, but for a hash of nothing; a wrong password is told."""
    names = (f"{real.host}/before/pulse",)
    assert "" == Run(names, login=docker(tmp_path / "docker", real.host, "me")).preflight()
    assert ["0"] == [path.name for path in real.storage.rglob("*") if path.is_file() and "before" in path.parts]
    assert "401 Unauthorized" in Run(names, login=docker(tmp_path / "docker", real.host, "you")).preflight()


def test_right_for_some(by_token: Guarded, made: Release) -> None:
    """One repository of two is refused: neither gets a tag."""
    outcome = by_token.run("team", "team/pulse", "others/pulse")(made)
    assert "failed" in states(outcome)
    assert {} == by_token.app.repository("team/pulse").tags
    assert not outcome.begun


def test_wrong_password(guarded: Guarded, made: Release) -> None:
    """A login that does not count is refused."""
    (guarded.folder / "wrong").mkdir()
    auth = base64.b64encode(b"me:wrong").decode()
    (guarded.folder / "wrong" / "config.json").write_text(json.dumps({"auths": {guarded.host: {"auth": auth}}}))
    run = Run((f"{guarded.host}/pulse",), login=guarded.folder / "wrong")
    assert "401 Unauthorized" in str(run(made).error())


def test_token_that_expires(by_token: Guarded, made: Release) -> None:
    """Tokens that end in the middle of a push: another one is asked for."""
    for number in range(14, 40, 4):
        by_token.traffic.requests.clear()
        by_token.expires = number
        assert {"applied"} == set(states(by_token.run("me", f"expires/{number}")(made)))


def test_anybody_verifies(by_token: Guarded, made: Release) -> None:
    """What is public is compared without a login, and without asking for the right to push."""
    by_token.run("me", "public")(made)
    by_token.app.gate.asked.clear()
    assert {"there"} == set(states(by_token.run("", "public")(made, apply=False)))
    assert {("repository:public:pull",)} == set(by_token.app.gate.asked)


def test_broken_login(by_token: Guarded, made: Release) -> None:
    """A Docker config that is no JSON is told by its path."""
    (by_token.folder / "config.json").write_text("{")
    assert "config.json: gives no credentials" in str(by_token.run("", "pulse")(made).error())


def test_skopeo_asks_for_tokens(guarded: Guarded, made: Release, tmp_path: Path) -> None:
    """Users' tools get in as they do elsewhere: to read, and to push what they have read."""
    guarded.run("me", "pulse")(made)
    plain = ("--all", "--src-tls-verify=false", "--dest-tls-verify=false")
    place, creds = f"docker://{guarded.host}", f"me:{CANARY}"
    skopeo("copy", *plain, f"--src-creds={creds}", f"{place}/pulse:latest", f"oci:{tmp_path}/copy:1")
    skopeo("copy", *plain, f"--dest-creds={creds}", f"oci:{tmp_path}/copy:1", f"{place}/other:1")
    assert made.index.digest == guarded.app.repository("other").tags["1"]


def test_htpasswd(real: LocalRegistry, made: Release, tmp_path: Path) -> None:
    """docker-registry with passwords, and the login that skopeo keeps."""
    need("skopeo")
    login = ("skopeo", "login", "--tls-verify=false", "--authfile", str(tmp_path / "config.json"))
    argv = (*login, "--username", "me", "--password-stdin", real.host)
    subprocess.run(argv, input=CANARY.encode(), check=True, capture_output=True)
    run = Run((f"{real.host}/first", f"{real.host}/second"), login=tmp_path)
    assert {"applied"} == set(states(run(made)))
    assert {"there"} == set(states(run(made)))
    nobody = Run((f"{real.host}/first",))(made)
    assert "401 Unauthorized" in str(nobody.error())
    assert_secret(told(run, nobody))
