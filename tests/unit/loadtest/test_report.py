import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from loadtest import archive
from loadtest.report.charts import over_time, series_of
from loadtest.report.page import render, write_report
from loadtest.report.palette import ROLES, SERIES, Colour
from loadtest.run import Check, Run, Verdict
from loadtest.summary import summarise
from tests.unit.loadtest.runs import PASSED, a_run, about, everything, leg, subject

VOID_TAGS = {"meta", "link", "br", "img", "hr"}


class Page(HTMLParser):
    """Collects what a page is made of, and notices tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID_TAGS:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src", "xlink:href", "action"}:
                self.references.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID_TAGS:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def html() -> str:
    return render(*everything())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.mark.parametrize("count", [9, 10, 12])
def test_so_many_as_there_may_be_have_their_rows_and_colours(count: int) -> None:
    names = [f"way-{n}" for n in range(1, count + 1)]
    legs = {name: [leg(about(10 + n))] for n, name in enumerate(names)}

    html = render(*a_run([subject(name) for name in names], legs))

    shown = Page(html)
    assert shown.open == []
    assert all(name in shown.text for name in names)
    used = {f"var(--series-{n})" for n in range(1, min(count, len(SERIES)) + 1)}
    assert all(colour in html for colour in used)


def test_what_is_not_promised_is_counted_and_said() -> None:
    excused = Check(
        name="docs", promise="/docs is a page", verdict=Verdict.NOT_PROMISED, reason="no code"
    )
    direct = subject("direct", checks=(PASSED, excused))

    text = Page(render(*a_run([direct], {"direct": [leg(about(10))]}))).text

    assert "1 not promised" in text
    assert "no code" in text


def test_an_axis_of_many_decades_still_has_ticks() -> None:
    run, samples = a_run(
        [subject("fast"), subject("slow")],
        {"fast": [leg(about(0.5))], "slow": [leg(about(9_000))]},
    )
    chart = over_time(series_of(run, samples, summarise(run, samples)))

    for drawing in (chart.wide, chart.narrow):
        named = re.findall(r"<text[^>]*>([^<]*)</text>", drawing)
        assert {"1", "100", "10,000"} <= set(named)
        assert "3,000" not in named


def test_every_tag_is_closed(page: Page) -> None:
    assert page.open == []


def test_nothing_is_fetched(page: Page, html: str) -> None:
    outside = [r for r in page.references if not r.startswith(("#", "data:"))]

    assert outside == []
    assert "<script" not in html


def test_no_name_is_given_twice_to_different_things(page: Page) -> None:
    # A clip path that two drawings share is named twice, but is the same.
    names = [name for name in page.ids if not re.fullmatch(r"[pmC]\w*", name)]

    assert len(names) == len(set(names))


def test_every_sentence_of_the_findings_and_every_name_is_on_the_page(page: Page) -> None:
    for text in (
        "fast answers fastest",
        "wrong was not loaded",
        "2 lost, 1 twice",
        "status 503 queue_unavailable",
        "What the lab cannot show",
        "fargate-task",
        "nineways compare fast slow --rate=40",
    ):
        assert text in page.text


def test_drawings_take_their_colours_from_the_page(html: str) -> None:
    assert "var(--series-1)" in html
    assert not [stand_in for stand_in in ROLES if stand_in in html]


def test_a_run_in_which_nothing_was_measured_has_a_page_too() -> None:
    page = Page(render(*a_run([subject("one")], {})))

    assert "Nothing could be measured." in page.text


def test_what_a_service_says_is_text_and_not_markup() -> None:
    run, samples = everything()
    (name, number), leg = next(iter(samples.items()))
    evil = [*leg]
    evil[3] = replace(evil[3], ok=False, error="<script>alert(1)</script>")

    html = render(run, {**samples, (name, number): evil})

    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_report_is_made_again_from_its_folder(tmp_path: Path, html: str) -> None:
    run, samples = everything()
    run.write(tmp_path)
    archive.write(tmp_path, samples)

    path = write_report(tmp_path)

    assert Run.read(tmp_path) == run
    assert archive.read(tmp_path) == samples
    assert path.read_text() == html


def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(
    "colour",
    [c for c in ROLES.values() if c.role not in {"paper", "grid"}],
    ids=lambda colour: colour.role,
)
def test_every_colour_can_be_read_by_day_and_by_night(colour: Colour) -> None:
    paper = next(each for each in ROLES.values() if each.role == "paper")

    # 4.5 is what WCAG asks of text: names of curves are text in their colour.
    assert contrast(colour.light, paper.light) >= 4.5
    assert contrast(colour.dark, paper.dark) >= 4.5
