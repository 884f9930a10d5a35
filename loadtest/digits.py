"""Numbers as people read them: three digits, no more than was measured."""

from loadtest.figures import Estimate


def three(value: float) -> str:
    """Three significant digits.

    >>> [three(v) for v in (0.0421, 6.1234, 15.22, 870.4, 12345)]
    ['0.0421', '6.12', '15.2', '870', '12,300']
    """
    rounded = float(f"{value:.3g}")
    if abs(rounded) >= 100:  # noqa: PLR2004 - from here on no decimals are left
        return f"{rounded:,.0f}"
    text = f"{value:#.3g}"
    return text.rstrip(".")


def interval(estimate: Estimate) -> str:
    """From - to."""
    return f"{three(estimate.low)}–{three(estimate.high)}"  # noqa: RUF001 - an en dash means to


def share(part: int, whole: int) -> str:
    """A percentage that never rounds something to nothing.

    >>> share(1, 2000), share(0, 5), share(30, 600)
    ('0.05 %', '0 %', '5 %')
    """
    return f"{100 * part / whole:.2g} %" if part else "0 %"
