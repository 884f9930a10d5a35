"""README's table of the variants says what their data says."""

from dataclasses import replace

import pytest

from deploy.catalog import VARIANTS
from tests.documents.summary import BEGIN, END, README, summary, with_summary

ANEW = "stale: `python -m tests.documents` makes it anew"


def test_readme_shows_the_variants_of_the_catalog() -> None:
    readme = README.read_text(encoding="utf-8")

    assert readme == with_summary(readme, VARIANTS), ANEW


def test_every_cell_of_a_variant_is_in_its_row() -> None:
    rows = summary(VARIANTS).splitlines()[2:]

    for variant, row in zip(VARIANTS, rows, strict=False):
        judged = (variant.scalability, variant.burden, variant.known_for, variant.limits)
        assert all(f"| {cell} |" in row for cell in (variant.title, *judged))


def test_it_says_how_many_are_still_to_come() -> None:
    ten = [replace(VARIANTS[0], number=number) for number in range(1, 11)]

    assert "Three of the nine are here; the other six follow." in summary(ten[:3])
    assert "Eight of the nine are here; the other one follows." in summary(ten[:8])
    assert "of the nine" not in summary(ten[:9])
    assert "of the nine" not in summary(ten)


def test_the_text_around_it_stays() -> None:
    text = f"before\n{BEGIN}old\n{END}after\n"

    assert with_summary(text, VARIANTS) == f"before\n{BEGIN}{summary(VARIANTS)}{END}after\n"


def test_a_readme_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lost one of its marks"):
        with_summary("nothing here", VARIANTS)
