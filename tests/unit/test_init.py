"""`init`: what a repository holds → a config that `check` passes."""

import tomllib
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from shipways.cli import run
from shipways.config.load import parse
from shipways.detect import READ, Project, detect
from shipways.drafts import Tree
from shipways.errors import ConfigError
from shipways.run.starting import Compiler, config_text, start

CARGO = '[package]\nname = "My_App"\nlicense = "MIT"\ndescription = "Serves \\"things\\""\n'
GNULLVM = {"x86_64-pc-windows-msvc": "x86_64-pc-windows-gnullvm"}
BUN = [
    *("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"),
    *("aarch64-apple-darwin", "x86_64-pc-windows-msvc"),
]
RUST = Compiler(version="1.95.0")
ZIG = 'b.installArtifact(b.addExecutable(.{\n    .name = "spark",\n}));'


def look(texts: dict[str, str], title: str = "Some Project") -> Project:
    """A repository of these files."""
    return detect(title, Tree(files=tuple(texts), texts=texts))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"go.mod": "module example.com/pulse/v2\n", "main.go": ""}, {"pulse": {"build": "go"}}),
        (
            {"go.mod": "module x.org/tools", "cmd/a/main.go": "", "cmd/b/main.go": "", "internal/x/main.go": ""},
            {
                "a": {"build": "go", "go": {"main": "cmd/a"}},
                "b": {"build": "go", "go": {"main": "cmd/b"}},
            },
        ),
        (
            {"Cargo.toml": CARGO, "src/main.rs": ""},
            {
                "my_app": {
                    "build": "rust",
                    "description": 'Serves "things"',
                    "substitute": GNULLVM,
                    "binaries": ["My_App"],
                    "rust": {"crate": "My_App"},
                }
            },
        ),
        (
            {
                "Cargo.toml": '[workspace]\nmembers = ["crates/*"]',
                "crates/cli/Cargo.toml": '[package]\nname = "cli"\n[[bin]]\nname = "c"',
                "crates/cli/src/main.rs": "",
                "crates/cli/src/bin/d.rs": "",
            },
            {"cli": {"build": "rust", "path": "crates/cli", "substitute": GNULLVM, "binaries": ["c", "d"]}},
        ),
        (
            {"pyproject.toml": '[project]\nname = "Ünï.Code"\ndescription = "😀 \\u007f"'},
            {"n-code": {"build": "python", "description": "😀 \x7f"}},
        ),
        (
            {"build.zig": ZIG, "build.zig.zon": ".{\n    .name = .lights,\n}"},
            {"lights": {"build": "zig", "binaries": ["spark"]}},
        ),
        (
            {"package.json": '{"name": "@a/web", "bin": {"run": "./src/run.ts"}}', "src/run.ts": "", "bun.lock": ""},
            {"run": {"build": "bun", "targets": BUN, "bun": {"main": "src/run.ts"}}},
        ),
        (
            {"bun.lock": "", "apps/web/package.json": '{"private": true}', "apps/web/index.ts": ""},
            {"apps-web": {"build": "bun", "path": "apps/web", "targets": BUN}},
        ),
        (
            {"go.mod": "module x/one", "main.go": "", "pyproject.toml": '[project]\nname = "one"'},
            {
                "one": {"build": "go", "tag": "one-v{version}"},
                "one-python": {"build": "python", "tag": "one-python-v{version}"},
            },
        ),
    ],
)
def test_packages(texts: dict[str, str], expected: dict[str, object]) -> None:
    """Each manifest becomes a package that says only what differs from the defaults; the config is valid at once."""
    project = look(texts)
    started = start(project, Tree(files=(), texts={}), rust=RUST, force=False)
    assert expected == tomllib.loads(started.texts["shipways.toml"])["package"]
    assert set(expected) == set(parse(started.texts["shipways.toml"], "shipways.toml").package)


def test_project() -> None:
    """The project has the name of the one package at the top, else the folder's; its forge is git's origin."""
    config = '[remote "fork"]\n\turl = https://a/b/c\n[remote "origin"]\n\turl = git@example.com:owner/name.git\n'
    top = look({"Cargo.toml": CARGO, "src/main.rs": "", ".git/config": config})
    assert ("my_app", "owner/name", "MIT") == (top.name, top.repository, top.license)
    assert "some-project" == look({"go.mod": "module x", "cmd/a/main.go": "", "cmd/b/main.go": ""}).name


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        ({"package.json": "{}"}, "package.json: there is no bun.lock; it is left out"),
        ({"package.json": "[", "bun.lock": ""}, "package.json: it names no program: `bin`, and a file that is there"),
        ({"package.json": '{"bin": {"a": "gone.ts"}}', "bun.lock": ""}, "package.json: it names no program"),
        (
            {"Cargo.toml": '[package]\nname = "x"\npublish = false', "src/lib.rs": ""},
            "Cargo.toml: it is a library without a program, and Cargo.toml says publish = false",
        ),
        ({"Cargo.toml": '[package]\nname = "x"'}, "Cargo.toml: it has neither a program nor a library"),
        ({"Cargo.toml": "not [ toml"}, "Cargo.toml: it has no [package]"),
        ({"a/go.mod": "module x"}, "a/go.mod: there is no main.go"),
        ({"pyproject.toml": "[tool.ruff]"}, "pyproject.toml: it has no [project]"),
        ({"build.zig": "b.addStaticLibrary"}, "build.zig: it makes no program"),
    ],
)
def test_left_out(texts: dict[str, str], note: str) -> None:
    """What cannot be released yet is named with its reason, and never written."""
    project = look(texts)
    assert [] == list(project.packages)
    assert project.notes[0].startswith(note)
    with pytest.raises(ConfigError) as caught:
        start(project, Tree(files=(), texts={}), rust=Compiler(), force=False)
    assert note in caught.value.problems[0].why


def test_only_near_the_top() -> None:
    """Manifests deeper than two folders, and those of tests, examples and vendored code, are somebody else's."""
    texts = {
        f"{folder}/pyproject.toml": '[project]\nname = "x"' for folder in ("a/b/c", "tests/x", "vendor", "a/build")
    }
    assert () == look(texts).packages


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*READ, *(f"sub/{name}" for name in READ)]), st.text(), min_size=1), st.text())
def test_any_manifest(texts: dict[str, str], title: str) -> None:
    """Whatever the manifests hold, what is written is valid."""
    project = look({**texts, "main.go": "", "src/main.rs": "", "sub/src/main.rs": ""}, title)
    if project.packages:
        parse(config_text(project, RUST), "shipways.toml")


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_any_name(name: str, description: str, license_: str) -> None:
    """Whatever a package calls itself, its name in the config is valid, and its sentence kept."""
    quoted = [tomlkit.string(text).as_string() for text in (name, description, license_)]
    manifest = f"[project]\nname = {quoted[0]}\ndescription = {quoted[1]}\nlicense = {quoted[2]}\n"
    project = look({"pyproject.toml": manifest})
    config = parse(config_text(project, Compiler()), "shipways.toml")
    assert [description.strip()] == [package.description for package in config.package.values()]


@pytest.mark.parametrize(
    ("texts", "rust", "problems"),
    [
        ({"go.mod": "module x", "main.go": "", "shipways.toml": ""}, "", ["shipways.toml: is there already"]),
        (
            {"pyproject.toml": '[project]\nname = "x"\n[tool.shipways]'},
            "",
            ["pyproject.toml: has [tool.shipways] already"],
        ),
        ({"Cargo.toml": CARGO, "src/main.rs": ""}, "", ["Cargo.toml: there is no rustc"]),
    ],
)
def test_refused(texts: dict[str, str], rust: str, problems: list[str]) -> None:
    """What is there is not written over, and what the config would need has to be there."""
    with pytest.raises(ConfigError) as caught:
        start(look(texts), Tree(files=tuple(texts), texts=texts), rust=Compiler(version=rust), force=False)
    assert problems == [f"{problem.path}: {problem.what}" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("there", "force", "written"),
    [
        ({}, False, {"shipways.toml", "noxfile.py", ".gitignore"}),
        ({".gitignore": "x\n/dist\n__pycache__\n"}, False, {"shipways.toml", "noxfile.py"}),
        ({".gitignore": "*.py[cod]\ndist/\n"}, False, {"shipways.toml", "noxfile.py"}),
        ({".gitignore": "/dist/\n"}, False, {"shipways.toml", "noxfile.py", ".gitignore"}),
        ({"noxfile.py": ""}, False, {"shipways.toml", ".gitignore"}),
        ({"noxfile.py": "", "shipways.toml": ""}, True, {"shipways.toml", "noxfile.py", ".gitignore"}),
    ],
)
def test_written(there: dict[str, str], force: bool, written: set[str]) -> None:
    """A noxfile of the maintainer's own stays, unless forced; what a run leaves becomes ignored where it is not yet."""
    texts = {"go.mod": "module x", "main.go": "", **there}
    started = start(look(texts), Tree(files=tuple(texts), texts=texts), rust=Compiler(), force=force)
    assert written == set(started.texts)


class TestOnDisk:
    """The verbs."""

    @pytest.fixture(autouse=True)
    def closed_doors(self) -> None:
        """Open, onto a machine without programs."""

    def test_on_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """`shipways init`, then `shipways check`; hidden folders and build output are not looked into."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PATH", "")  # `check` would ask git, and says so when there is none
        for name in ("tool/main.go", ".venv/go.mod", "dist/x/go.mod"):
            (tmp_path / name).parent.mkdir(parents=True)
            (tmp_path / name).write_text("module hidden")
        (tmp_path / "tool" / "go.mod").write_text("module x/tool")
        (tmp_path / ".gitignore").write_text("/bin/")
        assert [0, 0, 2] == [run(["init"]), run(["check"]), run(["init"])]
        assert 'path = "tool"' in (tmp_path / "shipways.toml").read_text()
        assert "/bin/\n/dist/\n__pycache__/\n" == (tmp_path / ".gitignore").read_text()
        compile((tmp_path / "noxfile.py").read_text(), "noxfile.py", "exec")
        assert ": nothing to mend" in capsys.readouterr().out
