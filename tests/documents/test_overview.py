"""README's picture shows the variants of the catalog."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from deploy.catalog import VARIANTS
from tests.documents.overview import PATH, overview

TEN = [replace(VARIANTS[0], number=number, slug=f"v{number}") for number in range(1, 11)]


def test_the_picture_is_that_of_the_catalog() -> None:
    stale = "stale: `python -m tests.documents` makes it anew"

    assert PATH.read_text(encoding="utf-8") == overview(VARIANTS), stale


@pytest.mark.parametrize("many", [1, 9, 10])
def test_each_variant_has_a_box_a_way_in_and_a_way_out(many: int) -> None:
    root = ET.fromstring(overview(TEN[:many]))  # noqa: S314  our own

    drawn = [child.tag.rpartition("}")[2] for child in root]

    assert drawn.count("rect") == many + 2
    assert drawn.count("path") == 2 * many
    assert drawn[:2] == ["title", "desc"]
