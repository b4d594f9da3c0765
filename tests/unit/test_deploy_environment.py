"""Files of variables."""

import io

from dotenv import dotenv_values
from hypothesis import example, given
from hypothesis import strategies as st

from deploying import SHOP, rendered
from shipways.deploy import environment
from shipways.errors import ConfigError

MORE = (
    SHOP
    + """
LEVEL = { description = "How much is logged", default = "info", dev = "debug" }
MODE = {}
ENV_PROFILE = {}
"""
)


def test_example() -> None:
    """S1-12: every variable is explained; what is required waits for a value, what is not is a comment."""
    text = rendered(environment, MORE)["deployment/config/.env.example"]
    assert {"ENV_PROFILE": "prod", "SHOP_DATA": "/data", "SHOP_TOKEN": "", "LEVEL": "info"} == dotenv_values(
        stream=io.StringIO(text)
    )
    assert "# required; a secret\nSHOP_TOKEN=\n# or, in a file of its own: SHOP_TOKEN_FILE=" in text
    assert "# How much is logged\nLEVEL=info\n" in text
    assert "\n# MODE=\n" in text
    assert 1 == text.count("ENV_PROFILE")


def test_profiles() -> None:
    """S1-15: each profile has its own values, and no secret."""
    files = rendered(environment, MORE)
    levels = {}
    for profile in ("dev", "staging", "prod"):
        values = dotenv_values(stream=io.StringIO(files[f"deployment/config/shop.{profile}.env"]))
        assert profile == values["ENV_PROFILE"]
        assert "SHOP_TOKEN" not in values
        levels[profile] = values["LEVEL"]
    assert {"dev": "debug", "staging": "info", "prod": "info"} == levels


@example("it's $HOME")
@example("it's")
@example("a\\")
@example('say "$A\\n"')
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], include_characters="\n\t")))
def test_exact(value: str) -> None:
    """Every value is read as it was written, or refused."""
    try:
        text = f"A={environment.quoted('A', value)}\nB=1\n"
    except ConfigError:
        assert "\\" in value or ("'" in value and "$" in value)
        return
    assert {"A": value, "B": "1"} == dotenv_values(stream=io.StringIO(text), interpolate=False)
