"""Names of images, as distribution's grammar has them."""

import pytest

from shipways.model.oci import Reference, mirrored, parse_reference

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("debian", ("docker.io", "library/debian", "latest", "")),
        ("example/x:1", ("docker.io", "example/x", "1", "")),
        ("index.docker.io/library/x", ("docker.io", "library/x", "latest", "")),
        ("gcr.io/a/b__c/d:v1.2-x", ("gcr.io", "a/b__c/d", "v1.2-x", "")),
        ("localhost/x", ("localhost", "x", "latest", "")),
        ("localhost:5000/x:1", ("localhost:5000", "x", "1", "")),
        ("[::1]:5000/x", ("[::1]:5000", "x", "latest", "")),
        (f"gcr.io/x:1@{DIGEST}", ("gcr.io", "x", "1", DIGEST)),
    ],
)
def test_names(text: str, expected: tuple[str, str, str, str]) -> None:
    """A name without a registry is Docker's, one without a folder there is in library/."""
    host, repository, tag, digest = expected
    assert Reference(host=host, repository=repository, tag=tag, digest=digest) == parse_reference(text)


@pytest.mark.parametrize("text", ["", "Debian", "a//b", "x:", "x@sha256:12", "-x", "x y", "x:" + "a" * 129, "a" * 256])
def test_what_is_no_name(text: str) -> None:
    """Everything else is refused."""
    with pytest.raises(ValueError, match="expected the name of an image"):
        parse_reference(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("debian", "docker.io/library/debian:latest"),
        ("gcr.io/a/b:1", "gcr.io/a/b:1"),
        (f"example/x:1@{DIGEST}", f"docker.io/example/x@{DIGEST}"),
    ],
)
def test_text(text: str, expected: str) -> None:
    """A reference is written with nothing left out, and with the digest where there is one."""
    assert expected == parse_reference(text).text


@pytest.mark.parametrize(
    ("text", "mirror", "expected"),
    [
        ("debian:12", "127.0.0.1:5000", "127.0.0.1:5000/library/debian:12"),
        ("example/x", "mirror.example.com/hub/a", "mirror.example.com/hub/a/example/x:latest"),
        (f"x@{DIGEST}", "[::1]:5000", f"[::1]:5000/library/x@{DIGEST}"),
        ("gcr.io/x:1", "127.0.0.1:5000", "gcr.io/x:1"),
        ("debian:12", "", "docker.io/library/debian:12"),
    ],
)
def test_mirrored(text: str, mirror: str, expected: str) -> None:
    """Only docker.io has a mirror; all of a name goes below its prefix."""
    assert expected == mirrored(parse_reference(text), mirror).text
