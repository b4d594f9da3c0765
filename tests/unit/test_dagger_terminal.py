"""A job as a script for the dagger program, which attaches the terminal."""

from pathlib import Path

import anyio
import pytest

from shipways.adapters.dagger.jobs import Copy, Folder, Ground, Job, Text, Volume
from shipways.adapters.dagger.terminal import Client, laid, script
from shipways.errors import PreflightError

JOB = Job(
    ground=Ground(image="registry.example/base@sha256:00", platform="linux/amd64"),
    command=("sh", "/b/outer.sh"),
    folders=(Folder(source="/here/it's mine", place="/b/src"),),
    copies=(
        Copy(source="/here/x", place="/b/src/x", executable=True),
        Copy(source="/here/$(id)", place="/b/src/a|b"),
    ),
    volumes=(Volume(name="shipways-go-00", place="/var/cache/shipways/GOMODCACHE"),),
    secrets=(("TOKEN", "hunter2"),),
    out="/b/out",
    bring=("*",),
    into="/here/out",
)


def test_script() -> None:
    """All that the job has, in the order in which a worker lays it; every value is quoted."""
    expected = (
        "container --platform=linux/amd64",
        "from registry.example/base@sha256:00",
        """with-mounted-directory /b/src $(host | directory '/here/it'"'"'s mine')""",
        "with-file /b/src/x $(host | file /here/x) --permissions=493",
        "with-file '/b/src/a|b' $(host | file '/here/$(id)') --permissions=420",
        "with-mounted-cache /var/cache/shipways/GOMODCACHE $(cache-volume shipways-go-00)",
        "with-mounted-secret /run/secrets/TOKEN $(secret env://TOKEN)",
        "terminal --cmd=sh,/b/outer.sh",
    )
    assert " | ".join(expected) == script(JOB)


def test_secrets_are_not_told() -> None:
    """The value of a secret is not in the script."""
    assert "hunter2" not in script(JOB)


def test_ground_of_a_dockerfile() -> None:
    """A Dockerfile is built from its folder, with what is said about it."""
    ground = Ground(folder="/here", dockerfile="Dockerfile.dev", platform="linux/arm64", target="build")
    expected = (
        "host | directory /here | docker-build --dockerfile=Dockerfile.dev --target=build --platform=linux/arm64"
        " | terminal --cmd=sh"
    )
    assert expected == script(Job(ground=ground, command=("sh",)))
    short = "host | directory /here | docker-build | terminal --cmd=sh"
    assert short == script(Job(ground=Ground(folder="/here"), command=("sh",)))


def test_texts_become_files(tmp_path: Path) -> None:
    """A text is laid as a file and copied after the other copies, with its right to be executed."""
    texts = (Text(place="/b/outer.sh", text="exit 0\n"), Text(place="/b/home/bin/cc", text="#!", executable=True))
    made = laid(Job(ground=JOB.ground, copies=JOB.copies, texts=texts), tmp_path)
    assert () == made.texts
    assert JOB.copies == made.copies[:2]
    assert [("/b/outer.sh", False, "exit 0\n"), ("/b/home/bin/cc", True, "#!")] == [
        (copy.place, copy.executable, Path(copy.source).read_text()) for copy in made.copies[2:]
    ]


def test_no_program(tmp_path: Path) -> None:
    """Without the dagger program the error says how to give it."""
    client = Client(program="", address="", env={})
    with pytest.raises(PreflightError, match="--shell: there is no dagger program"):
        anyio.run(client.attach, JOB, tmp_path)
