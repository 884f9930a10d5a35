"""A variant's traffic as SVG: columns from clients to queue, readable on light and on dark."""

from collections.abc import Iterator
from html import escape
from math import ceil
from pathlib import Path
from typing import NamedTuple

from deploy.model import Variant
from tests.documents.traffic import CLIENTS, QUEUE, Arrow, Box, Traffic, traffic, whole
from tests.templates.reading import DEPLOY

NARROWEST, HEIGHT = 92, 52
# How wide a letter is at most on the average of a word, in the fonts that browsers choose, in 14
# and in 12 pixels.
NAME_LETTER, KIND_LETTER = 8.2, 7.0
BESIDE_TEXT = 8
GAP, ROW = 44, 72
MARGIN = 12
LEGEND_ROW, LEGEND_WIDTH = 22, 260

STYLE = """\
    text { fill: #1f2933; text-anchor: middle; font-size: 14px }
    .kind { fill: #52606d; font-size: 12px }
    .legend { fill: #52606d; font-size: 12px; text-anchor: start }
    .box { fill: #fff; stroke: #52606d; stroke-width: 1.5 }
    .service { fill: #e3f1ff; stroke: #0072b2 }
    .optional { stroke-dasharray: 6 4 }
    .wire { fill: none; stroke: #7b8794; stroke-width: 1.5; marker-end: url(#tip) }
    .asked { stroke-dasharray: 1.5 4; stroke-linecap: round }
    .on { marker-end: none }
    .tip { fill: #7b8794 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e4e7eb }
      .kind, .legend { fill: #9aa5b1 }
      .box { fill: #1f2933; stroke: #9aa5b1 }
      .service { fill: #12344d; stroke: #56b4e9 }
    }
"""
SVG = 'role="img" aria-labelledby="t d" font-family="system-ui, sans-serif"'
TIP = (
    '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker>'
)


class Place(NamedTuple):
    """A box's upper left corner, and how wide it is."""

    x: int
    y: int
    wide: int


def path_of(variant: Variant) -> Path:
    """Where a variant's drawing is."""
    return DEPLOY / variant.slug / "diagram.svg"


def drawing(variant: Variant) -> str:
    """Draw what the templates of the variant's stacks say."""
    return drawn(traffic(whole(variant)), variant.title)


def drawn(found: Traffic, title: str) -> str:
    """Write the SVG."""
    places = placed(found)
    lowest = max(place.y for place in places.values()) + HEIGHT
    legend = list(_legend(found))
    legend_end = LEGEND_WIDTH * len(legend)
    width = max(legend_end, *(place.x + place.wide for place in places.values())) + MARGIN
    height = lowest + MARGIN + LEGEND_ROW * bool(legend)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {SVG}>',
        f'  <title id="t">{escape(title)}</title>',
        f'  <desc id="d">{escape(_told(found))}</desc>',
        f"  <style>\n{STYLE}  </style>",
        f"  <defs>{TIP}</defs>",
        *(line for arrow in found.arrows for line in _wire(arrow, places)),
        *(line for box in found.boxes.values() for line in _box(box, places[box.name])),
        *_legend_lines(legend, y=lowest + LEGEND_ROW),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _width_of(box: Box) -> int:
    """How wide a box must be for its text."""
    text = max(len(box.name) * NAME_LETTER, len(box.kind) * KIND_LETTER)
    return max(NARROWEST, ceil(text) + 2 * BESIDE_TEXT)


def placed(found: Traffic) -> dict[str, Place]:
    """Where each box is; those of a column are as wide as the widest of them.

    What is always there is centred on the middle line; what is not, and what something else only
    stands on, is below, so that no arrow crosses it.
    """
    column = _columns(found)
    last = max(column.values())
    left, widths = MARGIN, dict[int, tuple[int, int]]()
    rows: dict[str, float] = {}
    for number in range(last + 1):
        names = [name for name in found.boxes if column[name] == number]
        widths[number] = left, max(_width_of(found.boxes[name]) for name in names)
        left += widths[number][1] + GAP
        first = [name for name in names if not _is_aside(found, name)]
        if not first and number == last:
            first = names
        below = [name for name in names if name not in first]
        rows |= {name: index - (len(first) - 1) / 2 for index, name in enumerate(first)}
        start = (len(first) + 1) / 2 if first else 1.0
        rows |= {name: start + index for index, name in enumerate(below)}
    top = min(rows.values())
    return {
        name: Place(x, MARGIN + round((rows[name] - top) * ROW), wide)
        for name in found.boxes
        for x, wide in [widths[column[name]]]
    }


def _columns(found: Traffic) -> dict[str, int]:
    """How many boxes at most a request has passed before this one."""
    ways = [arrow for arrow in found.arrows if arrow.how != "on"]
    column = {CLIENTS: 0}
    for _ in found.boxes:
        for way in ways:
            if way.tail in column:
                column[way.head] = max(column.get(way.head, 0), column[way.tail] + 1)
    # What nothing leads to stands where its like or its partner is.
    for name, box in found.boxes.items():
        partners = [a.head if a.tail == name else a.tail for a in found.arrows if _joins(a, name)]
        alike = [other.name for other in found.boxes.values() if other.kind == box.kind]
        if name not in column:
            column[name] = next(column[near] for near in [*partners, *alike] if near in column)
    column[QUEUE] = max([column[QUEUE], *(column[a.tail] + 1 for a in ways if a.head == QUEUE)])
    return column


def _joins(arrow: Arrow, name: str) -> bool:
    return arrow.how == "on" and name in {arrow.tail, arrow.head}


def _is_aside(found: Traffic, name: str) -> bool:
    passed = any(a.how != "on" and name in {a.tail, a.head} for a in found.arrows)
    return found.boxes[name].is_optional or not passed


def _wire(arrow: Arrow, places: dict[str, Place]) -> Iterator[str]:
    (x1, y1, wide), (x2, y2, _) = places[arrow.tail], places[arrow.head]
    look = f"wire {arrow.how}" if arrow.how != "through" else "wire"
    look += " optional" if arrow.is_optional and arrow.how == "through" else ""
    if arrow.how == "on":
        # Between two columns it would cross others, and says little.
        if x1 == x2:
            middle = x1 + wide // 2
            yield f'  <path class="{look}" d="M{middle} {min(y1, y2) + HEIGHT}V{max(y1, y2)}"/>'
        return
    x1, y1, y2 = x1 + wide, y1 + HEIGHT // 2, y2 + HEIGHT // 2
    way = ""
    for x, y, across_wide in sorted(place for place in places.values() if x1 < place.x < x2 - GAP):
        # Where it would pass behind a box it goes below it.
        across = y1 + (y2 - y1) * (x + across_wide / 2 - x1) / (x2 - x1)
        if y <= across <= y + HEIGHT:
            below = y + (ROW + HEIGHT) // 2
            way += f"{_bend(x1, y1, x, below)}H{x + across_wide}"
            x1, y1 = x + across_wide, below
    start = f"M{places[arrow.tail].x + wide} {places[arrow.tail].y + HEIGHT // 2}"
    yield f'  <path class="{look}" d="{start}{way}{_bend(x1, y1, x2 - 2, y2)}"/>'


def _bend(x1: int, y1: int, x2: int, y2: int) -> str:
    return f"H{x2}" if y1 == y2 else f"C{x1 + GAP} {y1} {x2 + 2 - GAP} {y2} {x2} {y2}"


def _box(box: Box, place: Place) -> Iterator[str]:
    x, y, wide = place
    look = "box" + " service" * box.is_service + " optional" * box.is_optional
    middle = x + wide // 2
    yield f'  <rect class="{look}" x="{x}" y="{y}" width="{wide}" height="{HEIGHT}" rx="8"/>'
    yield f'  <text x="{middle}" y="{y + 23}">{escape(box.name)}</text>'
    yield f'  <text x="{middle}" y="{y + 40}" class="kind">{escape(box.kind)}</text>'


def _legend(found: Traffic) -> Iterator[tuple[str, str]]:
    """What is not plain, as a look and what it means."""
    if any(arrow.how == "asked" for arrow in found.arrows):
        yield "wire asked", "asked, not passed through"
    if any(box.is_optional for box in found.boxes.values()):
        yield "wire optional", "only when a parameter asks for it"


def _legend_lines(legend: list[tuple[str, str]], *, y: int) -> Iterator[str]:
    for number, (look, meaning) in enumerate(legend):
        x = MARGIN + number * LEGEND_WIDTH
        yield f'  <path class="{look}" d="M{x} {y - 4}h30"/>'
        yield f'  <text x="{x + 38}" y="{y}" class="legend">{meaning}</text>'


def _told(found: Traffic) -> str:
    """The arrows as sentences, for those who do not see them."""
    verbs = {"through": "leads to", "asked": "refers to", "on": "stands on"}
    told = []
    for arrow in found.arrows:
        verb = "look up" if arrow.tail == CLIENTS and arrow.how == "asked" else verbs[arrow.how]
        verb = "call" if (arrow.tail, verb) == (CLIENTS, "leads to") else verb
        told.append(f"{arrow.tail} {verb} {arrow.head}{' if wanted' * arrow.is_optional}")
    return "; ".join(told) + "."
