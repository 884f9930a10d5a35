from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.artifacts.project import Project, make_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose wheels pip finds in its own folder and nowhere else."""
    made = make_project(tmp_path / "project")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.wheels))
    return made


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def report(told: list[str]) -> Callable[[str], None]:
    return told.append
