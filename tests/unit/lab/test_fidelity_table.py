"""The lab's fidelity tables name tests that exist and sources that are given."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import deploy

PAGE = Path(str(deploy.__file__)).parent / "lab" / "README.md"
TEXT = PAGE.read_text(encoding="utf-8")
# A test is named by its sentence and leads to its file.
SHOWN_BY = re.compile(r"\[([^\]]+)\]\((\.\./\.\./tests/[^)]+\.py)\)")


@dataclass(frozen=True)
class Row:
    """One line of a table that has the column `shown by`."""

    cells: dict[str, str]

    @property
    def tests(self) -> list[tuple[str, str]]:
        return [match.groups() for match in SHOWN_BY.finditer(" ".join(self.cells.values()))]  # type: ignore[misc]


def rows() -> Iterator[Row]:
    heads: list[str] = []
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            heads = []
        elif not heads:
            heads = cells
        elif "shown by" in heads and not set(line) <= set("|- "):
            assert len(cells) == len(heads), line
            yield Row(dict(zip(heads, cells, strict=True)))


ROWS = list(rows())


@cache
def defined_in(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_there_is_a_table_to_check() -> None:
    assert len(ROWS) > 50


@pytest.mark.parametrize("row", ROWS, ids=lambda row: next(iter(row.cells.values()))[:40])
def test_every_test_that_a_row_names_exists(row: Row) -> None:
    missing = [
        f"{file}: {name}"
        for sentence, file in row.tests
        if (name := "test_" + sentence.replace(" ", "_")) not in defined_in(PAGE.parent / file)
    ]

    assert missing == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: next(iter(row.cells.values()))[:40])
def test_a_row_that_no_test_shows_says_what_is_not_done(row: Row) -> None:
    assert row.tests or row.cells["what it does not do"]


def test_every_source_is_given_and_used() -> None:
    used = set(re.findall(r"\| \[([A-Z0-9]+-\d+)\] \|", TEXT))
    given = set(re.findall(r"^\[([A-Z0-9]+-\d+)\]: https://", TEXT, re.MULTILINE))

    assert used == given
