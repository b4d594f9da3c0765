"""The page of the deployer in a real Chromium: by keyboard, for screen readers, live, and without scripts."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from asking import CANARY, wish
from deskserver import Served, deskserver
from support import need

pytestmark = pytest.mark.integration

PATHS = ("/", "/ui/jobs/00000004", "/ui/jobs/00000002", "/ui/services/pulse", "/ui/jobs/00000002/rollback", "/ui/login")
OUTLINE = "(({outlineStyle, outlineWidth}) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))"
# How many times lighter a text is than the ground behind it, or that than the text: the least of all (WCAG 2, 1.4.3).
CONTRAST = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (each) => {
    for (let up = each; up; up = up.parentElement) {
      const found = channels(getComputedStyle(up).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("main *, header *")].filter((each) =>
    [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  return texts.map((each) => {
    const [one, two] = [light(channels(getComputedStyle(each).color)), light(ground(each))].sort((a, b) => b - a);
    return (one + 0.05) / (two + 0.05);
  }).sort((a, b) => a - b)[0];
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's."""
    need("chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A deployer with a story; each test changes another service."""
    with deskserver(tmp_path_factory.mktemp("server"), story=True) as made:
        yield made


@contextlib.contextmanager
def opened(chromium: Browser, server: Served, **options: object) -> Iterator[Page]:
    """A page of somebody who has logged in. Its console says nothing, but that the server has refused something."""
    context = chromium.new_context(base_url=server.url, **options)  # type: ignore[arg-type]
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto("/")
    page.get_by_label("Token").fill(server.token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    yield page
    assert [] == [line for line in said if "409 (Conflict)" not in line]
    context.close()


def where(page: Page) -> str:
    """The element with the focus, in words."""
    script = "() => { const e = document.activeElement; return [e.tagName, e.textContent.trim() || e.id].join(' ') }"
    return re.sub(r"\s+", " ", str(page.evaluate(script)))


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_drawn(chromium: Browser, server: Served, scheme: str, width: int) -> None:
    """Light or dark, wide or narrow: nothing is beyond the edge, each text is readable, and no value is on a page."""
    with opened(chromium, server, color_scheme=scheme, viewport={"width": width, "height": 800}) as page:
        for path in PATHS:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            assert 4.5 <= page.evaluate(CONTRAST), path
            assert CANARY not in page.content()


def test_keyboard(chromium: Browser, server: Served) -> None:
    """With the keyboard alone a service is rolled back: in the order of reading, with a mark that can be seen."""
    with opened(chromium, server) as page:
        page.goto("/ui/jobs/00000006")
        order = []
        while len(order) < 6:
            page.keyboard.press("Tab")
            order.append(where(page))
            assert ["solid", "3px"] == page.evaluate(OUTLINE), order[-1]
        assert ["A Skip to the content", "A Overview", "BUTTON Log out", "A quay", "A Roll quay back …"] == order[:5]
        assert order[5].startswith("OL ")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Roll back: quay")).to_be_visible()
        while where(page) != "BUTTON Roll back":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Rollback of quay")).to_be_visible()
        expect(page.get_by_role("status")).to_contain_text("completed")


def test_skip(chromium: Browser, server: Served) -> None:
    """The first stop of the keyboard leads past the head of the page."""
    with opened(chromium, server) as page:
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert "A aegis" == where(page)


def test_tree(chromium: Browser, server: Served) -> None:
    """What a screen reader is told: landmarks, tables with heads, a status, a log, fields with names."""
    with opened(chromium, server) as page:
        page.goto("/ui/services/pulse")
        tree = page.locator("body").aria_snapshot()
        for words in (
            "- banner",
            '- navigation "Pages"',
            "- main",
            '- heading "pulse" [level=1]',
            '- table "What runs on each host, as it was last seen"',
            '- columnheader "Health"',
            '- rowheader "pulse"',
            '- textbox "Why nothing may be deployed to pulse"',
            '- button "Hold pulse"',
        ):
            assert words in tree
        page.goto("/ui/jobs/00000004")
        tree = page.locator("body").aria_snapshot()
        for words in ("- status: ", '- table "Phases"', '- rowheader "Start Service"', '- log "Log"'):
            assert words in tree


def test_live(chromium: Browser, server: Served) -> None:
    """What happens is shown without a reload, and the focus stays where it was."""
    with opened(chromium, server) as page, server.client() as http:
        page.get_by_role("link", name="00000004").focus()
        made = http.post("/deploy", json=wish(service_name="beacon")).json()["deploy_job_id"]
        expect(page.get_by_role("link", name=made)).to_be_visible()
        assert "A 00000004" == where(page)
        http.put("/services/aegis/hold", json={"reason": "the drill"})
        expect(page.get_by_role("row", name="aegis").first).to_contain_text("the drill")
        page.goto(f"/ui/jobs/{made}")
        expect(page.get_by_role("status")).to_contain_text("completed")
        expect(page.get_by_role("log")).to_contain_text("Register success")
        assert http.get(f"/deploy/{made}").json()["success"]


def test_without_scripts(chromium: Browser, server: Served) -> None:
    """Without scripts everything works: holding, being refused with the reason, taking the hold back, rolling back."""
    with opened(chromium, server, java_script_enabled=False) as page:
        page.goto("/ui/services/pulse")
        page.get_by_label("Why nothing").fill("the audit")
        page.get_by_role("button", name="Hold pulse").click()
        expect(page.get_by_role("row", name="pulse").first).to_contain_text("the audit")
        page.goto("/ui/jobs/00000002/rollback")
        page.get_by_role("button", name="Roll back").click()
        expect(page.get_by_role("alert")).to_contain_text("the audit")
        page.goto("/ui/services/pulse")
        page.get_by_role("button", name="Take the hold back").click()
        page.goto("/ui/jobs/00000002/rollback")
        page.get_by_role("button", name="Roll back").click()
        expect(page.get_by_role("heading", name="Rollback of pulse")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Token")).to_be_visible()


def test_other_site(chromium: Browser, server: Served, tmp_path: Path) -> None:
    """A page of somebody else cannot make the browser cancel, frame or read anything, though it is logged in."""
    with opened(chromium, server) as page, server.client() as http:
        evil = tmp_path / "evil.html"
        evil.write_text(
            f'<form method="post" action="{server.url}/ui/jobs/00000002/rollback"><button>x</button></form>'
        )
        before, other = http.get("/deploy").json(), page.context.new_page()
        other.goto(evil.as_uri())
        with other.expect_navigation():
            other.get_by_role("button").click()
        assert before == http.get("/deploy").json()
        assert httpx.codes.FORBIDDEN == other.request.post(f"{server.url}/ui/logout", headers={"origin": "null"}).status
