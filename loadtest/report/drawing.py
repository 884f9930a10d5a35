"""From a matplotlib figure to an SVG that belongs to the page: its fonts, colours and words."""

import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from loadtest.digits import three
from loadtest.report.palette import GRID, INK, MUTED, as_css

# Inches, at 96 pixels: a column of text on a screen, and a phone held upright.
WIDE, NARROW = 7.6, 3.7
# So that 1, 2 and 5 can all be named, in thousands too.
INCHES_A_DECADE = 1.9
# So that 1 and 3 can be named where several charts stand one above the other.
DECADES_UPWARD = 2
# From a microsecond to a quarter of an hour; no axis shows more.
MOST_DECADES = 10

# matplotlib types each key; any dictionary of them is fine.
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: the page's font, selectable, readable aloud
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
}

Draw: TypeAlias = Callable[[float], Figure]


@dataclass(frozen=True)
class Chart:
    """A drawing in two widths, and what it shows in words for those who do not see it."""

    title: str
    text: str
    wide: str
    narrow: str


def chart(name: str, title: str, text: str, draw: Draw) -> Chart:
    """Draw it for a screen and for a phone: shrinking one drawing would make its text too small."""
    with mpl.rc_context(STYLE):
        return Chart(
            title=title,
            text=text,
            wide=as_svg(draw(WIDE), name=f"{name}-wide", title=title, text=text),
            narrow=as_svg(draw(NARROW), name=f"{name}-narrow", title=title, text=text),
        )


def as_svg(figure: Figure, *, name: str, title: str, text: str) -> str:
    """Write the figure as inline SVG whose identifiers collide with no other's."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, flags=re.DOTALL)
    # Names of groups ("axes_1") repeat from figure to figure, and nothing refers to them.
    drawing = re.sub(r' id="[a-z][\w.]*_\d+"', "", drawing)
    head = re.search(r'viewBox="([^"]+)"', drawing)
    assert head is not None, "matplotlib writes a viewBox"  # noqa: S101
    labels = f'aria-labelledby="{name}-title {name}-text"'
    opening = (
        f'<svg viewBox="{head[1]}" role="img" {labels}>'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-text">{escape(text)}</desc>'
    )
    return as_css(re.sub(r"<svg[^>]*>", opening, drawing, count=1))


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """One set of axes that fills the figure."""
    figure = Figure(figsize=(width, height), layout="constrained")
    yield figure, figure.add_subplot()


def log_milliseconds(axes: Axes, which: str = "x") -> None:
    """A logarithmic axis that names 1, 2, 5, 10, … in milliseconds."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    # Left to itself, a locator that is short of room has no ticks rather than fewer.
    subs = (1.0, 2.0, 5.0) if which == "x" else (1.0, 3.0)
    axis.set_major_locator(LogLocator(subs=subs, numticks=MOST_DECADES))
    # There is less room above each other than beside each other.
    inches = axes.figure.bbox.width / axes.figure.dpi
    decades = inches / INCHES_A_DECADE if which == "x" else DECADES_UPWARD
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: named(value, axis.get_view_interval(), decades))
    )
    axis.set_minor_formatter(NullFormatter())


def named(milliseconds: float, shown: Sequence[float], decades: float) -> str:
    """A tick's label. On an axis that shows more decades than there is room for, powers only.

    >>> named(20, (1, 500), 4), named(20, (1, 50_000), 4), named(100, (1, 50_000), 4)
    ('20', '', '100')
    """
    low, high = shown
    is_power = math.isclose(math.log10(milliseconds) % 1, 0, abs_tol=1e-9)
    return plain(milliseconds) if is_power or math.log10(high / low) <= decades else ""


def plain(milliseconds: float) -> str:
    """A tick's label.

    >>> plain(0.5), plain(20), plain(2000)
    ('0.5', '20', '2,000')
    """
    return f"{milliseconds:,.0f}" if milliseconds >= 1 else three(milliseconds).rstrip("0")
