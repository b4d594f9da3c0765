"""Sessions install and call one verb; what happens is in ci/shipways."""

import os

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
PARALLEL = ("-n", f"{(os.cpu_count() or 1) + 1}", "--dist=loadfile", "--no-loadscope-reorder", "--durations=15")
"""A process more than cores, since tests wait too, with the tests of a file in one of them; the many short ones come
last, and fill the end."""


def _install(session: nox.Session, *groups: str) -> None:
    wanted = [requirement for group in groups for requirement in PYPROJECT["dependency-groups"][group]]
    session.install("-e", ".", *wanted)


@nox.session
def release(session: nox.Session) -> None:
    """Make the release: a snapshot, or the real one at a tag."""
    _install(session)
    session.run("shipways", "release", *session.posargs)


@nox.session
def plan(session: nox.Session) -> None:
    """Print what a release would do."""
    _install(session)
    session.run("shipways", "plan", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build the programs into dist/."""
    _install(session)
    session.run("shipways", "build", *session.posargs)


@nox.session
def rebuild(session: nox.Session) -> None:
    """Make the newest release again and compare every byte (-- --check --clone)."""
    _install(session)
    session.run("shipways", "rebuild", *session.posargs)


@nox.session
def rehearse(session: nox.Session) -> None:
    """Make the release against local stand-ins of every place (-- --faults all)."""
    _install(session)
    session.run("shipways", "rehearse", *session.posargs)


@nox.session
def check(session: nox.Session) -> None:
    """Check the config, the lock and the rendered files."""
    _install(session)
    session.run("shipways", "check", *session.posargs)


@nox.session
def render(session: nox.Session) -> None:
    """Write the rendered files, or check them (-- --check)."""
    _install(session)
    session.run("shipways", "render", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run pytest, as it is told after `--`; with `-- --engine NAME` the tests of the packages, where they are built."""
    if "--engine" in session.posargs:
        _install(session)
        session.run("shipways", "test", *session.posargs)
        return
    _install(session, "tests")
    session.run("pytest", *(session.posargs or (*PARALLEL, "-m", "not long and not engine")))


@nox.session
def engines(session: nox.Session) -> None:
    """The tests with an engine: Dagger's, which they share, so one after the other; then Docker's, with systemd.

    With these, a tenth of the fault matrix, by SHIPWAYS_SEED.
    """
    _install(session, "tests")
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("pytest", "-m", "dagger and not long", "--durations=5")
    session.run("pytest", *PARALLEL, "-m", "engine and not dagger and not long or tenth")


@nox.session(python=PYPROJECT["tool"]["shipways"]["workflows"]["job"]["tests"]["pythons"], download_python="never")
def pythons(session: nox.Session) -> None:
    """Run pytest on each Python of the workflow that is here; nox says which are not (-- tests/unit)."""
    _install(session, "tests")
    session.run("pytest", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """The tests that take minutes: engines and places that fail in every way, gigabytes, and a second whole build."""
    _install(session, "tests")
    session.run("pytest", "-m", "long", *session.posargs)


@nox.session
def requirements(session: nox.Session) -> None:
    """Run the tests of the checklist, and print which row each proves (-- --report FILE: of a run that was)."""
    _install(session, "tests")
    session.run("python", "tests/requirements.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff, who may import whom, and what the workflows leave open."""
    _install(session, "lint")
    session.run("ruff", "format", "--check", "ci", "tests", "noxfile.py")
    session.run("ruff", "check", "ci", "tests", "noxfile.py")
    session.run("lint-imports", "--no-logo")
    session.run("zizmor", "--offline", "--persona", "auditor", ".github/workflows")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict."""
    _install(session, "types")
    session.run("mypy")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure side by side with the tools on PATH; prints the figures that the README shows."""
    _install(session, "tests")
    session.run("python", "tests/bench/run.py", *session.posargs, env={"PYTHONPATH": "tests"})
