"""The report as a browser shows it. Skipped where there is no Chromium."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from loadtest import archive
from loadtest.report.page import write_report
from tests.unit.loadtest.runs import everything

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on PATH"),
]

# A browser asks its maker for updates when it starts; the tests ask for nothing outside.
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium refuses to run its sandbox as root.
    *(("--no-sandbox",) if os.geteuid() == 0 else ()),
)

DESK = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)
TINY = ViewportSize(width=320, height=568)

Scheme: TypeAlias = Literal["light", "dark"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    run, samples = everything()
    run.write(folder)
    archive.write(folder, samples)
    return write_report(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


def opened(
    browser: Browser, report: Path, *, viewport: ViewportSize = DESK, scheme: Scheme = "light"
) -> Page:
    page = browser.new_page(viewport=viewport, color_scheme=scheme)
    page.goto(report.as_uri())
    return page


def test_it_opens_without_a_complaint_and_asks_for_nothing_else(
    browser: Browser, report: Path
) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(report.as_uri())

    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]


def test_the_table_names_every_variant_and_comes_before_the_drawings(
    browser: Browser, report: Path
) -> None:
    page = opened(browser, report, viewport=DESK)
    table = page.locator("table.figures")

    names = table.locator("tbody th").all_inner_texts()
    assert [name.split("\n")[0].strip() for name in names] == ["fast", "slow", "wrong"]
    assert "not loaded" in table.inner_text()
    drawing = page.locator("figure svg:visible").first
    table_box, drawing_box = table.bounding_box(), drawing.bounding_box()
    assert table_box
    assert drawing_box
    assert table_box["y"] < drawing_box["y"]


@pytest.mark.parametrize("viewport", [DESK, PHONE, TINY], ids=["desk", "phone", "tiny"])
def test_the_page_never_scrolls_sideways(
    browser: Browser, report: Path, viewport: ViewportSize
) -> None:
    page = opened(browser, report, viewport=viewport)

    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_on_a_desk_every_column_is_seen_without_scrolling(browser: Browser, report: Path) -> None:
    page = opened(browser, report, viewport=DESK)

    hidden = "it => it.scrollWidth - it.clientWidth"
    assert page.locator(".scroll:has(.figures)").evaluate(hidden) == 0
    box = page.locator("table.figures").bounding_box()
    assert box
    assert box["x"] == pytest.approx(DESK["width"] - box["x"] - box["width"], abs=2)


@pytest.mark.parametrize(
    ("viewport", "shown", "hidden"), [(DESK, "wide", "narrow"), (PHONE, "narrow", "wide")]
)
def test_each_screen_gets_its_own_drawings(
    browser: Browser, report: Path, viewport: ViewportSize, shown: str, hidden: str
) -> None:
    page = opened(browser, report, viewport=viewport)

    assert page.locator(f".{shown} svg:visible").count() == page.locator("figure").count()
    assert page.locator(f".{hidden} svg:visible").count() == 0
    # Every drawing has a name and a description for those who do not see it.
    for drawing in page.locator(f".{shown} svg[role=img]").all():
        assert drawing.locator("title").text_content()
        assert drawing.locator("desc").text_content()


def test_the_text_of_drawings_is_large_enough_on_a_phone(browser: Browser, report: Path) -> None:
    page = opened(browser, report, viewport=PHONE)

    heights = page.locator(".narrow svg text").evaluate_all(
        "texts => texts.map(text => text.getBoundingClientRect())"
        ".filter(box => box.width > box.height).map(box => box.height)"
    )
    assert min(heights) >= 9


def test_it_follows_the_night(browser: Browser, report: Path) -> None:
    def colours(scheme: Scheme) -> tuple[str, str]:
        page = opened(browser, report, scheme=scheme)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        curve = page.evaluate(
            "getComputedStyle(document.querySelector('.wide svg path[style*=series-1]')).stroke"
        )
        return paper, curve

    (day_paper, day_curve), (night_paper, night_curve) = colours("light"), colours("dark")

    assert (day_paper, night_paper) == ("rgb(253, 252, 249)", "rgb(22, 25, 30)")
    assert day_curve != night_curve


def test_what_is_folded_away_unfolds(browser: Browser, report: Path) -> None:
    page = opened(browser, report)
    rounds = page.locator("details", has_text="The rounds").first

    assert not rounds.locator("table").is_visible()
    rounds.locator("summary").click()
    assert rounds.locator("table").is_visible()
