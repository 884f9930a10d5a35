"""README's picture, from the catalog: the same load on every variant, the same queue behind."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from deploy.model import Variant
from tests.documents.drawing import STYLE, SVG, TIP
from tests.templates.reading import DEPLOY

PATH: Path = DEPLOY / "overview.svg"

MARGIN = 12
SIDE, MIDDLE = 138, 320
HEIGHT, ROW = 44, 56
GAP = 90

TITLE = "One service, several ways onto AWS, one queue"


def overview(variants: Sequence[Variant]) -> str:
    """Write the SVG: a box for each variant, between who calls and where messages go."""
    width = 2 * (MARGIN + SIDE + GAP) + MIDDLE
    height = 2 * MARGIN + ROW * len(variants) - (ROW - HEIGHT)
    names = ", ".join(f"{variant.name} ({variant.title})" for variant in variants)
    told = f"Locust calls each at the same rate, and each sends to the same SQS queue: {names}."
    left, right = MARGIN, width - MARGIN - SIDE
    between, centre = MARGIN + SIDE + GAP, height // 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {SVG}>',
        f'  <title id="t">{TITLE}</title>',
        f'  <desc id="d">{escape(told)}</desc>',
        f"  <style>\n{STYLE}  </style>",
        f"  <defs>{TIP}</defs>",
        *_box("Locust", "the same rate to all", left, centre, SIDE),
        *_box("SQS queue", "every id is looked for", right, centre, SIDE),
    ]
    for row, variant in enumerate(variants):
        y = MARGIN + ROW * row + HEIGHT // 2
        lines += _wire(left + SIDE, centre, between, y)
        lines += _wire(between + MIDDLE, y, right, centre)
        name = f"{variant.number}  {variant.name}"
        lines += _box(variant.title, name, between, y, MIDDLE, serves=bool(variant.artifacts))
    return "\n".join([*lines, "</svg>", ""])


def _box(  # noqa: PLR0913 - a rectangle and what is in it
    text: str, below: str, x: int, middle_y: int, width: int, *, serves: bool = False
) -> Iterator[str]:
    look, y, middle = "box service" if serves else "box", middle_y - HEIGHT // 2, x + width // 2
    yield f'  <rect class="{look}" x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="8"/>'
    yield f'  <text x="{middle}" y="{y + 19}">{escape(text)}</text>'
    yield f'  <text x="{middle}" y="{y + 35}" class="kind">{escape(below)}</text>'


def _wire(x1: int, y1: int, x2: int, y2: int) -> Iterator[str]:
    bend = (x1 + x2) // 2
    yield f'  <path class="wire" d="M{x1} {y1}C{bend} {y1} {bend} {y2} {x2 - 2} {y2}"/>'
