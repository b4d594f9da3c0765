"""Keys and signatures in the words of minisign, and the notary that uses them."""

import base64
from collections.abc import Awaitable

import anyio
import pytest

from attesting import OTHER, PRIVATE, PUBLIC
from shipways.adapters.keynotary import KeyNotary
from shipways.errors import Unfinished, Unproven
from shipways.model.digest import digest_bytes
from shipways.model.minisign import read_public_key, read_secret_key, read_signature
from shipways.model.secret import Secret

PUBLISHED_KEY = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
PUBLISHED = b"""untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==
"""
"""The example in the documentation of the crate minisign-verify: a signature of `test`."""

NOTARY = KeyNotary(PUBLIC, Secret(PRIVATE))


def done(awaitable: Awaitable[bytes | str]) -> bytes | str:
    """What it comes to."""

    async def main() -> bytes | str:
        return await awaitable

    return anyio.run(main)


def signed(data: bytes) -> bytes:
    """A signature by our key."""
    return anyio.run(NOTARY.sign, "name", data)


def test_published_signature() -> None:
    """One that minisign has made, and everybody can read, verifies; over other bytes it does not."""
    notary = KeyNotary(PUBLISHED_KEY, Secret(""))
    assert "key E7620F1842B4E81F" == done(notary.verify(b"test", PUBLISHED))
    with pytest.raises(Unproven, match="a signature of other bytes"):
        done(notary.verify(b"Test", PUBLISHED))


def test_signature() -> None:
    """The same bytes give the same signature; it names the file and its digest, and reads back as it was."""
    made = signed(b"data")
    assert made == signed(b"data")
    assert f"file:name\t{digest_bytes(b'data')}\thashed" == read_signature(made).comment
    assert "key 51A7929DD99CEC9F" == done(NOTARY.verify(b"data", made))


def test_other_bytes() -> None:
    """A proof of ours of something else tells what it is of: what was staged before."""
    with pytest.raises(Unproven) as raised:
        done(NOTARY.verify(b"new", signed(b"old")))
    assert digest_bytes(b"old") == raised.value.of


def test_other_key() -> None:
    """A signature by somebody else tells by whom."""
    public, secret = OTHER
    made = anyio.run(KeyNotary(public, Secret(secret)).sign, "name", b"data")
    with pytest.raises(Unproven, match=f"a signature by key {read_public_key(public).number}") as raised:
        done(NOTARY.verify(b"data", made))
    assert "" == raised.value.of


@pytest.mark.parametrize("line", [1, 2, 3])
def test_tampered(line: int) -> None:
    """No letter of the key's number, the signature, its comment or the seal can be another one."""
    lines = signed(b"data").decode().split("\n")
    for at, letter in enumerate(lines[line]):
        text = lines[line][:at] + ("A" if letter != "A" else "B") + lines[line][at + 1 :]
        if line != 2 and letter != "=" and base64.b64decode(text) == base64.b64decode(lines[line]):
            continue  # the last letter has bits that mean nothing
        with pytest.raises(Unproven) as raised:
            done(NOTARY.verify(b"data", "\n".join((*lines[:line], text, *lines[line + 1 :])).encode()))
        assert "" == raised.value.of


@pytest.mark.parametrize(
    "proof", [b"", b"\xff", b"a\nb\nc\nd\n", PUBLISHED.replace(b"RUQf", b"RWQf"), PUBLISHED + b"more\n"]
)
def test_no_signature(proof: bytes) -> None:
    """What is no signature of a hashed file is no proof."""
    with pytest.raises(Unproven):
        done(KeyNotary(PUBLISHED_KEY, Secret("")).verify(b"test", proof))


@pytest.mark.parametrize("text", ["", "RW", PUBLISHED_KEY[:-4], "XX" + PUBLISHED_KEY[2:], "\xe9"])
def test_no_public_key(text: str) -> None:
    """What is no key is refused."""
    with pytest.raises(ValueError, match="is not a public key of minisign"):
        read_public_key(text)


def test_secret_key() -> None:
    """The whole file or its last line; neither it nor an error shows what it is."""
    whole = read_secret_key(f"untrusted comment: minisign encrypted secret key\n{PRIVATE}\n")
    assert whole == read_secret_key(PRIVATE)
    assert "SecretKey(51A7929DD99CEC9F)" == repr(whole)
    assert read_public_key(PUBLIC) == whole.public


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "is not set"),
        ("canary", "is not a secret key of minisign"),
        (PRIVATE[:3] + "QQ" + PRIVATE[5:], "is a key with a password"),
        (OTHER[1], "publish.attest.public_key is 51A7929DD99CEC9F"),
    ],
)
def test_not_ready(secret: str, said: str) -> None:
    """A key that is missing, broken, locked or another one is told before anything is built; it never signs."""
    notary = KeyNotary(PUBLIC, Secret(secret))
    (problem,) = anyio.run(notary.ready)
    assert ("SHIPWAYS_SIGNING_KEY", True) == (problem.path, said in problem.what), problem
    assert "canary" not in str(problem)
    with pytest.raises(Unfinished):
        anyio.run(notary.sign, "name", b"data")


def test_envelope() -> None:
    """A statement comes out as it went in; one that is changed, or signed by another key, does not."""
    statement = b'{"_type":"x"}'
    made = anyio.run(NOTARY.attest, statement)
    assert statement == done(NOTARY.open(made))
    public, secret = OTHER
    foreign = anyio.run(KeyNotary(public, Secret(secret)).attest, statement)
    for wrong in (foreign, made.replace(b'"eyJ', b'"eyK'), b"{}", b"[]", b"", made.replace(b'"sig"', b'"gis"')):
        with pytest.raises(Unproven):
            done(NOTARY.open(wrong))
