"""What a volume costs: the same work in a container's own layer, in a named volume and in a bound folder, in turns."""

import json
import math
import random
import statistics
from pathlib import Path

from ground import say
from pythons import python_image
from registries import docker_engine
from services import PYTHON, kept

ROUNDS = 300
FOLDERS = 12
WORK = """
import json, os, random, sqlite3, sys, time

def files(folder):
    path, block = folder + "/sequential", os.urandom(1 << 20)
    with open(path, "wb", buffering=0) as stream:
        for _ in range(32):
            stream.write(block)
    for _ in range(4):
        with open(path, "rb", buffering=0) as stream:
            while stream.read(1 << 20):
                pass
    os.unlink(path)

def rows(folder):
    path = folder + "/kept.db"
    kept = sqlite3.connect(path, isolation_level=None)
    kept.execute("pragma journal_mode = wal")
    kept.execute("pragma synchronous = off")
    kept.execute("create table rows (id integer primary key, body blob)")
    for number in range(400):
        kept.execute("insert into rows (body) values (randomblob(500))")
    for number in range(400):
        kept.execute("select body from rows where id = ?", (random.randint(1, 400),)).fetchone()
    kept.close()
    os.unlink(path)

places, rounds, folders = sys.argv[3:], int(sys.argv[1]), int(sys.argv[2])
taken = {work.__name__: {place: [] for place in places} for work in (files, rows)}
for turn in range(rounds + folders):
    for work in (files, rows):
        for place in random.sample(places, len(places)):
            folder = f"{place}{turn % folders}"
            os.makedirs(folder, exist_ok=True)
            begin = time.perf_counter()
            work(folder)
            if turn >= folders:
                taken[work.__name__][place].append(time.perf_counter() - begin)
print(json.dumps(taken))
"""
"""32 MB written and read four times; 400 transactions of SQLite and 400 reads. Nothing waits for the disk, which is the
same below all three: what differs is the way there. Each place has several folders, since where a file system lays one
makes a difference too."""


def volumes(folder: Path) -> None:
    """Against the layer, with an interval of 95 %: of the mean of the logarithms of the ratios of each round."""
    say(f"\n### volumes: {ROUNDS} rounds in turns, in one container\n")
    say("| | own layer | volume | slower than a bound folder, 95 % | slower than the layer, 95 % |")
    say("|---|---|---|---|---|")
    bound = folder / "bound"
    bound.mkdir()
    with docker_engine() as engine:
        python_image(engine, PYTHON, kept(), folder)
        mounts = []
        for number in range(FOLDERS):
            (bound / str(number)).mkdir()
            mounts += ["--volume", f"named{number}:/volume{number}", "--volume", f"{bound}/{number}:/bound{number}"]
        words = ("run", "--rm", "--network", "none", *mounts, PYTHON)
        ran = engine.docker(*words, "python", "-c", WORK, str(ROUNDS), str(FOLDERS), "/layer", "/volume", "/bound")
    for work, name in (("files", "files: 32 MB written, read 4 times"), ("rows", "SQLite: 400 writes, 400 reads")):
        taken = json.loads(ran)[work]
        layer, volume = (1000 * statistics.median(taken[place]) for place in ("/layer", "/volume"))
        against = [interval(taken["/volume"], taken[other]) for other in ("/bound", "/layer")]
        say(f"| {name} | {layer:.1f} ms | {volume:.1f} ms | {against[0]} | {against[1]} |")


def interval(mine: list[float], others: list[float]) -> str:
    """How much longer mine take, in percent, and the interval of 95 % by bootstrap of the median ratio."""
    ratios = [math.log(one / other) for one, other in zip(mine, others, strict=True)]
    dice = random.Random(7)  # noqa: S311 - the same table for the same figures
    medians = sorted(statistics.median(dice.choices(ratios, k=len(ratios))) for _ in range(2000))
    low, middle, high = (100 * (math.exp(x) - 1) for x in (medians[50], statistics.median(ratios), medians[1949]))
    return f"{middle:+.2f} % ({low:+.2f} to {high:+.2f})"
