"""Which job is meant, and what it sees on this machine."""

import pytest

from shipways.errors import ConfigError
from shipways.facts import ci as ci_facts
from shipways.workflows.jobs import workflows
from shipways.workflows.local import absent, environment, find
from working import demo


def test_here_as_there() -> None:
    """A job has here what its command has there, and nothing of the session around it; it is no tag event."""
    name, job = find(workflows(demo()), "build")
    assert "release/build" == name
    env = {
        "PATH": "/bin",
        "HOME": "/home/me",
        "SHIPWAYS_SHARD": "1/1",
        "GITHUB_TOKEN": "t",
        "MODULES_TOKEN_FILE": "/run/t",
        "AWS_PROFILE": "mine",
        "PYTHONPATH": "/src",
        "GITHUB_REF_TYPE": "tag",
        "https_proxy": "http://proxy",
    }
    seen = environment(job, env)
    assert {"PATH", "HOME", "SHIPWAYS_SHARD", "MODULES_TOKEN_FILE", "https_proxy", "CI"} == set(seen)
    assert () == absent(job, env)
    assert ("SHIPWAYS_SHARD", "MODULES_TOKEN") == absent(job, {})
    told = ci_facts(seen)
    assert told and not told.tag


def test_job_of_two_workflows() -> None:
    """`plan` is that of ci.yml; the other is asked for by both names; an unknown job is told what was meant."""
    found = workflows(demo())
    assert ["ci/plan", "release/plan"] == [find(found, name)[0] for name in ("plan", "release/plan")]
    with pytest.raises(ConfigError, match=r"did you mean `tests`"):
        find(found, "test")
