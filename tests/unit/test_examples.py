"""Examples in docstrings are right."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Locust changes the whole process when it is imported.
LEFT_OUT = {"loadtest/locustfile.py"}


def modules() -> list[str]:
    found = [
        path for package in ("app", "deploy", "loadtest") for path in (ROOT / package).rglob("*.py")
    ]
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in found
        if ">>> " in path.read_text() and str(path.relative_to(ROOT)) not in LEFT_OUT
    )


@pytest.mark.parametrize("name", modules())
def test_an_example_gives_what_it_says(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))

    assert tried
    assert not failed
