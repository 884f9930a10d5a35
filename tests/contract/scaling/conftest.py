from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.scaling.fake_lab import FakeLab, fake_lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[FakeLab]:
    """A lab of which the scaling agent is the only part that is real."""
    with fake_lab(tmp_path) as made:
        yield made
