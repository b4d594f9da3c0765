"""Python packages with an extension in Rust: an sdist, and a wheel for each target."""

from dataclasses import replace

import pytest

from rusting import GNU, HOST, MAC, MSVC, MUSL, known
from shipways.builders import maturin, python
from shipways.config.load import parse
from shipways.errors import BuildError, ConfigError
from shipways.manifestfacts import Place, dynamic, maturin_crate, place, scm_backend, toml_of
from shipways.model.facts import Facts, PythonProject
from shipways.model.lock import Lock, LockedBackend
from shipways.model.plan import Skip

TOP = '[project]\nname = "p"\n[toolchain]\nrust = "1.96.0"\n'
CONFIG = TOP + '[package.app]\nbuild = "maturin"\nrust.build_std = true\n'
REQUIRES = ("maturin>=1,<2",)
PROJECT = PythonProject(package="app", name="app", requires=REQUIRES, crate="Cargo.toml")
LOCK = Lock(backends=(LockedBackend(package="app", requires=REQUIRES, requirements=("maturin==1.9 --hash=x",)),))
FILES = ("Cargo.lock", "Cargo.toml", "pyproject.toml", "src/lib.rs")


def facts(*, lock: Lock = LOCK, files: tuple[str, ...] = FILES) -> Facts:
    """A package of maturin's on a machine with one Rust."""
    return replace(known(HOST, files=files), python=(PROJECT,), lock=lock, crates=())


def steps(text: str, there: Facts) -> dict[str, maturin.ExtensionWheel]:
    """The wheels by target."""
    made = list(maturin.plan(parse(text, "shipways.toml"), there))
    return {
        step.spec.target.triple: step for step in made if isinstance(step, maturin.ExtensionWheel) and step.spec.target
    }


def test_wheels() -> None:
    """Each is named by the target's platform tag; its library is built for Python to load; the SDK's is a skip."""
    made = steps(CONFIG, facts())
    assert {GNU, MUSL, MAC} < set(made)
    assert MSVC not in made
    assert ("app-1.2.3-*-manylinux_2_28_x86_64.whl",) == made[GNU].spec.outputs
    assert ("app-1.2.3-*-macosx_11_0_arm64.whl",) == made[MAC].spec.outputs
    command = made[MUSL].build.commands[-1]
    assert ("maturin", "build", "--frozen") == command[:3]
    assert "musllinux_1_1" == command[command.index("--compatibility") + 1]
    assert "-Ctarget-feature=-crt-static" in dict(made[MUSL].build.env)["CARGO_ENCODED_RUSTFLAGS"]
    assert ("maturin==1.9 --hash=x",) == made[GNU].build.requirements
    assert "/usr" not in dict(made[GNU].build.env)["PATH"]


def test_sdist() -> None:
    """There is one, which is not the Python builder's."""
    config = parse(CONFIG, "shipways.toml")
    (sdist,) = [s for s in maturin.plan(config, facts()) if isinstance(s, python.Distribution)]
    assert ("app-1.2.3.tar.gz",) == sdist.spec.outputs
    assert [] == list(python.plan(config, facts()))


def test_what_is_missing() -> None:
    """No lock of the backend: every step is a skip with the command. No Cargo.lock: an error with its own."""
    skips = list(maturin.plan(parse(CONFIG, "shipways.toml"), facts(lock=Lock())))
    assert {"lock"} == {skip.kind for skip in skips if isinstance(skip, Skip)}
    assert 7 == len(skips)
    with pytest.raises(ConfigError) as caught:
        list(maturin.plan(parse(CONFIG, "shipways.toml"), facts(files=FILES[1:])))
    assert "`cargo generate-lockfile`, and let git have the file" == caught.value.problems[0].hint


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("app-1.2.4-cp311-abi3-manylinux_2_28_x86_64.whl", "expected app-1.2.3-*-manylinux_2_28_x86_64.whl"),
        ("app-1.2.3-cp311-abi3-linux_x86_64.whl", "expected app-1.2.3-*-manylinux_2_28_x86_64.whl"),
        ("app-1.2.3-cp311-cp311-manylinux_2_28_x86_64.whl", "is for the Python of this machine alone"),
    ],
)
def test_wrong_wheel(name: str, what: str) -> None:
    """A wheel of another version or platform, or for one Python, fails the build."""
    with pytest.raises(BuildError, match="builders/app") as caught:
        steps(CONFIG, facts())[GNU].check((name,))
    assert what in caught.value.problems[0].what


def test_version() -> None:
    """Where pyproject.toml leaves it open it is that of the crate, wherever that lies."""
    files = {
        "pyproject.toml": '[tool.maturin]\nmanifest-path = "rust/py/Cargo.toml"',
        "rust/py/Cargo.toml": '[package]\nversion = "3.1.4"',
    }
    assert Place(path="rust/py/Cargo.toml", keys=("package", "version"), said="3.1.4") == place(
        parse(CONFIG, "shipways.toml"), "app", files.get
    )
    assert "a/Cargo.toml" == maturin_crate("a", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[build-system]\nrequires = ["setuptools", "setuptools_scm[toml]>=8"]\n[project]\ndynamic = ["version"]',
            (True, True),
        ),
        ('[build-system]\nrequires = ["hatchling", "hatch-vcs"]\n[project]\ndynamic = ["version"]', (True, True)),
        ('[build-system]\nrequires = ["hatchling"]\n[project]\ndynamic = ["version"]', (True, False)),
        ('[project]\ndynamic = ["readme"]', (False, False)),
        ("project = 1", (False, False)),
    ],
)
def test_dynamic(text: str, expected: tuple[bool, bool]) -> None:
    """Whether the backend finds the version, and whether it asks git for it."""
    data = toml_of("pyproject.toml", text)
    assert expected == (dynamic(data), scm_backend(data))
