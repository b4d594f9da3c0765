"""What a deployment by the API costs: from the request to the end of its job."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from dock import HOST, ROOT, Dock, dock, free, held, received
from ground import say
from served import tree
from services import timed
from sshhosts import link

_PORTS: Final = {"systemd": 8083, "docker": 8082}
_LARGE: Final = 2_100_000_000
_ENDS: Final = ("started_at", "completed_at")


def deployer(folder: Path) -> None:
    """A small service in Python, by both methods: bytes are those that the host gets, with all that SSH adds."""
    say(f"\n### deployments by the API of `shipways serve`, to one host: {HOST}\n")
    say(f"| | {' | '.join(_PORTS)} |\n|---|---|---|")
    with dock(folder) as made:
        columns = [_method(made, method) for method in _PORTS]
        for rows in zip(*columns, strict=True):
            say(f"| {rows[0][0]} | {' | '.join(each for _, each in rows)} |")
        say("\n### the lock of a service, when who holds it in the middle of a job has gone\n")
        say("| | free after | from then on, or from when the link is back, until the job is done |\n|---|---|---|")
        for name, end, again in (
            ("`kill -9` of `shipways serve`, which is started again", lambda: made.end(signal.SIGKILL), made.start),
            ("the link is cut, and nobody says so", lambda: link(made.host, "down"), lambda: link(made.host, "up")),
        ):
            say(f"| {name} | {_orphaned(made, end, again)} |")


def quota(folder: Path) -> None:
    """A tree for which the real quota has no room, beside what runs: a file of it is a hole that is large."""
    say(f"\n### a tree of {_LARGE / 1e9:g} GB by the API, for which `kept.quota` (2 GB) has no room: {HOST}\n")
    say("| | refused after | bytes to the host | in | what runs answers | error |\n|---|---|---|---|---|---|")
    with dock(folder) as made:
        for method, port in _PORTS.items():
            place = tree(made.tree(f"shop-{method}"), "1")
            _deployed(made, place, method)
            (place / "version").write_text("2")
            os.truncate(place / "ballast", _LARGE)
            before, began = received(made.host), time.monotonic()
            job = made.refused(made.submit(place, method, port))
            seconds, come = time.monotonic() - began, received(made.host) - before
            phase = next(each["phase"] for each in job["phases"] if each["status"] == "failed")
            answer = httpx.get(f"http://{made.address}:{port}/version", trust_env=False).json()
            told = f"version {answer['version']} | {job['error'].partition(chr(10))[0]}"
            say(f"| {method} | {seconds:.1f} s | {come / 1000:,.0f} kB | {phase} | {told} |")


def _method(made: Dock, method: str) -> list[tuple[str, str]]:
    """A column of the table, and what its rows are called."""
    place = tree(made.tree(f"shop-{method}"), "1")
    size = sum(path.stat().st_size for path in place.iterdir())
    first, job = _deployed(made, place, method)
    again, _ = _deployed(made, place, method)
    _written(place)
    line, last = _deployed(made, place, method)
    back = timed(lambda: made.rollback(str(last["deploy_job_id"])))
    return [
        (f"the first one, of {size / 1000:.0f} kB; the very first brings tender, too", first),
        ("of which, by phases", _phases(job)),
        ("the same again", again),
        ("one line changed", line),
        ("of which, by phases", _phases(last)),
        ("rollback", f"{back:.1f} s"),
    ]


def _deployed(made: Dock, place: Path, method: str) -> tuple[str, Mapping[str, Any]]:
    """Seconds and bytes, and the job."""
    before, began = received(made.host), time.monotonic()
    job = made.ended(made.submit(place, method, _PORTS[method]))
    seconds = time.monotonic() - began
    return f"{seconds:.1f} s, {(received(made.host) - before) / 1000:,.0f} kB", job


def _phases(job: Mapping[str, Any]) -> str:
    times = ((each["phase"], *(datetime.fromisoformat(each[name]) for name in _ENDS)) for each in job["phases"])
    return ", ".join(f"{name} {(end - begin).total_seconds():.1f} s" for name, begin, end in times)


def _written(place: Path) -> None:
    """Another line."""
    with (place / "main.py").open("a") as program:
        program.write("# another line\n")


def _orphaned(made: Dock, end: Callable[[], object], again: Callable[[], object]) -> str:
    """Seconds: until the lock of a job is free whose holder is ended, and, from `again` on, until the job is done."""
    place = made.folder / "trees/shop-systemd"
    _written(place)
    job = made.submit(place, "systemd", _PORTS["systemd"])
    made.building(job)
    assert held(made.host, ROOT)
    end()
    seconds = timed(lambda: free(made.host, ROOT))
    again()
    return f"{seconds:.1f} s | {timed(lambda: made.ended(job)):.1f} s"
