"""The charts of the page. Each takes summaries and samples and gives a drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.archive import Samples
from loadtest.digits import three
from loadtest.report.drawing import NARROW, Chart, canvas, chart, log_milliseconds
from loadtest.report.palette import BAD, GRID, INK, MUTED, PAPER, SERIES
from loadtest.run import Round, Run
from loadtest.samples import Sample
from loadtest.summary import Summary

# More points than this would make the page heavy and show nothing more.
MAX_POINTS = 1500
PERCENT = 100.0


@dataclass(frozen=True)
class Series:
    """A subject with its colour and what was measured of it."""

    summary: Summary
    colour: str
    legs: Sequence[tuple[Round, Sequence[Sample]]]

    @property
    def name(self) -> str:
        """What it is called in the charts."""
        return self.summary.subject.name

    def latencies(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """All latencies that count, in order of size."""
        return np.sort([s.latency_ms for r, leg in self.legs if not r.void for s in leg if s.ok])


def series_of(run: Run, samples: Samples, summaries: Sequence[Summary]) -> list[Series]:
    """Those subjects that were measured, each with a colour of its own for the whole page."""
    return [
        Series(
            summary,
            SERIES[n % len(SERIES)],
            [
                (round_, samples[round_.subject, round_.number])
                for round_ in run.rounds
                if round_.subject == summary.subject.name
            ],
        )
        for n, summary in enumerate(summaries)
        if summary.measured
    ]


def percentiles(series: Sequence[Series]) -> Chart:
    """Median, p90 and p99 with their intervals, one row a subject."""

    def draw(width: float) -> Figure:
        with canvas(width, 0.75 + 0.55 * len(series)) as (figure, axes):
            for row, each in enumerate(reversed(series)):
                draw_row(axes, row, each)
            log_milliseconds(axes)
            axes.set_xlabel("milliseconds, from the intended start")
            axes.set_yticks(range(len(series)), [each.name for each in reversed(series)])
            axes.tick_params(axis="y", labelcolor=INK, pad=6)
            axes.set_ylim(-0.6, len(series) - 0.35)
            axes.spines["left"].set_visible(False)
            axes.grid(axis="x")
            axes.set_axisbelow(True)
        return figure

    return chart(
        "percentiles",
        "Latency: median, p90, p99",
        "; ".join(
            f"{each.name}: "
            + ", ".join(f"p{p:g} {three(e.value)} ms" for p, e in each.summary.latency_ms.items())
            for each in series
        ),
        draw,
    )


def draw_row(axes: Axes, row: int, series: Series) -> None:
    """One subject: a dot a percentile, a bar for what it could as well be, the value above."""
    estimates = series.summary.latency_ms
    values = [estimate.value for estimate in estimates.values()]
    axes.plot([values[0], values[-1]], [row, row], color=series.colour, linewidth=1, alpha=0.35)
    for percentile, estimate in estimates.items():
        axes.plot(
            [estimate.low, estimate.high],
            [row, row],
            color=series.colour,
            linewidth=6,
            alpha=0.3,
            solid_capstyle="round",
        )
        axes.plot(estimate.value, row, "o", color=series.colour, markersize=5.5)
        axes.annotate(
            f"p{percentile:g}",
            (estimate.value, row),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=MUTED,
        )


def distribution(series: Sequence[Series]) -> Chart:
    """Share of requests answered within a time."""

    def draw(width: float) -> Figure:
        with canvas(width, 2.6 if width > NARROW else 2.9) as (figure, axes):
            levels = np.linspace(0, 1, 401)
            by_speed = sorted(series, key=lambda each: each.summary.latency_ms[50.0].value)
            for rank, each in enumerate(by_speed):
                curve = np.quantile(each.latencies(), levels)
                axes.plot(curve, levels * PERCENT, color=each.colour, linewidth=1.8)
                name_curve(axes, each, curve, rank=rank, of=len(by_speed))
            log_milliseconds(axes)
            axes.set_xlabel("milliseconds, from the intended start")
            axes.set_ylabel("% of requests answered")
            axes.set_yticks([0, 50, 90, 100])
            axes.set_ylim(0, 103)
            axes.grid()
            axes.set_axisbelow(True)
        return figure

    return chart(
        "distribution",
        "Share of requests answered within a time",
        "Cumulative distribution of the latency of each subject, on a logarithmic axis. "
        "A curve further to the left is faster.",
        draw,
    )


def name_curve(
    axes: Axes,
    series: Series,
    curve: np.ndarray[tuple[int], np.dtype[np.float64]],
    *,
    rank: int,
    of: int,
) -> None:
    """Write a curve's name beside it: the fastest to its left, the others to their right.

    Each at a height of its own, so that names of curves that lie together do not.
    """
    level = 0.82 - 0.66 * (rank / max(1, of - 1) if of > 1 else 0.3)
    at = (float(np.interp(level, np.linspace(0, 1, curve.size), curve)), level * PERCENT)
    left = rank == 0 and of > 1
    axes.plot(*at, "o", color=series.colour, markersize=4)
    axes.annotate(
        series.name,
        at,
        xytext=(-7 if left else 7, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        color=series.colour,
        fontweight="bold",
        bbox={"boxstyle": "square,pad=0.15", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.8},
    )


def over_time(series: Sequence[Series]) -> Chart:
    """Latency of each request, round after round."""

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 0.5 + 1.45 * len(series)), layout="constrained")
        rows = figure.subplots(len(series), sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, each in zip(rows, series, strict=True):
            draw_rounds(axes, each, narrow=width <= NARROW)
        rows[-1].set_xlabel("seconds under load, round after round")
        return figure

    return chart(
        "over-time",
        "Latency of each request over time",
        "One row a subject; each dot is a request, each block a round. "
        "Crosses at the top are requests that failed; grey rounds do not count.",
        draw,
    )


def draw_rounds(axes: Axes, series: Series, *, narrow: bool) -> None:
    """One subject's rounds side by side."""
    begin_s = 0.0
    for round_, leg in series.legs:
        start_s = min((sample.intended_s for sample in leg), default=0.0)
        length_s = max((sample.intended_s - start_s for sample in leg), default=1.0) * 1.04
        shown = thinned(leg)
        good = [sample for sample in shown if sample.ok]
        axes.plot(
            [begin_s + sample.intended_s - start_s for sample in good],
            [sample.latency_ms for sample in good],
            "o",
            color=MUTED if round_.void else series.colour,
            markersize=2,
            alpha=0.35 if round_.void else 0.55,
            markeredgewidth=0,
        )
        bad = [sample for sample in leg if not sample.ok]
        axes.plot(
            [begin_s + sample.intended_s - start_s for sample in bad],
            [0.96] * len(bad),
            "x",
            color=BAD,
            markersize=4,
            transform=axes.get_xaxis_transform(),
        )
        axes.axvline(begin_s, color=GRID, linewidth=0.8)
        axes.annotate(
            ("void" if round_.void else f"{round_.number}" if narrow else f"round {round_.number}"),
            (begin_s, 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(1, 3),
            textcoords="offset points",
            va="bottom",
            fontsize=7.5,
            color=MUTED,
        )
        begin_s += length_s
    log_milliseconds(axes, "y")
    axes.set_title(
        series.name, loc="left", fontsize=9.5, fontweight="bold", color=series.colour, pad=16
    )
    axes.set_ylabel("ms")
    axes.set_xlim(0, begin_s)
    axes.grid(axis="y")
    axes.set_axisbelow(True)


def thinned(leg: Sequence[Sample]) -> Sequence[Sample]:
    """Few enough samples to draw; the slowest twentieth is never left out."""
    if len(leg) <= MAX_POINTS:
        return leg
    slow_ms = float(np.percentile([sample.latency_ms for sample in leg], 95))
    step = -(-len(leg) // MAX_POINTS)
    return [s for n, s in enumerate(leg) if n % step == 0 or s.latency_ms >= slow_ms]


def cold_and_warm(summaries: Sequence[Summary]) -> Chart:
    """Each cold start beside the same request when warm."""
    started = [each for each in summaries if each.subject.cold_starts]

    def draw(width: float) -> Figure:
        with canvas(width, 0.75 + 0.8 * len(started)) as (figure, axes):
            for row, each in enumerate(reversed(started)):
                starts = each.subject.cold_starts
                for offset, kind, colour, values in (
                    (0.18, "cold", SERIES[1], [start.cold_ms for start in starts]),
                    (-0.18, "warm", SERIES[0], [start.warm_ms for start in starts]),
                ):
                    axes.plot(
                        values,
                        [row + offset] * len(values),
                        "o",
                        color=colour,
                        alpha=0.7,
                        markersize=6,
                        markeredgewidth=0,
                    )
                    axes.annotate(
                        f"{kind} {three(float(np.median(values)))} ms",
                        (max(values), row + offset),
                        xytext=(8, 0),
                        textcoords="offset points",
                        va="center",
                        color=colour,
                        fontweight="bold",
                    )
            log_milliseconds(axes)
            axes.margins(x=0.25)
            axes.set_xlabel("milliseconds for GET /whoami")
            axes.set_yticks(range(len(started)), [e.subject.name for e in reversed(started)])
            axes.tick_params(axis="y", labelcolor=INK, pad=6)
            axes.set_ylim(-0.6, len(started) - 0.4)
            axes.spines["left"].set_visible(False)
            axes.grid(axis="x")
            axes.set_axisbelow(True)
        return figure

    return chart(
        "cold",
        "The first request of a new environment, and the same when warm",
        "; ".join(
            f"{each.subject.name}: cold {three(each.cold_ms or 0)} ms, "
            f"warm {three(each.warm_ms or 0)} ms (medians)"
            for each in started
        ),
        draw,
    )
