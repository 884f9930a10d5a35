"""README's table of the variants, made from their data."""

from collections.abc import Sequence
from pathlib import Path

import deploy
from deploy.model import Variant

README = Path(str(deploy.__file__)).parents[1] / "README.md"
# The nine architectures; the catalog has those that work from end to end.
ALL = 9

BEGIN = "<!-- made from deploy/catalog.py by `python -m tests.documents`: begin -->\n"
END = "<!-- end -->\n"

HEAD = "| # | variant | architecture | scales | burden | known for | its limit |"
_NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def summary(variants: Sequence[Variant]) -> str:
    """The table, and how many are still to come."""
    lines = [HEAD, "|" + "---|" * HEAD.count(" | ") + "---|", *map(_row, variants)]
    if (missing := ALL - len(variants)) > 0:
        here = _NUMBERS[len(variants)].capitalize()
        verb = "is" if len(variants) == 1 else "are"
        follows = "follows" if missing == 1 else "follow"
        lines += ["", f"{here} of the nine {verb} here; the other {_NUMBERS[missing]} {follows}."]
    return "\n".join(lines) + "\n"


def with_summary(readme: str, variants: Sequence[Variant]) -> str:
    """The same text with what stands between the two marks made anew."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README has lost one of its marks: {BEGIN.strip()} … {END.strip()}")
    return before + begin + summary(variants) + end + after


def _row(variant: Variant) -> str:
    chapter = f"[`{variant.name}`](deploy/{variant.slug}/README.md)"
    cells = (
        str(variant.number),
        chapter,
        variant.title,
        variant.scalability,
        variant.burden,
        variant.known_for,
        variant.limits,
    )
    return f"| {' | '.join(cells)} |"
