"""A simulation of launchd, as far as launchd.plist(5) and launchctl(1) document it. It is not launchd: there is no Mac.

It knows Label, ProgramArguments, EnvironmentVariables, RunAtLoad, KeepAlive (SuccessfulExit, Crashed: any one that
holds starts the job again), ThrottleInterval, ExitTimeOut, Umask, and the paths of output; their folders it does not
make.
"""

import plistlib
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shipways.adapters.process import OsProcess
from shipways.ports import Completed

ABSENT = 113
NO_SERVICE = "Could not find service"


class Job:
    """One loaded job. `pace`: how long a second of its throttle takes here."""

    def __init__(self, keys: Mapping[str, Any], pace: float) -> None:
        self._keys = keys
        self._pace = pace
        self._gone = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.begun: list[float] = []
        self.ended: list[int] = []
        if keys.get("RunAtLoad"):
            self.start()

    def start(self) -> None:
        """Start it, and look after it from then on."""
        threading.Thread(target=self._keep, daemon=True).start()

    def stop(self) -> None:
        """Unload it: SIGTERM, and SIGKILL after ExitTimeOut; KeepAlive is for those that are loaded."""
        self._gone.set()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self._keys.get("ExitTimeOut", 20))
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _keep(self) -> None:
        while not self._gone.is_set():
            self.begun.append(time.monotonic())
            code = self._once()
            self.ended.append(code)
            if not self._again(code):
                return
            rest = self.begun[-1] + self._keys.get("ThrottleInterval", 10) * self._pace - time.monotonic()
            self._gone.wait(max(rest, 0))

    def _once(self) -> int:
        """Its exit status, negative for a signal; 78 (EX_CONFIG) where it cannot be started."""
        try:
            with (
                Path(self._keys["StandardOutPath"]).open("ab") as out,
                Path(self._keys["StandardErrorPath"]).open("ab") as err,
            ):
                self.process = subprocess.Popen(
                    self._keys["ProgramArguments"],
                    env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", **self._keys.get("EnvironmentVariables", {})},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    cwd="/",
                    umask=self._keys.get("Umask", -1),
                )
        except OSError:
            return 78
        return self.process.wait()

    def _again(self, code: int) -> bool:
        keep = self._keys.get("KeepAlive", False)
        if isinstance(keep, bool):
            return keep
        held = []
        if "SuccessfulExit" in keep:
            held.append(keep["SuccessfulExit"] == (code == 0))
        if "Crashed" in keep:
            held.append(keep["Crashed"] == (code < 0 and -code not in {signal.SIGTERM, signal.SIGKILL}))
        return any(held)


class Launchd:
    """The `Process` port: launchctl of one domain; what else is to be run is run."""

    def __init__(self, domain: str, pace: float) -> None:
        self.jobs: dict[str, Job] = {}
        self._domain = domain
        self._pace = pace

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        keep: Sequence[int] = (),
    ) -> Completed:
        """Answer as launchctl does, of its second set of subcommands."""
        if argv[0] != "launchctl":
            return await OsProcess().run(argv)
        verb, target = argv[1], argv[-1]
        if verb == "bootstrap":
            keys = plistlib.loads(Path(target).read_bytes())
            assert self._domain == argv[2]
            self.jobs[f"{self._domain}/{keys['Label']}"] = Job(keys, self._pace)
        elif verb != "enable" and target not in self.jobs:
            return Completed(code=ABSENT, stdout="", stderr=NO_SERVICE)
        elif verb == "print":
            return Completed(code=0, stdout=self._told(self.jobs[target]), stderr="")
        elif verb == "bootout":
            self.jobs.pop(target).stop()
        elif verb == "kickstart":
            self.jobs[target].start()
        return Completed(code=0, stdout="", stderr="")

    def close(self) -> None:
        """End every job."""
        while self.jobs:
            self.jobs.popitem()[1].stop()

    def _told(self, job: Job) -> str:
        runs = job.process is not None and job.process.poll() is None
        pid = f"\tpid = {job.process.pid}\n" if runs and job.process else ""
        return f"{{\n\tstate = {'running' if runs else 'not running'}\n{pid}}}\n"


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for thread in threads for word in thread.read_text().split()]
