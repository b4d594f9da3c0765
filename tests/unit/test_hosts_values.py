"""Values of variables on their way into a service on a host: they arrive as they are, and do nothing elsewhere."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from moored import DOCKER, ROOT, SYSTEMD, Ground, ashore, short
from shipways.errors import Unfinished
from shipways.ports import Completed
from shipways.run.deploying import failure
from shipways.testing.host import MemoryHost

PEM = "-----BEGIN X-----\n'a$b'\n-----END X-----\n"
PLAIN = {"PATH": "/app/bin", "DOCKER_HOST": "tcp://x:1", "LD_PRELOAD": "/x.so", "ODD": " '\"$x\r#=ü", "NONE": ""}
LONG = "x" * (65536 - len("WIDE=\n"))


@pytest.fixture
def one(tmp_path: Path) -> Ground:
    """One host."""
    (tmp_path / "beat.json").write_text("{}")
    return ashore(tmp_path, DOCKER)


def test_what_is_of_the_container_alone(one: Ground) -> None:
    """S2-20: nothing that a service is given does anything to root's own Docker client: it comes by a file.

    What no file can have is in the client's environment, by a name that nothing there reads.
    """
    others = {"PEM": PEM, "CR": "a\r", "LONG": LONG + "12"}
    values = {**PLAIN, "WIDE": LONG, **others}
    one.config = DOCKER.replace("env.BEAT_PLACE = { required = true }", _asked(values))
    one.env |= values
    first, host = one.deployed("one"), one.host
    lines = "".join(f"{name}={value}\n" for name, value in {**PLAIN, "WIDE": LONG}.items())
    assert sorted(lines.encode().split(b"\n")) == sorted(
        host.files[f"{ROOT}/releases/{short(first)}/docker.env"].split(b"\n")
    )
    run = next(words for words in host.log if "run" in words and "docker" in words)
    named = [run[at + 1] for at, word in enumerate(run) if word == "--env" and "=" not in run[at + 1]]
    assert (sorted(others), [b"".join(_line(name, others[name]) for name in named)]) == (sorted(named), host.told)
    assert "BEGIN" not in str(host.log)


@pytest.mark.parametrize(
    ("config", "name", "value", "wrong"),
    [
        *((DOCKER, name, PEM, True) for name in ("PATH", "LD_PRELOAD", "DOCKER_HOST", "no_proxy", "GODEBUG", "IFS")),
        *((DOCKER, name, PEM, False) for name in ("PPATH", "SSL_KEY", "GOOGLE_KEY", "TOKEN", "path", "BEAT_TOKEN")),
        *((DOCKER, "A", value, True) for value in ("\udcff", "a\udc80\n")),
        *((SYSTEMD, name, "1", True) for name in ("PPID", "OPTIND", "UID", "_", "PS1")),
        *((SYSTEMD, name, value, False) for name, value in (("PATH", "/x"), ("A", "\udcff"), ("LD_PRELOAD", PEM))),
    ],
)
def test_what_does_not_arrive(one: Ground, config: str, name: str, value: str, wrong: bool) -> None:
    """S2-20: what would act elsewhere, or come as something else, is refused before anything is done."""
    one.config, one.env[name] = config.replace("env.BEAT_PLACE = { required = true }", _asked({name: value})), value
    assert [f"service.beat.env.{name}"] * wrong == [path for path, _ in one.problems()]
    assert wrong is not bool(one.host.log)


def test_what_lies_there_and_does_not_arrive(one: Ground) -> None:
    """A value that an earlier shipways has brought, and that now would act on Docker's client, is refused, too."""
    one.config = DOCKER.replace("env.BEAT_PLACE = { required = true }", _asked({"PATH": ""}))
    one.env["PATH"] = "/bin"
    first, host = one.deployed("one"), one.host
    host.files[f"{ROOT}/releases/{short(first)}/environment"] = _line("PATH", PEM)
    del one.env["PATH"]
    assert "PATH" in str(failure(one.deploy(one.wanted("two"))))


class Talking(MemoryHost):
    """What runs there prints what it was given."""

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """As its log has it."""
        if argv[0] == "journalctl" or argv[:2] == ("docker", "logs"):
            return Completed(code=0, stdout=f"canary-1 and\nat {PEM}, abc\n", stderr="")
        return await super().run(argv, stdin)


@pytest.mark.parametrize("config", [DOCKER, SYSTEMD])
def test_logs(one: Ground, config: str) -> None:
    """S2-20: the log of a release has no value of it, be it the one before, whose values nobody gives any more."""
    one.config, one.hosts["a"] = config, (host := Talking())
    one.env |= {"BEAT_TOKEN": f"canary-1\n{PEM}", "BEAT_PLACE": "abc"}
    first = one.deployed("one")
    one.env |= {"BEAT_TOKEN": "another"}
    one.deployed("two")
    item = replace(one.wanted("one")[-1], want=first)
    assert "*** and\nat ***\n***\n***\n, abc\n" == anyio.run(one.deployer().logs, one.site, item)
    del one.env["BEAT_TOKEN"]
    host.sick = True
    told = str(failure(one.deploy(one.wanted("one"))))
    assert ("its log ends with" in told, "canary-1" in told, "BEGIN" in told) == (True, False, False)


def _asked(names: Iterable[str]) -> str:
    """As the config says that they are given by whoever deploys."""
    return "\n".join(f"env.{name} = {{ required = true }}" for name in names if name != "BEAT_TOKEN")


def _line(name: str, value: str) -> bytes:
    return f"{name}={shlex.quote(value)}\n".encode()


@pytest.mark.parametrize("config", [DOCKER, SYSTEMD])
def test_bytes(one: Ground, config: str) -> None:
    """S2-20: a secret that is not given again stays byte for byte, whether its bytes are letters or not."""
    one.config, token = config, bytes(range(1, 256))
    one.env["BEAT_TOKEN"] = token.decode(errors="surrogateescape")
    first, host = one.deployed("one"), one.host
    del one.env["BEAT_TOKEN"]
    host.log.clear()
    assert first == one.deployed("one")
    assert not [words for words in host.log if words[1:2] in {("restart",), ("run",)}]
    second = one.deployed("two")
    before, after = (host.files[f"{ROOT}/releases/{short(each)}/environment"] for each in (first, second))
    assert (before, True) == (after, token[39:] in after)


def test_edited_by_hand(one: Ground) -> None:
    """A file of variables that no shell reads any more is told."""
    first, host = one.deployed("one"), one.host
    host.files[f"{ROOT}/releases/{short(first)}/environment"] = b"BEAT_PLACE='here"
    with pytest.raises(Unfinished, match="is no file of variables"):
        one.seen(one.wanted("one")[2])
