"""Requests without an end, asked by a process of its own, so that what deploys beside it has its turns."""

import http.client
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

_CLIENTS = 4
_PAUSE = 0.005
_PATIENCE = 40.0


@dataclass
class Load:
    """Clients on connections that are kept and on new ones, which repeat nothing; told when the block has ended.

    `gap` is the longest time in seconds in which nobody got a good answer.
    """

    address: str
    port: int
    good: int = 0
    failed: list[str] = field(default_factory=list)
    gap: float = 0.0

    def __enter__(self) -> "Load":
        argv = (sys.executable, __file__, self.address, str(self.port))
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        assert "asks\n" == self._process.stdout.readline()
        return self

    def __exit__(self, *error: object) -> None:
        told = json.loads(self._process.communicate("")[0])
        self.good, self.failed, self.gap = told["good"], told["failed"], told["gap"]


@dataclass
class Clients:
    """What they have seen."""

    address: str
    port: int
    good: int = 0
    failed: list[str] = field(default_factory=list)
    gap: float = 0.0
    last: float = field(default_factory=time.monotonic)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        """Until standard input ends."""
        threads = [threading.Thread(target=self._client, args=(number % 2 == 0,)) for number in range(_CLIENTS)]
        for thread in threads:
            thread.start()
        sys.stdout.write("asks\n")
        sys.stdout.flush()
        sys.stdin.read()
        self._ended.set()
        for thread in threads:
            thread.join()
        self.gap = max(self.gap, time.monotonic() - self.last)

    def _client(self, kept: bool) -> None:
        connection = http.client.HTTPConnection(self.address, self.port, timeout=_PATIENCE)
        while not self._ended.wait(_PAUSE):
            why = self._asked(connection)
            with self._turn:
                if why:
                    self.failed.append(why)
                    continue
                now = time.monotonic()
                self.good, self.gap, self.last = self.good + 1, max(self.gap, now - self.last), now
            if not kept:
                connection.close()
        connection.close()

    def _asked(self, connection: http.client.HTTPConnection) -> str:
        """What was wrong with the answer, if anything."""
        try:
            connection.request("GET", "/health")
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return repr(error)
        return "" if answer.status == 200 else str(answer.status)


if __name__ == "__main__":
    clients = Clients(sys.argv[1], int(sys.argv[2]))
    clients.ask()
    json.dump({"good": clients.good, "failed": clients.failed, "gap": clients.gap}, sys.stdout)
