from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.artifacts.machine import Machine
from tests.unit.artifacts.project import Project, built, make_project


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


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "machine")
    yield machine
    machine.switch_off()


@pytest.fixture
def bundle(project: Project) -> Path:
    return built(project)
