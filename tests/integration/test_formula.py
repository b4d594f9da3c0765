"""Formulas under Ruby: their style, what they say on each platform, and what they install from the real archive."""

import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from sandbox import Repository
from shipways.config.load import parse
from shipways.config.released import render_released
from shipways.model.formula import FORMAT, BrewTest, Download, Released
from shipways.render.formula import formula_text
from support import need, published

pytestmark = pytest.mark.integration

TESTS = Path(__file__).parents[1]
HARNESS = TESTS / "harness"
FORMULAS = sorted((TESTS / "golden" / "formula").glob("*/*.rb"))
RELEASES = "https://github.com/example/hello/releases/download/v1.0.0"


def brew(formula: Path, system: str, prefix: Path | None = None, **files: str) -> subprocess.CompletedProcess[str]:
    """Evaluate a formula, and install and test it when there is a prefix."""
    argv = ["ruby", "-w", str(HARNESS / "minibrew.rb"), str(formula), system]
    if prefix:
        place = prefix.with_suffix(".json")
        place.write_text(json.dumps(files))
        argv += [str(prefix), str(place)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)


def said(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """What the formula says."""
    assert 0 == done.returncode, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_style() -> None:
    """S0-19: RuboCop, with Homebrew's settings, has nothing to say; nor about the harness."""
    need("rubocop")
    argv = ["rubocop", "--config", str(HARNESS / "rubocop.yml"), "--cache", "false", "--format", "emacs"]
    done = subprocess.run(
        [*argv, str(HARNESS), *map(str, FORMULAS)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (0, "") == (done.returncode, done.stdout), done.stderr


@pytest.mark.parametrize("path", FORMULAS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_syntax(path: Path) -> None:
    """S0-19: Ruby reads it without a warning, and it defines the class that Homebrew will look for."""
    need("ruby")
    done = subprocess.run(["ruby", "-wc", str(path)], capture_output=True, text=True, check=False, timeout=60)
    assert ("Syntax OK\n", "") == (done.stdout, done.stderr)
    stem, at, version = path.stem.partition("@")
    assert (
        stem.capitalize() + at.replace("@", "AT") + version.replace(".", "") == said(brew(path, "macos-arm"))["class"]
    )


@pytest.mark.parametrize(
    ("system", "triple"),
    [
        ("macos-arm", "aarch64-apple-darwin"),
        ("macos-intel", "x86_64-apple-darwin"),
        ("linux-arm", "aarch64-unknown-linux-gnu"),
        ("linux-intel", "x86_64-unknown-linux-musl"),
    ],
)
def test_platforms(system: str, triple: str) -> None:
    """Each platform gets its own archive; the service runs what is linked."""
    need("ruby")
    answer = said(brew(TESTS / "golden" / "formula" / "released" / "pulse.rb", system))
    assert f"/v1.2.3/pulse-1.2.3-{triple}.tar.gz" in answer["url"]
    assert {"run": ["opt_bin/pulse", "serve", "--port", "8080"], "keep_alive": True} == answer["service"]


CONFIG = """
[project]
name = "hello"
repository = "example/hello"

[package.hello]
build = "prebuilt"
version = "1.0.0"
prebuilt = { files = { x86_64-unknown-linux-gnu = "bin/hello" } }
archive = { format = "FORMAT", completions = ["completions/*"], man = ["hello.1"] }

[formula.hello]
package = "hello"
description = "Program that says what it is told"
test = [
    { run = ["hello", "hello", "1.0.0"], output = "hello {version}" },
    { run = ["hello", "it's a \\"test\\""], output = "it's a \\"test\\"" },
]
"""


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the program of the test is one of this machine"
)
@pytest.mark.parametrize("format", ["tar.gz", "tar.xz", "zip"])
def test_install_of_the_real_archive(repository: Repository, tmp_path: Path, format: str) -> None:  # noqa: A002 - its name
    """S0-19: a formula installs program, man page and completions from the archive beside it; its own test passes."""
    need("ruby", "unzip", "xz")
    repository.file("shipways.toml", CONFIG.replace("FORMAT", format))
    repository.write(completions__hello_dot_bash="complete hello\n", completions___hello="#compdef hello\n")
    repository.write(
        completions__hello_dot_fish="complete -c hello\n", hello_dot_1=".TH hello 1\n", _dot_gitignore="dist\n"
    )
    (repository.root / "bin").mkdir()
    shutil.copy(shutil.which("echo") or "", repository.root / "bin" / "hello")
    repository.commit().git("tag", "v1.0.0")
    ran = repository.shipways("release")
    assert 0 == ran.code, ran.err
    dist = repository.root / "dist"
    archive = dist / f"hello-1.0.0-x86_64-unknown-linux-gnu.{format}"
    files = {f"{RELEASES}/{archive.name}": str(archive)}
    prefix = tmp_path / "prefix"
    assert ["linux"] == said(brew(dist / "formula" / "hello.rb", "linux-intel", prefix, **files))["depends_on"]
    installed = sorted(path.relative_to(prefix).as_posix() for path in prefix.rglob("*") if path.is_file())
    assert [
        "bin/hello",
        "etc/bash_completion.d/hello",
        "share/fish/vendor_completions.d/hello.fish",
        "share/man/man1/hello.1",
        "share/zsh/site-functions/_hello",
    ] == installed
    archive.write_bytes(archive.read_bytes() + b"\0")
    assert "sha256 of" in brew(dist / "formula" / "hello.rb", "linux-intel", tmp_path / "other", **files).stderr


BACKEND = """
import zipfile
NAME, TEXT, REQUIRES = {spec!r}
FILES = {{
    "{{NAME}}.py": TEXT,
    "{{NAME}}-1.0.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: 1.0.0\\n" + REQUIRES,
    "{{NAME}}-1.0.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "{{NAME}}-1.0.0.dist-info/entry_points.txt": "[console_scripts]\\n{{NAME}} = {{NAME}}:main\\n",
    "{{NAME}}-1.0.0.dist-info/RECORD": "",
}}

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = f"{{NAME}}-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{{folder}}/{{name}}", "w") as archive:
        for path, text in FILES.items():
            archive.writestr(path.replace("{{NAME}}", NAME), text.replace("{{NAME}}", NAME))
    return name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def python_project(folder: Path, name: str, text: str, requires: str = "") -> Path:
    """A Python project that builds without any index."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND.format(spec=(name, text, requires)))
    return folder


def test_python_formula(tmp_path: Path) -> None:
    """An sdist goes into a virtual environment of its own, with what it depends on; its script is linked."""
    need("ruby")
    words = python_project(tmp_path / "words", "words", 'WORDS = "hello 1.0.0"\n')
    text = "import words\ndef main(): print(words.WORDS)\n"
    project = python_project(tmp_path / "hello", "hello", text, f"Requires-Dist: words @ {words.as_uri()}\n")
    sdist = tmp_path / "hello-1.0.0.tar.gz"
    with tarfile.open(sdist, "w:gz") as archive:
        archive.add(project, "hello-1.0.0")
    download = Download(name=sdist.name, digest=hashlib.sha256(sdist.read_bytes()).hexdigest())
    formula = published("hello", download, test=(BrewTest(run=("hello",), output="hello {version}"),))
    (tmp_path / "hello.rb").write_text(formula_text(formula))
    files = {f"{RELEASES}/{sdist.name}": str(sdist), "python3.13": sys.executable}
    assert ["python@3.13"] == said(brew(tmp_path / "hello.rb", "linux-intel", tmp_path / "prefix", **files))[
        "depends_on"
    ]
    script = tmp_path / "prefix" / "bin" / "hello"
    assert "hello 1.0.0\n" == subprocess.run([script], capture_output=True, text=True, check=True).stdout


GO = """
[project]
name = "hello"
repository = "example/hello"
branch = "trunk"

[package.hello]
build = "go"
path = "cmd"

[formula.hello]
package = "hello"
description = "Greeting"
test = [{ run = ["hello"], output = "hello {version}" }]
"""
MAIN = 'package main\n\nimport "fmt"\n\nvar version = "none"\n\nfunc main() { fmt.Println("hello", version) }\n'


@pytest.fixture
def greeter(repository: Repository) -> Repository:
    """A Go program that tells its version, and has not been released yet."""
    repository.file("shipways.toml", GO)
    repository.write(cmd__main_dot_go=MAIN, cmd__go_dot_mod="module example.com/hello\n\ngo 1.21\n")
    return repository.commit()


def test_render(greeter: Repository) -> None:
    """`render` writes the formulas, `--check` shows how they differ and exits 7."""
    assert 7 == greeter.shipways("render", "--check").code
    assert "wrote formula/hello.rb" in greeter.shipways("render").err
    assert (0, "") == ((ran := greeter.shipways("render", "--check")).code, ran.out)
    path = greeter.root / "formula" / "hello.rb"
    path.write_text(path.read_text().replace("Greeting", "Farewell"))
    ran = greeter.shipways("render", "--check", "hello.rb", cwd=path.parent)
    assert 7 == ran.code
    assert '-  desc "Farewell"\n+  desc "Greeting"\n' in ran.out
    assert "formula/hello.rb: is not what the config renders" in ran.err
    assert 2 == greeter.shipways("render", "shipways.toml").code
    assert 2 == greeter.shipways("render", "/elsewhere").code


def test_render_after_a_release(greeter: Repository) -> None:
    """The record of the published formulas, once committed, is what is rendered; a broken one is told."""
    download = Download(name="hello.tar.gz", digest=f"sha256:{'0' * 64}", target="x86_64-apple-darwin")
    formula = published("hello", download, description="Published greeting")
    greeter.file("formula/released.json", render_released(Released(format=FORMAT, formulas=(formula,))))
    assert 0 == greeter.shipways("render").code
    text = (greeter.root / "formula" / "hello.rb").read_text()
    assert f'url "{RELEASES}/hello.tar.gz"' in text
    assert "Published greeting" in text
    greeter.file("formula/released.json", "{}")
    ran = greeter.shipways("render", "--check")
    assert 2 == ran.code
    assert "formula/released.json: not a record of published formulas" in ran.err


def test_formula_of_the_branch_builds(greeter: Repository, tmp_path: Path) -> None:
    """Before the first release, the committed formula builds the program with Homebrew's compiler."""
    need("ruby", "go")
    greeter.shipways("render")
    formula = greeter.root / "formula" / "hello.rb"
    clone = {"https://github.com/example/hello.git": str(greeter.root)}
    answer = said(brew(formula, "linux-intel", tmp_path / "prefix", **clone))
    assert {"url": "https://github.com/example/hello.git", "branch": "trunk"} == answer["head"]
    assert [{"go": "build"}] == answer["depends_on"]


def test_our_own_committed_files() -> None:
    """What this repository commits is what its config renders."""
    root = TESTS.parent
    assert parse((root / "pyproject.toml").read_text(), "pyproject.toml").formula
    argv = (sys.executable, "-m", "shipways", "render", "--check")
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False, timeout=60)
    assert 0 == done.returncode, done.stdout + done.stderr
