"""The report as HTML: whatever was told is text in it, and nothing else."""

import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from shipways.errors import Problem
from shipways.model.event import SizeLine, Sizes, Skipped, Table
from shipways.model.plan import Mode
from shipways.model.record import FORMAT, PlannedPackage, PlanRecord
from shipways.model.story import Act, Ending, Span, Story
from shipways.run.page import duration, page, ticks

DIGEST = "sha256:" + "0123456789ab" + "0" * 52
ATTACK = """<script>alert(1)</script><img src=x onerror=alert(2)>"' onmouseover='x {{ 7*7 }} &lt;"""


def told(text: str) -> Story:
    """A story that says one text wherever somebody else chooses what is said."""
    span = Span(step=text, begin=0, end=1, ending=Ending.FAILED, reason=text)
    plan = PlanRecord(
        format=FORMAT,
        project=text,
        mode=Mode.RELEASE,
        reason=text,
        commit=text,
        make_digest=text,
        packages=(PlannedPackage(name=text, version=text),),
        steps=(),
        skips=(),
    )
    return Story(
        plan=plan,
        acts=(Act(name="Make", begin=0, end=2, spans=(span, replace(span, ending=Ending.CACHED))),),
        skips=(Skipped(step=text, kind=text, reason=text, fix=text),),
        tables=(Table(about=text, title=text, columns=(text, "#" + text), rows=((text, text),), remarks=(text,)),),
        sizes=Sizes(releases=(text, text), lines=(SizeLine(name=text, sizes=(1, 2)),)),
        critical=(text,),
        problems=(Problem(path=text, what=text, why=text, hint=text),),
    )


class Reader(HTMLParser):
    """Every element with its attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def shape(self) -> list[tuple[str, list[str]]]:
        """Elements with the names of their attributes."""
        return [(tag, sorted(attributes)) for tag, attributes in self.elements]


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(lambda text: f"x{text}<&'\"")
)
def test_text_is_never_markup(text: str) -> None:
    """Any text gives the elements and attributes that a harmless one of its length gives."""
    harmless = re.sub(r"[^x]", "y", text)
    assert Reader(page(told(harmless))).shape() == Reader(page(told(text))).shape()


def test_attack() -> None:
    """What would run elsewhere is shown as it is, in each of its places."""
    read = Reader(page(told(ATTACK)))
    assert [] == [tag for tag, _ in read.elements if tag in {"script", "img", "iframe", "object"}]
    assert [] == [name for _, attributes in read.elements for name in attributes if name.startswith("on")]
    assert read.text.count("{{ 7*7 }}") >= 15


def test_only_addresses_of_the_web_are_links() -> None:
    """Other schemes are text: a click on them runs nothing."""
    rows = (("a", "https://x.example/a?b=1&c"), ("b", "javascript:alert(1)"), ("c", "data:text/html,x"), ("d", "x"))
    story = replace(told("x"), tables=(Table(title="", columns=("item", "place"), rows=rows),))
    links = [attributes["href"] for tag, attributes in Reader(page(story)).elements if tag == "a"]
    assert ["https://x.example/a?b=1&c"] == links


def test_nothing_is_loaded() -> None:
    """The page asks nobody for anything, and its policy would not let it."""
    text = page(told("x"))
    read = Reader(text)
    policy = [a["content"] for tag, a in read.elements if tag == "meta" and a.get("http-equiv")]
    assert ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"] == policy
    assert [] == [attributes for _, attributes in read.elements if "src" in attributes]
    assert "url(" not in text
    assert "@import" not in text


def test_digests_are_short_and_whole() -> None:
    """People read twelve digits, and get all of them where they point at it."""
    story = replace(told("x"), tables=(Table(title="", columns=("item", "digest"), rows=(("a", DIGEST),)),))
    read = Reader(page(story))
    assert "0123456789ab" in read.text
    assert DIGEST not in read.text
    assert [DIGEST] == [a["title"] for tag, a in read.elements if tag == "td" and "title" in a]


def test_done_and_failed() -> None:
    """The first lines say how it ended."""
    assert "Failed" in Reader(page(told("x"))).text
    assert "What went wrong" not in page(replace(told("x"), problems=()))
    assert "Done" in Reader(page(replace(told("x"), problems=()))).text


def test_run_of_the_store_alone_has_no_critical_path() -> None:
    """Milliseconds of a store are no chain that anybody can make shorter."""
    story = told("x")
    for ending, shown in ((Ending.MADE, True), (Ending.CACHED, False)):
        act = replace(story.acts[0], spans=(replace(story.acts[0].spans[0], ending=ending),))
        assert shown == ("Critical path" in page(replace(story, acts=(act,))))


def test_trend() -> None:
    """Sizes are drawn from 0 on, over the releases that have the artifact; a single one is no line."""
    lines = (SizeLine(name="a", sizes=(None, 50, 100)), SizeLine(name="b", sizes=(None, None, 1)))
    read = Reader(page(replace(told("x"), sizes=Sizes(releases=("1", "2", "3"), lines=lines))))
    drawn = [(tag, attributes["points"]) for tag, attributes in read.elements if "points" in attributes]
    assert [("polygon", "50.0,12.0 98.0,2.0 98.0,22 50.0,22"), ("polyline", "50.0,12.0 98.0,2.0")] == drawn


def test_durations() -> None:
    """Milliseconds below a second, and minutes from a minute and a half on."""
    expected = ["0 ms", "12 ms", "1.0 s", "89.9 s", "1 min 30 s", "61 min 05 s"]
    assert expected == [duration(seconds) for seconds in (0, 0.012, 1, 89.9, 90, 3665)]


@given(st.floats(0.001, 1e6))
def test_ticks(seconds: float) -> None:
    """An axis begins at 0, does not leave the timeline, and is readable."""
    found = ticks(seconds)
    assert 0 == found[0]
    assert seconds >= found[-1]
    assert 7 >= len(found)
