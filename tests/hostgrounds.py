"""A project whose program is deployed to two real hosts."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from machines import Machine
from sandbox import Repository
from sshhosts import Fleet

RUNS = "tail -c 5 /proc/$(pidof beat)/exe"


@dataclass(frozen=True)
class Ground:
    """A project that is built here, and the hosts that it is deployed to: the second by sudo."""

    project: Repository
    fleet: Fleet
    programs: Path

    @property
    def hosts(self) -> tuple[Machine, Machine]:
        """Both."""
        first, second = self.fleet.hosts.values()
        return first, second

    def build(self, version: str, program: str = "good") -> None:
        """What lies in dist/ afterwards is this program under this version."""
        self.project.carry(self.programs / program, version)

    def shipways(self, *words: str) -> tuple[int, str]:
        """The exit code, and what was said."""
        ran = self.project.shipways(*words)
        return ran.code, ran.out + ran.err

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """shipways, while it runs."""
        return subprocess.Popen(
            (sys.executable, "-m", "shipways", *words),
            cwd=self.project.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"XDG_CACHE_HOME": str(self.project.cache), "GITHUB_ACTIONS": "", "CI": ""},
        )

    def kill(self, version: str) -> None:
        """A deployment, as soon as the first host runs this version."""
        process = self.start("deploy", "prod")
        try:
            end = time.monotonic() + 60
            while version != self.hosts[0].run("sh", "-c", RUNS).out:
                assert time.monotonic() < end
                assert process.poll() is None
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def versions(self) -> tuple[str, ...]:
        """The ends of the programs that run."""
        return tuple(host.out("sh", "-c", RUNS) for host in self.hosts)

    def known(self, text: str) -> None:
        """What the file of known hosts says."""
        self.fleet.known.write_text(text)
