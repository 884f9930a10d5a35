"""Colours of the page, by role. Charts are drawn with stand-ins that become CSS variables.

So one drawing serves light and dark: the browser chooses. The series colours are those of Okabe
and Ito (Color Universal Design, 2008), which colour-blind people can tell apart, and near ones,
moved in lightness until each can be read as text on its background (4.5 : 1). Nine are for the
nine ways, the tenth is for one of your own; after that they come again, beside other names.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """A role, and how it looks by day and by night."""

    role: str
    light: str
    dark: str


INK = "#000101"
MUTED = "#000102"
GRID = "#000103"
PAPER = "#000104"
BAD = "#000105"
SERIES = tuple(f"#0002{n:02x}" for n in range(10))

ROLES: Mapping[str, Colour] = {
    INK: Colour("ink", "#1d2129", "#e6e4df"),
    MUTED: Colour("muted", "#5d6470", "#a3a8b0"),
    GRID: Colour("grid", "#dedcd6", "#363b44"),
    PAPER: Colour("paper", "#fdfcf9", "#16191e"),
    BAD: Colour("bad", "#b3261e", "#ff8a80"),
    SERIES[0]: Colour("series-1", "#0072b2", "#56b4e9"),
    SERIES[1]: Colour("series-2", "#c24d08", "#f08a4b"),
    SERIES[2]: Colour("series-3", "#00805f", "#2bc49a"),
    SERIES[3]: Colour("series-4", "#a8518a", "#dd9ac4"),
    SERIES[4]: Colour("series-5", "#8a6d00", "#e6c545"),
    SERIES[5]: Colour("series-6", "#4b4fa8", "#a3a6f0"),
    SERIES[6]: Colour("series-7", "#5d6470", "#b9bec6"),
    SERIES[7]: Colour("series-8", "#7a3b1d", "#d3a183"),
    SERIES[8]: Colour("series-9", "#2f7d8c", "#7fd1df"),
    SERIES[9]: Colour("series-10", "#5f7300", "#bcd35f"),
}


def as_css(drawing: str) -> str:
    """Let the page's variables colour a drawing."""
    for stand_in, colour in ROLES.items():
        drawing = drawing.replace(stand_in, f"var(--{colour.role})")
    return drawing


def variables(*, dark: bool) -> str:
    """The variables, for a stylesheet."""
    return " ".join(
        f"--{colour.role}: {colour.dark if dark else colour.light};" for colour in ROLES.values()
    )
