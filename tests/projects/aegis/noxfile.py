"""`nox -s release` and the like: each session installs shipways and calls one verb."""

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["check"]


def shipways(session: nox.Session, verb: str) -> None:
    session.install("shipways==0.1.0")
    session.run("shipways", verb, *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Make the release: a snapshot, or the real one at a tag."""
    shipways(session, "release")


@nox.session
def plan(session: nox.Session) -> None:
    """Print what a release would do."""
    shipways(session, "plan")


@nox.session
def build(session: nox.Session) -> None:
    """Build the programs into dist/."""
    shipways(session, "build")


@nox.session
def rehearse(session: nox.Session) -> None:
    """Make the release against local stand-ins of every place; `-- --faults all` with all that can go wrong."""
    shipways(session, "rehearse")


def installed(session: nox.Session) -> None:
    """Aegis with what its tests need, in the versions that are locked."""
    session.install("--require-hashes", "-r", "requirements-dev.txt")
    session.install("--no-deps", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style."""
    session.install("--require-hashes", "-r", "requirements-dev.txt")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    installed(session)
    session.run("mypy", "--strict")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, which have to reach 85 % of the code."""
    installed(session)
    session.run("pytest", "--cov", *session.posargs)


@nox.session
def check(session: nox.Session) -> None:
    """Check the config, the lock and the rendered files."""
    shipways(session, "check")
