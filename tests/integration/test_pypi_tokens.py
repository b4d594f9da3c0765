"""Who may upload: tokens with and without right, and trusted publishing, against the stand-in of PyPI."""

import anyio
import pytest

from indexes import hello, states, told
from pypis import SDIST, WHEEL, Harbour
from shipways.model.outcome import State

pytestmark = pytest.mark.integration


def test_no_token(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token nothing is sent, and nothing of any channel becomes public."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    harbour.env.clear()
    outcome = harbour.release()(hello())
    assert (State.FAILED, State.PENDING) == tuple(states(outcome)[f"pypi/{i}"] for i in ("token", SDIST))
    assert "fix: set SHIPWAYS_PYPI_TOKEN" in told(outcome)
    assert not harbour.index.files


@pytest.mark.parametrize("projects", [("other",), None], ids=["without right", "unknown"])
def test_token_without_right(harbour: Harbour, projects: tuple[str, ...] | None) -> None:
    """403 is final: the reason of the index, what to check, and nothing of the token."""
    token = harbour.index.token(*projects) if projects else "rehearsal-canary"
    harbour.env["SHIPWAYS_PYPI_TOKEN"] = token
    run = harbour.release()
    outcome = run(hello())
    found = states(outcome)
    assert (State.FAILED, State.BLOCKED) == (found[f"pypi/{SDIST}"], found[f"pypi/{WHEEL}"])
    assert 1 == harbour.posts()
    reason = "isn't allowed to upload to project 'hello'" if projects else "Invalid or non-existent authentication"
    assert (True, True) == (reason in told(outcome), "check that the token is for this project" in told(outcome))
    assert token not in told(outcome) + repr(run.console.events) + repr(outcome)


def test_trusted(trusted: Harbour) -> None:
    """Without a token the CI says who it is, once for all files."""
    outcome = trusted.release()(hello())
    assert outcome.error() is None, told(outcome)
    assert (sorted(hello()), 1) == (sorted(trusted.index.uploads), len(trusted.index.used))


def test_a_token_goes_first(trusted: Harbour) -> None:
    """`auto` uses the token that somebody has given; `true` never does."""
    trusted.env["SHIPWAYS_PYPI_TOKEN"] = trusted.index.token()
    assert trusted.release()(hello()).error() is None
    assert 0 == len(trusted.index.used)
    trusted.env["SHIPWAYS_PYPI_TOKEN"] = "-".join(("no", "token"))
    outcome = trusted.release(trusted=True)(hello("1.1.0"), "1.1.0")
    assert (None, 1) == (outcome.error(), len(trusted.index.used)), told(outcome)


def test_minted_token_is_renewed(trusted: Harbour) -> None:
    """A token that is about to end is not used."""
    run = trusted.release()

    async def twice() -> list[bool]:
        index = run.index()
        found = [await index.ready()]
        await index.authorize()
        found.append(await index.ready())
        run.clock.advance(601)
        found.append(await index.ready())
        await index.authorize()
        return [*found, await index.ready()]

    assert [False, True, False, True] == anyio.run(twice)
    assert 2 == len(trusted.index.used)


def test_refused_identity(trusted: Harbour) -> None:
    """The reasons and what the CI says of itself are shown before anything is public; the identity itself never is."""
    trusted.index.identity.claims["environment"] = "staging"
    run = trusted.release()
    outcome = run(hello())
    text = told(outcome)
    assert "invalid-publisher: valid token, but no corresponding publisher" in text
    for claim in ("repository=example/hello", "environment=staging", "ref=refs/tags/v1.0.0", "workflow_ref=example"):
        assert claim in text
    head = trusted.index.identity.issue("x").partition(".")[0]
    assert head not in text + repr(run.console.events)
    assert (False, {}) == (outcome.begun, trusted.index.files)


def test_job_without_right(trusted: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job of GitHub Actions without `id-token: write` is told to ask for it."""
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    assert "fix: the job needs `permissions: id-token: write`" in told(trusted.release()(hello()))
