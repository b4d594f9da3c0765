"""What stand-ins are held to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openapi import Description, description
from shipways.adapters.jobjournal import opened
from shipways.outside.jobs import JobJournal
from shipways.testing.jobs import MemoryJournal


@pytest.fixture(scope="session")
def described(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Description:
    """GitHub's description of its API."""
    kept = pytestconfig.cache.mkdir("openapi") if pytestconfig.cache else tmp_path_factory.mktemp("openapi")
    return description(kept)


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobJournal]:
    """Each kind in turn, empty."""
    if request.param == "memory":
        yield MemoryJournal()
    else:
        with opened(tmp_path) as made:
            yield made
