"""What hosts are told to run, run here by a real shell."""

import ast
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shipways.adapters.written import PUT
from shipways.deploy.bydocker import WITHIN
from shipways.deploy.holds import LIST
from shipways.deploy.hostchecks import STRANGE
from shipways.deploy.mooring import IMAGES
from shipways.deploy.pruning import RELEASES
from shipways.deploy.sources import Release
from shipways.deploy.values import written
from shipways.deploy.weights import WEIGHTS
from shipways.model.digest import digest_bytes

pytestmark = pytest.mark.integration
ENGINE = """#!/bin/sh
case "$1 $2 $5" in
"image ls "*) echo id-0; echo id-1 ;;
"image inspect here"*) echo "id-1 7 sha256:a,sha256:b" ;;
"image inspect "*) echo; echo "Error: No such image: $5" >&2; exit 1 ;;
"history --human=false "*) printf '0\\n3\\n4\\n' ;;
esac
"""


def put(path: Path, content: bytes, *within: str, sent: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
    """Write a file as it is done on a host; `sent` is what arrives of it."""
    argv = ("sh", "-c", PUT, "sh", str(path), digest_bytes(content).removeprefix("sha256:"), "640", *within)
    return subprocess.run(argv, input=content if sent is None else sent, capture_output=True, check=False)


def test_written(tmp_path: Path) -> None:
    """A file has its bytes and mode, in a folder that is made; what replaces it has another inode."""
    path = tmp_path / "a folder" / "-x"
    assert 0 == put(path, b"one\0").returncode
    assert (b"one\0", 0o640, 0o755) == (
        path.read_bytes(),
        path.stat().st_mode & 0o777,
        path.parent.stat().st_mode & 0o777,
    )
    with path.open("rb") as old:
        assert 0 == put(path, b"two").returncode
        assert (b"one\0", b"two") == (old.read(), path.read_bytes())
    assert [path] == list(path.parent.iterdir())


def test_not_written(tmp_path: Path) -> None:
    """F2, F8, F16: half of it has come, or who writes is fenced off: it is as it was, and nothing lies beside it."""
    path = tmp_path / "x"
    assert 0 == put(path, b"one").returncode
    half = put(path, b"two" * 1000, sent=b"two" * 999)
    assert (1, b"what has arrived is not what was sent\n") == (half.returncode, half.stderr)
    assert 76 == put(path, b"two", "sh", "-c", "exit 76").returncode
    assert 0 != put(tmp_path / "x" / "y", b"two").returncode
    assert ([path], b"one") == (list(tmp_path.iterdir()), path.read_bytes())


def test_not_written_and_nobody_hears(tmp_path: Path) -> None:
    """F7: the link is cut in a file: to say so ends the shell at once, and nothing lies beside it all the same."""
    path, (reader, writer) = tmp_path / "x", os.pipe()
    os.close(reader)
    argv = ("sh", "-c", PUT, "sh", str(path), digest_bytes(b"two").removeprefix("sha256:"), "640")
    done = subprocess.run(argv, input=b"tw", stdout=subprocess.PIPE, stderr=writer, check=False)
    os.close(writer)
    assert (True, []) == (done.returncode != 0, list(tmp_path.iterdir()))


def test_written_by_many(tmp_path: Path) -> None:
    """F15: those who write the same file at once do not disturb each other: it is that of one of them, whole."""
    path, contents = tmp_path / "x", [f"{number}".encode() * 300_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert {0} == {each.returncode for each in pool.map(lambda content: put(path, content), contents)}
    assert (True, [path]) == (path.read_bytes() in contents, list(tmp_path.iterdir()))


def test_holds(tmp_path: Path) -> None:
    """Each service that is held is a line, also one that has nothing else there; where nothing is, there is none."""
    (tmp_path / "beat").mkdir()
    (tmp_path / "boat/releases").mkdir(parents=True)
    (tmp_path / "beat/hold.json").write_text('{"reason": "a\u00fc \'x\' $HOME"\n}\n')
    (tmp_path / "boat/hold.json").write_text("{")
    (tmp_path / "bin").mkdir()
    for root, expected in (
        (tmp_path, 'beat {"reason": "a\u00fc \'x\' $HOME"}\nboat {\n'),
        (tmp_path / "none", ""),
        (tmp_path / "bin", ""),
    ):
        done = subprocess.run(("sh", "-c", LIST, "sh", str(root)), capture_output=True, check=False)
        assert (0, expected) == (done.returncode, done.stdout.decode())


def test_images(tmp_path: Path) -> None:
    """Whether a release of a service is an image is seen of what lies beside it; where none is, nothing is said."""
    for name, release in (("one", Release(content="x", image="beat:1")), ("two", Release(content="y"))):
        (tmp_path / "beat" / name).mkdir(parents=True)
        (tmp_path / "beat" / name / "release.json").write_bytes(release.encoded)
    for service, expected in (("beat", "one/release.json\n"), ("none", "")):
        done = subprocess.run(("sh", "-c", IMAGES, "sh", str(tmp_path / service)), capture_output=True, check=False)
        assert (0, expected, b"") == (done.returncode, done.stdout.decode(), done.stderr)


def test_given(tmp_path: Path) -> None:
    """S2-20: Docker's client is the one of the host, whatever it is given: byte for byte; the file of the rest goes."""
    values = {"A": bytes(range(1, 256)).decode(errors="surrogateescape"), "PATH": f"{tmp_path}/x", "program": "\n"}
    (tmp_path / "docker").write_text(f"#!{sys.executable}\nimport os, sys; print([sys.argv[1:], dict(os.environb)])\n")
    (tmp_path / "docker").chmod(0o755)
    (file := tmp_path / "the file").touch()
    argv = ("sh", "-c", WITHIN, "sh", str(file), "docker", "run", "--x y", "")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ran = subprocess.run(argv, input=written(values), env=env, capture_output=True, check=True)
    words, found = ast.literal_eval(ran.stdout.decode())
    assert (["run", "--x y", ""], False) == (words, file.exists())
    assert {name: os.fsencode(value) for name, value in values.items()}.items() <= {
        name.decode(): value for name, value in found.items()
    }.items()
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 125\n")
    assert 125 == subprocess.run(argv, input=b"", env=env, check=False).returncode


def test_strange(tmp_path: Path) -> None:
    """What is called like a service and is not of it: the account, and nothing once a deployment was let through."""

    def found(*names: str) -> list[str]:
        argv = ("sh", "-c", STRANGE, "sh", str(tmp_path), *names)
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()

    assert [] == found("no-such-name-4711")
    assert "daemon: the account daemon" in found("no-such-name-4711", "daemon")
    assert {f"apt: {path}" for path in ("/etc/apt", "/var/lib/apt") if Path(path).exists()} <= set(found("apt"))
    (tmp_path / "daemon").mkdir()
    (tmp_path / "daemon/lock").touch()
    assert [] == found("daemon")


def test_releases(tmp_path: Path) -> None:
    """Each is a line with when it began, its KiB, whether it is pinned, and its image where it has one."""
    texts = {"/etc/x": '\n "image": "not:this",\n', "image": "nor:this", "x": "y"}
    for name, content in (
        ("program", Release(content="x", texts=texts).encoded),
        ("image", Release(content="x", image="ghcr.io:5000/a-b/beat_c@sha256:12", command=("image",)).encoded),
        ("built", Release(content="x", image="beat:{release}", texts=texts).encoded),
        ("strange", b' "image": "one",\n "image": "two",\n "image": "thr ee",\n'),
        ("half", None),
    ):
        (tmp_path / name).mkdir()
        if content is not None:
            (tmp_path / name / "release.json").write_bytes(content)
        os.utime(tmp_path / name, (0, 1000))
    (tmp_path / "image/pinned").touch()
    os.utime(tmp_path / "image", (0, 2000))
    (tmp_path / "file").touch()
    rows = ran(RELEASES, str(tmp_path)).split("\n")
    assert {
        "built": ["1000", "whole", "beat:{release}"],
        "half": ["1000", "half"],
        "image": ["2000", "pinned", "ghcr.io:5000/a-b/beat_c@sha256:12"],
        "program": ["1000", "whole"],
        "strange": ["1000", "whole", "one"],
    } == {words[0]: [words[1], *words[3:]] for words in (row.split() for row in rows if row)}
    assert {True} == {row.split()[2].isdecimal() for row in rows if row}
    assert "" == ran(RELEASES, str(tmp_path / "none"))


def test_weights(tmp_path: Path) -> None:
    """One that is not there takes nothing from the others; what was asked for once is kept as long as that is there."""
    (tmp_path / "docker").write_text(ENGINE)
    (tmp_path / "docker").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    for release in ("one", "two"):
        (tmp_path / release).mkdir()
    pairs = ("one=here:1", "no=gone:1", "two=here@sha256:2", "three=here:3", "none=here:4")
    lines = [f"{each.partition('=')[2]} id-1 7 sha256:a,sha256:b 0,3,4,\n" for each in pairs if "here" in each]
    assert "".join(lines) == ran(WEIGHTS, str(tmp_path), *pairs, path=path)
    assert lines[0] == f"here:1 {(tmp_path / 'one/weight').read_text()}"
    (tmp_path / "one/weight").write_text("id-1 8 x 8,\n")
    (tmp_path / "two/weight").write_text("id-2 8 x 8,\n")
    (tmp_path / "three").mkdir()
    (tmp_path / "three/weight").write_text("id-1 8\n")
    assert ["here:1 id-1 8 x 8,\n", *lines[1:]] == ran(WEIGHTS, str(tmp_path), *pairs, path=path).splitlines(
        keepends=True
    )
    assert "" == ran(WEIGHTS, str(tmp_path / "nowhere"), *pairs, path=path)


def ran(script: str, *words: str, path: str = os.environ["PATH"]) -> str:
    """What it prints."""
    argv = ("sh", "-c", script, "sh", *words)
    return subprocess.run(argv, capture_output=True, check=False, env={**os.environ, "PATH": path}).stdout.decode()
