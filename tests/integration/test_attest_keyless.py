"""Proofs by sigstore: the real library against a stand-in of its authority and log, and what it does not accept."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from attesting import Run, image, proofs, released
from forging import Github, at, github, told
from keyless import TABLE, WHO, Yard, opened
from sandbox import Repository
from shipways.adapters.keyless import KeylessNotary
from shipways.errors import Transient, Unfinished, Unproven
from shipways.model.digest import digest_bytes
from shipways.model.outcome import State
from shipways.pack.statements import provenance
from shipways.rehearse.faults import Fault
from shipways.rehearse.identity import GITHUB
from shipways.rehearse.oci import OciRegistry
from shipways.rehearse.serving import served
from shipways.rehearse.sigstore import Sigstore

pytestmark = pytest.mark.integration

PROOFS = ("SUMS.sigstore.json", "manifest.json.sigstore.json", "provenance.sigstore.json")


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    """A job that says who it is."""
    with opened(tmp_path, monkeypatch) as made:
        yield made


def sign(yard: Yard, data: bytes) -> bytes:
    """A proof of bytes."""
    return anyio.run(yard.notary().sign, "name", data)


def test_signature(yard: Yard) -> None:
    """The library verifies it by itself, and so does the notary, which says who it was; each has a key of its own."""
    first, proof = sign(yard, b"data"), sign(yard, b"data")
    assert first != proof
    trusted = ClientTrustConfig.from_json(yard.sigstore.trust_config(yard.url)).trusted_root
    policy = Identity(identity=WHO, issuer=GITHUB["iss"])
    Verifier(trusted_root=trusted).verify_artifact(b"data", Bundle.from_json(proof), policy)
    assert WHO == anyio.run(yard.notary().verify, b"data", proof)


def test_many_entries(yard: Yard) -> None:
    """The proof of inclusion holds for each place in the log."""
    for number in range(9):
        sign(yard, str(number).encode())
    assert 9 == len(yard.sigstore.entries)


def test_statement(yard: Yard, tmp_path: Path) -> None:
    """A provenance comes out of its envelope as it went in."""
    statement = provenance(released("1.0.0", tmp_path), "example/demo")
    assert statement == anyio.run(yard.notary().open, anyio.run(yard.notary().attest, statement))


def test_other_bytes(yard: Yard) -> None:
    """A proof of ours of something else tells what it is of."""
    with pytest.raises(Unproven) as raised:
        anyio.run(yard.notary().verify, b"new", sign(yard, b"old"))
    assert digest_bytes(b"old") == raised.value.of


def test_other_identity(yard: Yard) -> None:
    """Another workflow, another tag or another issuer is not who is pinned; nothing is proved then."""
    proof = sign(yard, b"data")
    for other in (yard.notary("v1.0.1"), yard.notary(issuer="https://other.example")):
        with pytest.raises(Unproven) as raised:
            anyio.run(other.verify, b"data", proof)
        assert "" == raised.value.of


def test_other_authority(yard: Yard, tmp_path: Path) -> None:
    """Another sigstore, with the same names, is not the one that is trusted."""
    proof = sign(yard, b"data")
    (tmp_path / "trust.json").write_text(Sigstore().trust_config(yard.url))
    with pytest.raises(Unproven):
        anyio.run(yard.notary().verify, b"data", proof)


def changed(proof: bytes, *path: str | int) -> bytes:
    """A bundle in which a byte of what lies there is another one."""
    said = json.loads(proof)
    place = said
    for step in path[:-1]:
        place = place[step]
    data = bytearray(base64.b64decode(place[path[-1]]))
    data[len(data) // 2] ^= 1
    place[path[-1]] = base64.b64encode(data).decode()
    return json.dumps(said).encode()


ENTRY = ("verificationMaterial", "tlogEntries", 0)


@pytest.mark.parametrize(
    "path",
    [
        ("messageSignature", "signature"),
        ("messageSignature", "messageDigest", "digest"),
        ("verificationMaterial", "certificate", "rawBytes"),
        (*ENTRY, "canonicalizedBody"),
        (*ENTRY, "inclusionPromise", "signedEntryTimestamp"),
        (*ENTRY, "inclusionProof", "rootHash"),
    ],
    ids=lambda path: str(path[-1]),
)
def test_tampered(yard: Yard, path: tuple[str | int, ...]) -> None:
    """Each part of a bundle holds the others."""
    with pytest.raises(Unproven) as raised:
        anyio.run(yard.notary().verify, b"data", changed(sign(yard, b"data"), *path))
    assert "" == raised.value.of


@pytest.mark.parametrize("proof", [b"", b"{}", b"[]", b"\xff", b'{"messageSignature":1}'])
def test_no_bundle(yard: Yard, proof: bytes) -> None:
    """What is no bundle is no proof, of bytes or of a statement."""
    for ask in (lambda: yard.notary().verify(b"data", proof), lambda: yard.notary().open(proof)):
        with pytest.raises(Unproven):
            anyio.run(ask)


def test_nobody_vouches(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a CI, and in one with another issuer, it is told before anything is built."""
    assert [] == list(anyio.run(yard.notary().ready))
    (problem,) = anyio.run(yard.notary(issuer="https://other.example").ready)
    assert "publish.attest.issuer" == problem.path
    monkeypatch.setenv("GITHUB_ACTIONS", "")
    (problem,) = anyio.run(yard.notary().ready)
    assert "this is no CI that says who it is" == problem.why
    with pytest.raises(Unfinished):
        sign(yard, b"data")


def test_not_who_is_pinned(yard: Yard) -> None:
    """A job that is not the pinned identity learns so before its proof lies anywhere."""
    with pytest.raises(Unfinished, match=r"let publish\.attest\.identity be who runs this"):
        anyio.run(yard.notary("v9.9.9").sign, "name", b"data")


def test_started_at_a_branch(yard: Yard) -> None:
    """A run that makes its tag is who it is at its branch: the tag cannot have signed, the branch has."""
    at_branch = WHO.replace("tags/v1.0.0", "heads/main")
    yard.sigstore.identity.claims["job_workflow_ref"] = at_branch.removeprefix("https://forge.example/")
    with pytest.raises(Unfinished, match="refs/heads/main"):
        sign(yard, b"data")
    branch = TABLE.model_copy(update={"identity": at_branch})
    notary = KeylessNotary(branch.identities(["v1.0.0"]), branch.issuer, yard.folder / "trust.json")
    assert at_branch == anyio.run(notary.verify, b"data", anyio.run(notary.sign, "name", b"data"))


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT])
def test_no_answer(yard: Yard, fault: Fault) -> None:
    """The authority or the log may be away: another try is worth it."""
    for number in (1, 2):  # the first request goes to the CI, which its own library asks again
        yard.fault = at(number, fault)
        with pytest.raises(Transient):
            sign(yard, b"data")


def test_refused(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not known gets no certificate; the error shows the answer, and not the token."""
    token = yard.sigstore.identity.issue("sigstore")
    yard.sigstore.identity.read = lambda _: None  # type: ignore[method-assign]
    with pytest.raises(Unfinished, match="answers 401 Unauthorized") as raised:
        sign(yard, b"data")
    assert token.rpartition(".")[0].partition(".")[2][:20] not in str(raised.value)


# -- a release


@pytest.fixture
def hub() -> Iterator[Github]:
    """An empty repository."""
    with github(apart=True) as made:
        yield made


def test_release(yard: Yard, hub: Github, tmp_path: Path) -> None:
    """Proofs of a release by its CI; again, though each would have other bytes, nothing is done."""
    dist = tmp_path / "dist"
    dist.mkdir()
    made, run = released("1.0.0", dist), Run(yard.notary(), TABLE)
    outcome = run.on_github(hub, made, dist)
    assert (dict.fromkeys(PROOFS, State.APPLIED), None) == (proofs(outcome), outcome.error()), told(outcome)
    logged = len(yard.sigstore.entries)
    assert dict.fromkeys(PROOFS, State.DONE) == proofs(run.on_github(hub, made, dist))
    assert (3, 3) == (logged, len(yard.sigstore.entries))
    other = Run(yard.notary("v2.0.0"), TABLE)
    assert dict.fromkeys(PROOFS, State.CONFLICT) == proofs(other.on_github(hub, made, dist))


def test_faults(yard: Yard, hub: Github, tmp_path: Path) -> None:
    """Whatever the authority or the log does not answer, each proof lies there once."""
    dist = tmp_path / "dist"
    dist.mkdir()
    made = released("1.0.0", dist)
    for number, fault in enumerate((Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT) * 2):
        hub.forge.clear()
        before, yard.fault = hub.forge.last, at(number, fault)
        outcome = Run(yard.notary(), TABLE).on_github(hub, made, dist)
        assert (None, 7) == (outcome.error(), hub.forge.last - before), (number, told(outcome))


def test_image(yard: Yard, tmp_path: Path) -> None:
    """Both proofs of an image are bundles; each is found by its title."""
    made, run = image(tmp_path, "1.2.3"), Run(yard.notary(), TABLE)
    names = ("signature.sigstore.json", "provenance.sigstore.json")
    (tmp_path / "oci").mkdir()
    with served(OciRegistry(tmp_path / "oci").app) as url:
        for state in (State.APPLIED, State.DONE):
            assert dict.fromkeys(names, state) == proofs(run.to_registry(f"{url.removeprefix('http://')}/pulse", made))


def test_user(yard: Yard, hello: Repository, tmp_path: Path) -> None:
    """A release in CI, and `verify` where nobody says who it is."""
    mirror, text = tmp_path / "mirror", (hello.root / "shipways.toml").read_text()
    table = f'signer = "sigstore"\nidentity = "{TABLE.identity}"\nissuer = "{TABLE.issuer}"\ntrust = "trust.json"\n'
    hello.file("shipways.toml", f'{text}\n[publish.files]\nfolder = "{mirror}"\n\n[publish.attest]\n{table}')
    hello.file("trust.json", yard.sigstore.trust_config(yard.url))
    hello.commit().git("tag", "v1.0.0")
    env = {**yard.sigstore.identity.environment(yard.url), "NO_PROXY": "127.0.0.1"}
    ran = hello.shipways("release", "--publish", env=env)
    assert 0 == ran.code, ran.err
    assert (mirror / "hello" / "v1.0.0" / "manifest.json.sigstore.json").exists()
    secret = yard.sigstore.identity.secret
    assert (False, False) == (secret in ran.out + ran.err, "eyJ" in ran.out + ran.err)
    ran = hello.shipways("verify")
    assert 0 == ran.code, ran.err
