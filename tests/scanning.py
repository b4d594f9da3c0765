"""Secrets that a scanner finds in files and in the layers of images, and some that are made up to be found."""

import json
import secrets
import string
import subprocess
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from support import need

_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def found(folder: Path) -> set[str]:
    """The files in which kingfisher finds a secret. It asks nobody whether that is one in use."""
    need("kingfisher")
    options = ("--no-validate", "--no-update-check", "--no-rule-cache", "--no-ignore", "--git-history", "none")
    argv = ("kingfisher", "scan", str(folder), *options, "--format", "jsonl")
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in {0, 200}, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    paths = {str(Path(each["finding"]["path"]).relative_to(folder)) for each in told if "finding" in each}
    assert (done.returncode == 200) == bool(paths)
    return paths


def canaries() -> Mapping[str, str]:
    """Secrets of usual forms that open nothing, as they stand in files; new ones each time, so that none is in git."""
    key = generate_private_key(65537, 2048)
    return {
        "key.pem": key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(),
        "github": f"GITHUB_TOKEN={_github()}\n",
        "aws": f"aws_access_key_id = AKIA{_some(16, string.ascii_uppercase)}\naws_secret_access_key = {_some(40)}\n",
        "anthropic": f"ANTHROPIC_API_KEY=sk-ant-api03-{_some(93)}AA\n",
        "openai": f"OPENAI_API_KEY=sk-proj-{_some(74)}T3BlbkFJ{_some(74)}\n",
    }


def unpacked(layout: Path, folder: Path) -> Path:
    """What an image of an OCI layout has: the files of each layer, and its documents, each in a folder of its own."""
    for blob in (layout / "blobs" / "sha256").iterdir():
        into = folder / blob.name[:12]
        into.mkdir(parents=True)
        if tarfile.is_tarfile(blob):
            with tarfile.open(blob) as layer:
                layer.extractall(into, filter="data")
        else:
            (into / "document.json").write_bytes(blob.read_bytes())
    return folder


def _some(length: int, letters: str = _LETTERS) -> str:
    return "".join(secrets.choice(letters) for _ in range(length))


def _github() -> str:
    """A token of GitHub ends with the CRC-32 of its middle, which scanners look at."""
    middle, tail = _some(30), ""
    rest = zlib.crc32(middle.encode())
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        tail = _LETTERS[digit] + tail
    return f"ghp_{middle}{tail}"
