"""A hundred deployments to a host under load, by each method: how many requests fail, and how long one takes."""

import os
import time
from pathlib import Path
from typing import Final

from ground import say
from loading import Load
from quays import PORTS, quay
from services import kept

_TIMES: Final = int(os.environ.get("BENCH_SWITCHES", "100"))


def switching(folder: Path) -> None:
    """Two versions take turns; clients ask without a pause, on kept connections and on new ones, and repeat nothing."""
    with quay(folder, kept()) as made:
        old = {method: made.wanted(method) for method in PORTS}
        made.build("1.1.0")
        new = {method: made.wanted(method) for method in PORTS}
        say("\n### deployments to a host under load\n")
        say("| method | deployments | seconds for one | nothing to do | requests | failed | longest silence |")
        say("|---|---|---|---|---|---|---|")
        for method, port in PORTS.items():
            made.switched(method, [old[method]])
            with Load(made.address, port) as load:
                began = time.monotonic()
                made.switched(method, [(new, old)[each % 2][method] for each in range(_TIMES)])
                seconds = (time.monotonic() - began) / _TIMES
            began = time.monotonic()
            made.switched(method, [(new, old)[(_TIMES - 1) % 2][method]])
            idle = time.monotonic() - began
            said = f"{load.good + len(load.failed):,} | {len(load.failed)} | {load.gap * 1000:.0f} ms"
            say(f"| {method} | {_TIMES} | {seconds:.1f} | {idle:.1f} s | {said} |")
            for each in dict.fromkeys(load.failed):
                say(f"\n{method}: {load.failed.count(each)} × {each}")
