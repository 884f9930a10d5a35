import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from deploy.lab import control
from deploy.lab.processes import marked
from deploy.lab.status import LabInfo, LabStatus
from tests.lab.fleet_under_test import FleetUnderTest, fleet_under_test

FAKE_LAB = Path(__file__).with_name("fake_lab.py")


@dataclass(frozen=True)
class Labs:
    """The labs of one test, in a folder of their own."""

    root: Path
    said: list[str]

    def up(
        self, name: str = "one", *, octet: int | None = None, emulator: str | None = "well"
    ) -> LabInfo:
        """Start a lab of fake parts, or with `emulator=None` of real ones."""
        supervisor = (sys.executable, str(FAKE_LAB), emulator) if emulator else control.SUPERVISOR
        return control.up(
            name, octet=octet, tell=self._tell, labs=self.root, supervisor=supervisor, speed=100
        )

    def down(self, name: str = "one", *, within_s: float = 15) -> list[str]:
        return control.down(name, tell=self._tell, labs=self.root, within_s=within_s)

    def status(self, name: str = "one") -> LabStatus:
        return control.status(name, labs=self.root)

    def pid(self, part: str, name: str = "one") -> int:
        info = self.status(name).info
        assert info is not None
        pid = info.parts[part].pid
        assert pid is not None
        return pid

    def processes(self, name: str = "one") -> list[int]:
        return marked(str(self.root / name))

    def client(self, info: LabInfo, service: Any) -> Any:  # noqa: ANN401  any of boto3's clients
        return boto3.client(
            service,
            endpoint_url=info.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106  nobody's
        )

    def _tell(self, thing: object) -> None:
        self.said.append(str(thing))


@pytest.fixture
def labs(tmp_path: Path) -> Iterator[Labs]:
    labs = Labs(tmp_path.resolve() / "labs", [])
    yield labs
    for name in control.names(labs.root):
        labs.down(name)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[FleetUnderTest]:
    with fleet_under_test(tmp_path) as fleet:
        yield fleet
