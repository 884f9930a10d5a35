"""A load while it goes on: figures of the last seconds, as a view that stays or as plain lines."""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from loadtest.behind import Capacity
from loadtest.digits import three
from loadtest.load_words import called
from loadtest.samples import Sample

# Figures are of so many seconds that have just passed.
LAST_S = 3.0
# Plain lines come so often, and the view changes so often.
LINE_EVERY_S = 5.0
# So many of the last things that happened stay in view.
NEWS = 8
NOBODY_KNOWS = "-"


@dataclass(frozen=True)
class Figures:
    """Of the last seconds; no percentiles when nothing was answered."""

    offered_per_s: float = 0.0
    answered_per_s: float = 0.0
    errors_per_s: float = 0.0
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass
class Recent:
    """The samples of the last seconds, against what was due in them."""

    due: Sequence[float]
    began_s: float | None = None
    _samples: deque[Sample] = field(default_factory=deque)

    def add(self, samples: Iterable[Sample]) -> None:
        """Take in what has been answered since."""
        for sample in samples:
            if self.began_s is None:
                # The first that is known tells when the first was due.
                self.began_s = sample.intended_s - self.due[sample.n]
            self._samples.append(sample)

    def figures(self, now_s: float) -> Figures:
        """Sum up; `now_s` is in seconds since 1970."""
        since_s = now_s - LAST_S
        # Samples come in the order of their answers, as good as.
        while self._samples and self._samples[0].answered_s < since_s:
            self._samples.popleft()
        if self.began_s is None:
            return Figures()
        at_s = now_s - self.began_s
        passed_s = max(min(LAST_S, at_s), 1e-3)
        offered = bisect_left(self.due, at_s) - bisect_left(self.due, at_s - LAST_S)
        good = [sample.latency_ms for sample in self._samples if sample.ok]
        p50_ms, p99_ms = np.percentile(good, [50, 99]) if good else (None, None)
        return Figures(
            offered_per_s=offered / passed_s,
            answered_per_s=len(good) / passed_s,
            errors_per_s=(len(self._samples) - len(good)) / passed_s,
            p50_ms=None if p50_ms is None else float(p50_ms),
            p99_ms=None if p99_ms is None else float(p99_ms),
        )


@dataclass(frozen=True)
class Frame:
    """What is seen at one moment. Before the first answer, `at_s` is None."""

    at_s: float | None
    figures: Figures
    capacities: Sequence[Capacity]
    # What has happened since the last frame.
    news: Sequence[str] = ()


class View(Protocol):
    """Shows one frame after the other."""

    def show(self, frame: Frame) -> None:
        """Show it in place of the last one, or below."""
        ...


@dataclass
class Lines:
    """For a file or a pipe: a line now and then, and one for each thing that happens."""

    write: Callable[[str], object]
    seconds: float
    _next_s: float = 0.0

    def show(self, frame: Frame) -> None:
        """See `View`."""
        for text in frame.news:
            self.write(text)
        if frame.at_s is not None and frame.at_s >= self._next_s:
            self._next_s = frame.at_s + LINE_EVERY_S
            self.write(line(frame, self.seconds))


@dataclass
class Panel:
    """For a terminal: a table that is drawn anew."""

    live: Live
    title: str
    seconds: float
    _news: deque[str] = field(default_factory=lambda: deque(maxlen=NEWS))

    def show(self, frame: Frame) -> None:
        """See `View`."""
        self._news.extend(frame.news)
        self.live.update(drawn(frame, self.title, self.seconds, self._news), refresh=True)


@contextmanager
def view_on(console: Console, title: str, seconds: float) -> Iterator[View]:
    """Choose what suits the console."""
    if not console.is_terminal:
        console.print(f"… {title}", soft_wrap=True, markup=False, highlight=False)
        yield Lines(
            lambda text: console.print(text, soft_wrap=True, markup=False, highlight=False), seconds
        )
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield Panel(live, title, seconds)


def line(frame: Frame, seconds: float) -> str:
    """A frame in one line."""
    figures = [f"{name} {value}" for name, value in cells(frame.figures)]
    behind = [
        f"{called(one.name)}: "
        + ", ".join(f"{name} {value}" for name, value in capacity_cells(one))
        for one in frame.capacities
    ]
    return "  ".join([progress(frame, seconds), *figures, *behind])


def drawn(frame: Frame, title: str, seconds: float, news: Iterable[str]) -> RenderableType:
    """A frame as a few tables below each other."""
    load = Table.grid(padding=(0, 3))
    load.add_row(*(f"[dim]{name}[/]" for name, _ in cells(frame.figures)))
    load.add_row(*(f"[bold]{value}[/]" for _, value in cells(frame.figures)))
    parts: list[RenderableType] = [f"[bold]{escape(title)}[/]  {progress(frame, seconds)}", load]
    if frame.capacities:
        behind = Table.grid(padding=(0, 3))
        names = [name for name, _ in capacity_cells(frame.capacities[0])]
        behind.add_row("", *(f"[dim]{name}[/]" for name in names))
        for capacity in frame.capacities:
            values = (f"[bold]{value}[/]" for _, value in capacity_cells(capacity))
            behind.add_row(escape(called(capacity.name)), *values)
        parts.append(behind)
    return Group(*parts, *(f"  {escape(text)}" for text in news))


def progress(frame: Frame, seconds: float) -> str:
    """How far the load is."""
    if frame.at_s is None:
        return "starting"
    return f"{min(frame.at_s, seconds):.0f} s of {seconds:g} s"


def cells(figures: Figures) -> list[tuple[str, str]]:
    """Names and values."""
    errors = f"{figures.errors_per_s:.0f}" if figures.errors_per_s >= 1 else "0"
    if 0 < figures.errors_per_s < 1:
        errors = "<1"
    return [
        ("offered/s", f"{figures.offered_per_s:.0f}"),
        ("answered/s", f"{figures.answered_per_s:.0f}"),
        ("errors/s", errors),
        ("p50 ms", known(figures.p50_ms)),
        ("p99 ms", known(figures.p99_ms)),
    ]


def capacity_cells(capacity: Capacity) -> list[tuple[str, str]]:
    """Names and values."""
    healthy = NOBODY_KNOWS if capacity.healthy is None else str(capacity.healthy)
    cpu = NOBODY_KNOWS if capacity.cpu_percent is None else f"{capacity.cpu_percent:.0f} %"
    return [
        ("desired", str(capacity.desired)),
        ("running", str(capacity.running)),
        ("healthy", healthy),
        ("CPU", cpu),
    ]


def known(value: float | None) -> str:
    """A figure, if there is one."""
    return NOBODY_KNOWS if value is None else three(value)
