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
def rebuild(session: nox.Session) -> None:
    """Make a release again and compare every byte; `-- --check --clone` the newest."""
    shipways(session, "rebuild")


@nox.session
def rehearse(session: nox.Session) -> None:
    """Make the release against local stand-ins of every place; `-- --faults all` with all that can go wrong."""
    shipways(session, "rehearse")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests that the packages declare; `-- --engine dagger` runs them in containers."""
    shipways(session, "test")


@nox.session
def check(session: nox.Session) -> None:
    """Check the config, the lock and the rendered files."""
    shipways(session, "check")
