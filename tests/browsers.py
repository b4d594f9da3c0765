"""A page in a real Chromium: how wide it is, what is drawn, and what its console says."""

import html
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support import need

# The page runs in a frame of the width that is asked for, so one browser measures them all, and its own policy (no
# scripts, no network) stays in force; the frame shares this page's origin, so this script may look into it.
_HARNESS = """<!doctype html><meta charset="utf-8"><body>%s<pre id="found"></pre><script>
addEventListener("load", () => {
  const light = (body, which) => body.ownerDocument.defaultView.getComputedStyle(body)[which]
    .match(/\\d+/g).map(Number).reduce((one, other) => one + other);
  const look = (frame) => {
    const page = frame.contentDocument;
    page.querySelectorAll("details").forEach((each) => { each.open = true; });
    const root = page.documentElement;
    const boxes = [...page.querySelectorAll(".lane .bar")].map((bar) => bar.getBoundingClientRect());
    return {
      width: root.clientWidth,
      scrolls: root.scrollWidth,
      beyond: [...page.querySelectorAll("body *")].filter((each) => !each.closest(".lane, .axis, thead"))
        .filter((each) => each.getBoundingClientRect().right > root.clientWidth + 1).map((each) => each.outerHTML),
      bars: [...page.querySelectorAll(".lane .bar")].map((bar) => bar.title.split(": ")[0]),
      seen: boxes.filter((box) => box.width >= 3 && box.height >= 8).length,
      light: light(page.body, "backgroundColor") > light(page.body, "color"),
    };
  };
  document.getElementById("found").textContent = JSON.stringify([...document.querySelectorAll("iframe")].map(look));
});
</script>"""


@dataclass(frozen=True)
class Drawn:
    """A page at one width, in pixels.

    `scrolls` is how wide its content is; `beyond` what ends right of it; `bars` the steps with a bar, `seen` how many
    of these have an area; `light`: its ground is lighter than its letters.
    """

    width: int
    scrolls: int
    beyond: list[str]
    bars: list[str]
    seen: int
    light: bool


@dataclass(frozen=True)
class Opened:
    """A page at each width, and every line of the browser's console."""

    drawn: list[Drawn]
    console: list[str]


def opened(page: str, folder: Path, widths: tuple[int, ...] = (1280, 400), *, dark: bool = False) -> Opened:
    """Draw a page at these widths."""
    need("chromium")
    frames = (
        f'<iframe style="border:0;width:{w}px;height:900px" srcdoc="{html.escape(page)}"></iframe>' for w in widths
    )
    place = folder / "harness.html"
    place.write_text(_HARNESS % "".join(frames))
    scheme = ("--blink-settings=preferredColorScheme=0",) if dark else ()
    words = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}",
    )
    ran = subprocess.run(
        ("chromium", *words, *scheme, "--enable-logging=stderr", "--dump-dom", place.as_uri()),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = re.search(r'<pre id="found">(.*?)</pre>', ran.stdout, re.DOTALL)
    assert found, ran.stderr
    drawn = [Drawn(**each) for each in json.loads(html.unescape(found[1]))]
    return Opened(drawn, [line for line in ran.stderr.splitlines() if "CONSOLE" in line])
