"""The rules of flyctl's own validation: what is rendered keeps each, and what breaks one is found."""

import tomllib
from pathlib import Path
from typing import Final

import pytest

from shipways.deploy.flyrules import broken

GOOD: Final = """
app = "shop"
kill_timeout = 300000000000
console_command = "sh -c 'echo ready'"
[processes]
web = "serve --port 80"
work = ""
[deploy]
strategy = "bluegreen"
release_command = "migrate 'all of it'"
[build]
compression = "zstd"
compression_level = 9
[checks.alive]
type = "tcp"
port = 80
interval = "2s"
timeout = "1m"
[http_service]
internal_port = 80
processes = ["web"]
auto_stop_machines = true
[[http_service.checks]]
interval = "1m"
timeout = "1500ms"
grace_period = "0s"
[[services]]
internal_port = 81
processes = ["work"]
auto_stop_machines = "suspend"
[[services.ports]]
port = 81
[[mounts]]
source = "data"
processes = ["web"]
initial_size = "1"
snapshot_retention = 60
auto_extend_size_threshold = 50
auto_extend_size_increment = "1GB"
auto_extend_size_limit = "0.5tb"
[[mounts]]
source = "queue"
processes = ["work"]
initial_size = "2000MB"
[[restart]]
policy = "on-failure"
processes = ["work"]
"""
ROOT: Final = Path(__file__).parent.parent.parent
RENDERED: Final = sorted(
    (*ROOT.glob("deployment/fly/*/fly.toml"), *ROOT.glob("tests/projects/*/deployment/fly/*/fly.toml"))
)


def test_what_flyctl_takes() -> None:
    """The bounds themselves are good."""
    assert () == broken(tomllib.loads(GOOD))


@pytest.mark.parametrize("path", RENDERED, ids=[path.parent.name for path in RENDERED])
def test_what_is_rendered(path: Path) -> None:
    """S0-09: every fly.toml of the projects, and our own, keeps all rules."""
    assert () == broken(tomllib.loads(path.read_text()))


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        ('app = "shop"', 'ap = "shop"', "ap: flyctl does not know it"),
        ('source = "queue"', 'sauce = "queue"', "mounts.sauce: flyctl does not know it"),
        ("port = 80\ninterval", "prot = 80\ninterval", "checks.alive.prot: flyctl does not know it"),
        ('grace_period = "0s"', 'grace = "0s"', "http_service.checks[0].grace: flyctl does not know it"),
        ('"bluegreen"', '"blue"', "deploy.strategy: 'blue' is none of canary, rolling, immediate, bluegreen"),
        ('"bluegreen"', '"canary"', "deploy.strategy: canary does not go with mounts"),
        ("'all of it'", "'all of it", "deploy.release_command: cannot be split into words: No closing quotation"),
        ("-c 'echo", "-c echo", "console_command: cannot be split into words: No closing quotation"),
        ("serve --port", "serve '--port", "processes.web: cannot be split into words: No closing quotation"),
        ('"zstd"', '"xz"', "build.compression: 'xz' is neither gzip nor zstd"),
        ("level = 9", "level = 10", "build.compression_level: 10 is not between 0 and 9"),
        ('type = "tcp"', 'type = "grpc"', "checks.alive.type: is neither http nor tcp"),
        ('interval = "2s"', 'interval = "1900ms"', "checks.alive.interval: 1900ms is less than 2s"),
        ('timeout = "1m"', 'timeout = "1m1s"', "checks.alive.timeout: 1m1s is more than 60s"),
        ('interval = "1m"', 'interval = "61s"', "http_service.checks[0].interval: 61s is not between 1s and 1m"),
        ('"1500ms"', '"999ms"', "http_service.checks[0].timeout: 999ms is not between 1s and 1m"),
        ('"1500ms"', '"soon"', "http_service.checks[0].timeout: soon is not between 1s and 1m"),
        ('"0s"', '"1ms"', "http_service.checks[0].grace_period: 1ms is not between 1s and 1m"),
        ('80\nprocesses = ["web"]', "80", "http_service.processes: is needed where there are [processes]"),
        ('80\nprocesses = ["web"]', '80\nprocesses = ["wep"]', "http_service.processes: there is no process 'wep'"),
        ("[[services.ports]]\nport = 81", "", "services[0].ports: there is none"),
        ('"suspend"', '"sleep"', "services[0].auto_stop_machines: is none of off, stop, suspend"),
        (
            'source = "queue"\nprocesses = ["work"]',
            'source = "queue"\nprocesses = ["web"]',
            "mounts: the group 'web' has more than one",
        ),
        ('"2000MB"', '"900MB"', "mounts.queue.initial_size: 900MB is less than 1 GB, or no size"),
        ('"2000MB"', '"much"', "mounts.queue.initial_size: much is less than 1 GB, or no size"),
        ("retention = 60", "retention = 61", "mounts.data.snapshot_retention: 61 is not between 1 and 60 days"),
        ("threshold = 50", "threshold = 49", "mounts.data.auto_extend_size_threshold: 49 is not between 50 and 99"),
        ('"1GB"', '"101GB"', "mounts.data.auto_extend_size_increment: 101GB is not between 1 GB and 100 GB"),
        ('"0.5tb"', '"501"', "mounts.data.auto_extend_size_limit: 501 is not between 1 GB and 500 GB"),
        ('"on-failure"', '"sometimes"', "restart.policy: 'sometimes' is none of always, never, on-failure"),
        (
            'failure"\nprocesses = ["work"]',
            'failure"\nprocesses = ["rest"]',
            "restart.processes: there is no process 'rest'",
        ),
    ],
)
def test_what_flyctl_refuses_or_changes(good: str, bad: str, expected: str) -> None:
    """S3-05, S3-06: each rule, broken alone, is the one that is told."""
    assert 1 == GOOD.count(good)
    assert (expected,) == broken(tomllib.loads(GOOD.replace(good, bad)))
