"""Words on the command line → text and exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from shipways import __version__
from shipways.cli import VERBS, run

HEAVY = {"anyio", "click", "httpx", "jinja2", "lief", "pydantic", "rich", "tomlkit"}


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository as the current folder, and an empty store."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("verb", VERBS)
def test_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each verb explains itself."""
    assert 0 == run([verb, "--help"])
    assert f"Usage: shipways {verb}" in capsys.readouterr().out


def test_overview(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` lists the verbs and the exit codes."""
    assert 0 == run(["--help"])
    told = capsys.readouterr().out
    assert "130 interrupted" in told
    assert [] == [verb for verb in VERBS if f"  {verb} " not in told]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["chek"], "Did you mean check?"),
        (["xyz"], "There is no verb 'xyz'."),
        ([], "Usage: shipways"),
        (["--nope"], "No such option"),
        (["plan", "--jsn"], "--json"),
        (["release", "--snapshot", "--publish"], "exclude each other"),
        (["release", "--create-tag"], "--create-tag needs --publish"),
        (["release", "--restage"], "--restage needs --tag"),
        (["release", "--tag", "v1", "--snapshot"], "--tag excludes --snapshot, --create-tag and --from"),
        (["cache", "prune", "--older-than", "3 years"], "not an age such as 12h, 30d or 8w"),
        (["schema", "house"], "'house' is not one of 'config', 'plan', 'manifest'"),
        (["explain", "project.nmae"], "did you mean `project.name`?"),
        (["check"], "`shipways init` writes one"),
        (["plan"], "there is no shipways.toml"),
        (["init"], "nothing that shipways can build is here"),
    ],
)
def test_usage_errors(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What was not understood is exit code 2, with what was meant."""
    assert 2 == run(words)
    assert told in capsys.readouterr().err


def test_every_problem(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` tells the problems of the config and of the lock together."""
    (repository / "shipways.toml").write_text('[project]\nname = "x"\nnmae = 1\n[package.a]\nbuild = "g"\n')
    (repository / "shipways.lock").write_text("tools = 1\n")
    assert 2 == run(["check"])
    told = capsys.readouterr().err
    assert ["project.nmae", "package.a.build", "shipways.lock", "3 problems"] == [
        line.removeprefix("error: ").partition(":")[0] for line in told.splitlines() if not line.startswith("  ")
    ]


@pytest.mark.parametrize("log", [("--log", "json"), ("--log=json",)])
def test_problems_as_lines(repository: Path, capsys: pytest.CaptureFixture[str], log: tuple[str, ...]) -> None:
    """Who asked for JSON gets every problem as a line of it, with all its parts, and the same exit codes."""
    (repository / "shipways.toml").write_text('[project]\nname = "x"\nnmae = 1\n[package.a]\nbuild = "g"\n')
    told = []
    for words in (("deploy", "prod"), ("deploy", "--prod")):
        assert 2 == run((*words, *log))
        told += [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert ["project.nmae", "package.a.build", ""] == [line["path"] for line in told]
    assert {("event", "what", "path", "place", "why", "hint")} == {tuple(line) for line in told}
    assert ("No such option" in told[2]["what"], "error") == (True, told[2]["event"])


def test_bugs_as_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An error that is nobody's is one line too, with its traceback; and an interruption."""

    def fail(error: BaseException) -> None:
        raise error

    for error, code, said in ((ValueError("odd"), 70, "this is a bug"), (KeyboardInterrupt(), 130, "interrupted;")):
        monkeypatch.setattr("shipways.verbs.deploying.named", lambda _, error=error: fail(error))
        assert code == run(("rollback", "prod", "--log", "json"))
        (line,) = capsys.readouterr().err.splitlines()
        assert json.loads(line)["what"].startswith(said)
        assert ("ValueError: odd" in line) == (code == 70)
    assert 130 == run(("rollback", "prod"))
    assert capsys.readouterr().err.startswith("\ninterrupted; nothing is half written")


def test_unwritable_letter(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """A letter that the terminal's encoding does not have is replaced."""
    with open(1, "w", encoding="ascii", closefd=False) as narrow:
        monkeypatch.setattr(sys, "stdout", narrow)
        assert 0 == run(["explain", "image.x.files"])
    assert rb"path in the image \u2192 path" in capfdbinary.readouterr().out


@pytest.mark.parametrize("which", ["config", "plan", "manifest"])
def test_schema(which: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each schema is one, names its dialect, and is printed sorted."""
    assert 0 == run(["schema", which])
    told = capsys.readouterr().out
    schema = json.loads(told)
    Draft202012Validator.check_schema(schema)
    assert "https://json-schema.org/draft/2020-12/schema" == schema["$schema"]
    assert told == json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The script asks shipways itself for what can follow."""
    assert 0 == run(["completion", shell])
    assert f"_SHIPWAYS_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_completing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A verb is completed from its first letters."""
    for name, value in {"_SHIPWAYS_COMPLETE": "bash_complete", "COMP_WORDS": "shipways ca", "COMP_CWORD": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        run([])
    assert "plain,cache\n" == capsys.readouterr().out


def test_cache(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`cache` shows what is there, `cache prune --all` leaves nothing, `cache path` says where."""
    store = repository / "cache" / "shipways"
    for name, size in {"objects/ab/cd": 2000, "toolchains/go/bin/go": 500}.items():
        (store / name).parent.mkdir(parents=True)
        (store / name).write_bytes(b"x" * size)
    assert [0, 0, 0] == [run(["cache"]), run(["cache", "path"]), run(["cache", "prune", "--all"])]
    told = capsys.readouterr().out.splitlines()
    assert [
        "",
        "part        files    size",
        "objects         1  2.0 kB",
        "toolchains      1   500 B",
        "",
        f"{store}  2.5 kB",
        str(store),
        "removed 2 files, 2.5 kB",
    ] == told
    assert [] == list(store.iterdir())


class TestStart:
    """How a process begins; so these start one."""

    @pytest.fixture(autouse=True)
    def closed_doors(self) -> None:
        """Open: the modules of this process say nothing about a new one."""

    def modules(self, *words: str) -> tuple[str, set[str]]:
        """What a run prints first, and which modules it has loaded at its end."""
        code = (
            f"import sys; sys.argv[1:] = {list(words)}\n"
            "from shipways.__main__ import main\n"
            "try: main()\n"
            "except SystemExit: pass\n"
            "print(*sys.modules)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        first, *_, last = done.stdout.splitlines()
        return first, set(last.split())

    def test_version(self) -> None:
        """`--version` loads nothing heavy."""
        said, loaded = self.modules("--version")
        assert (f"shipways {__version__}", set()) == (said, HEAVY & loaded)

    def test_help(self) -> None:
        """`--help`, and what a shell asks at its start, load the command line's library and no more."""
        loaded = [self.modules(*words)[1] for words in (["--help"], ["completion", "zsh"])]
        assert [{"click"}, {"click"}] == [HEAVY & each for each in loaded]

    def test_plan(self) -> None:
        """`plan` loads neither what renders nor what inspects nor what asks the network; and what makes, when asked."""
        loaded = self.modules("plan", "--help")[1]
        assert set() == loaded & {"httpx", "jinja2", "lief", "rich", "tomlkit"}
        ours = {name.split(".")[1] for name in loaded if name.startswith("shipways.")}
        assert set() == ours & {"builders", "bundle", "deploy", "doors", "images", "pack", "publish"}

    def test_site(self) -> None:
        """What deployers use is put together without SSH, which is loaded when a host is reached."""
        code = (
            "import contextlib, sys; from pathlib import Path; import anyio; from shipways import wire\n"
            "from shipways.doors import site; from shipways.errors import Transient\n"
            "from shipways.outside.hosts import Address\n"
            "async def main():\n"
            "    hosts = site(Path(), Path(), wire.shell(), wire.clock(), lambda scope: None).hosts\n"
            "    await hosts.aclose()\n"
            "    print('asyncssh' in sys.modules)\n"
            "    with contextlib.suppress(Transient): await hosts.reach(Address(user='', host='127.0.0.1', port=1))\n"
            "    await hosts.aclose()\n"
            "    print('asyncssh' in sys.modules)\n"
            "anyio.run(main)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert ["False", "True"] == done.stdout.split()

    def test_garbage(self) -> None:
        """What is imported is never looked at for garbage; what a verb leaves behind is."""
        code = (
            "import gc, sys; began = []; gc.callbacks.append(lambda phase, info: began.append(phase)); "
            "sys.argv[1:] = ['plan', '--help']\n"
            "from shipways.__main__ import main\n"
            "gc.collect(); began.clear()\n"
            "try: main()\n"
            "except SystemExit: pass\n"
            "print(gc.isenabled(), gc.get_freeze_count() > 10_000, len(began) < 10)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "True True True" == done.stdout.splitlines()[-1]
