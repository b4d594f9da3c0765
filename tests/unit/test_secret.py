"""Secrets do not show, and tokens are found where users have them."""

import copy
import pickle
from pathlib import Path

import pytest

from shipways.adapters.credentials import Credentials
from shipways.errors import PreflightError
from shipways.model.secret import Secret

CANARY = "canary-0123456789"


def test_nothing_shows() -> None:
    """No way of printing a secret shows it, and it cannot be stored or copied."""
    secret = Secret(CANARY)
    texts = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>30}",
        repr([secret]),
        repr({"a": secret}),
    ]
    assert not [text for text in texts if CANARY in text]
    assert CANARY == secret.open()
    for store in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            store(secret)


def test_empty() -> None:
    """A secret that is not there is false."""
    assert (False, True) == (bool(Secret("")), bool(Secret("x")))


def test_the_first_variable_wins(tmp_path: Path) -> None:
    """By its value or the file it names."""
    (tmp_path / "token").write_text(f"{CANARY}\n")
    found = Credentials({"B_FILE": str(tmp_path / "token"), "C": "other"})
    assert (CANARY, "other", "") == tuple(
        found.secret(*names).open() for names in (("A", "B", "C"), ("C", "B"), ("A",))
    )


@pytest.mark.parametrize("text", [None, "", "a\nb"])
def test_file_without_a_token(tmp_path: Path, text: str | None) -> None:
    """The error names the variable, and not what is in the file."""
    if text is not None:
        (tmp_path / "token").write_text(text)
    with pytest.raises(PreflightError, match="TOKEN_FILE"):
        Credentials({"TOKEN_FILE": str(tmp_path / "token")}).secret("TOKEN")


@pytest.mark.parametrize("value", [f"{CANARY}\n{CANARY}", f"{CANARY}ü", f"{CANARY}\x00"])
def test_what_cannot_be_sent(value: str, tmp_path: Path) -> None:
    """Characters that no token has are told without the token; white space around it is nobody's."""
    (tmp_path / "token").write_text(value.replace("\n", "\x07"))
    for env in ({"T": value}, {"T_FILE": str(tmp_path / "token")}):
        with pytest.raises(PreflightError, match="T") as raised:
            Credentials(env).secret("T")
        assert CANARY not in str(raised.value)
    assert CANARY == Credentials({"T": f" {CANARY}\n"}).secret("T").open()
