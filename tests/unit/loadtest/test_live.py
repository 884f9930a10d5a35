"""Figures of a load that goes on, and the two ways of showing them."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from loadtest.behind import Capacity
from loadtest.live import Figures, Frame, Lines, Recent, drawn, view_on
from loadtest.samples import Sample

BEGAN_S = 1_795_000_000.0
DUE = [n / 10 for n in range(100)]
FIGURES = Figures(200, 180, 0.4, 12.3, 45.6)
CAPACITY = Capacity("service/nineways-x-Cluster/web", 4, 3, None, 81.4)


def sample(n: int, *, latency_ms: float = 20, ok: bool = True) -> Sample:
    due_s = BEGAN_S + DUE[n]
    return Sample(n, "GET /whoami", due_s, due_s, latency_ms, 200 if ok else 503, ok)


def recent(samples: Sequence[Sample]) -> Recent:
    made = Recent(DUE)
    made.add(samples)
    return made


def test_figures_are_of_the_last_seconds() -> None:
    answered = [sample(n, latency_ms=10 if n < 50 else 30) for n in range(100)]

    figures = recent(answered).figures(BEGAN_S + 10)

    assert figures.offered_per_s == pytest.approx(10)
    assert figures.answered_per_s == pytest.approx(10, abs=0.4)
    assert (figures.p50_ms, figures.errors_per_s) == (30, 0)


def test_what_is_not_answered_yet_is_offered_all_the_same() -> None:
    figures = recent([sample(n) for n in range(71)]).figures(BEGAN_S + 10)

    assert figures.offered_per_s == pytest.approx(10)
    assert figures.answered_per_s == pytest.approx(1 / 3)


def test_failures_are_errors_and_no_latencies() -> None:
    figures = recent([sample(n, ok=n % 2 == 0) for n in range(100)]).figures(BEGAN_S + 10)

    assert figures.errors_per_s == pytest.approx(figures.answered_per_s, abs=0.4)


def test_before_the_first_answer_nothing_is_known() -> None:
    assert recent([]).figures(BEGAN_S) == Figures()


def test_a_load_that_just_began_is_counted_by_the_time_it_has_had() -> None:
    assert recent([sample(0)]).figures(BEGAN_S + 1).offered_per_s == pytest.approx(10)


def test_lines_come_now_and_then_and_news_at_once() -> None:
    written: list[str] = []
    lines = Lines(written.append, seconds=60)

    for at_s in (None, 0.5, 1.0, 4.0, 5.6):
        lines.show(Frame(at_s, FIGURES, [CAPACITY], ["something"] if at_s == 1.0 else []))

    assert len(written) == 3
    assert written[1] == "something"
    assert written[2].startswith("6 s of 60 s  offered/s 200  answered/s 180  errors/s <1")
    assert "service web: desired 4, running 3, healthy -, CPU 81 %" in written[2]


def test_the_panel_fits_into_80_columns_and_keeps_the_news() -> None:
    console = Console(width=80, file=io.StringIO())

    console.print(drawn(Frame(12, FIGURES, [CAPACITY]), "load x", 60, ["[b] is launched"]))

    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "12 s of 60 s" in text
    assert "[b] is launched" in text
    assert "81 %" in text


def test_a_terminal_gets_the_panel_and_a_file_the_lines() -> None:
    shown = {}
    for is_terminal in (True, False):
        console = Console(width=80, file=io.StringIO(), force_terminal=is_terminal)
        with view_on(console, "load x", 60) as view:
            view.show(Frame(3, FIGURES, [CAPACITY]))
        shown[is_terminal] = console.file.getvalue()  # type: ignore[attr-defined]

    assert "\x1b[" in shown[True]
    assert "\x1b[" not in shown[False]
    assert shown[False].startswith("… load x\n3 s of 60 s")
