"""What stand-ins are held to."""

import pytest

from openapi import Description, description


@pytest.fixture(scope="session")
def described(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Description:
    """GitHub's description of its API."""
    kept = pytestconfig.cache.mkdir("openapi") if pytestconfig.cache else tmp_path_factory.mktemp("openapi")
    return description(kept)
