"""What a comparison leaves on disk: run.json beside samples.parquet. Frozen values.

Everything a report says comes from these two files, so a report can be made again from them.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from loadtest.resolver import HONEST


class Frozen(BaseModel):
    """A value that is written once."""

    model_config = ConfigDict(frozen=True)


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    # Not kept, and the variant says beforehand that it does not promise it.
    NOT_PROMISED = "not-promised"


class Check(Frozen):
    """What one check said. `reason` is empty when it passed.

    `feature` is what the variant adds to the contract; empty for a check of the contract itself.
    """

    name: str
    promise: str
    verdict: Verdict
    reason: str = ""
    feature: str = ""


class Accounting(Frozen):
    """Acknowledged messages against those found in the queue."""

    acknowledged: int
    found: int
    lost: int
    duplicated: int
    # In the queue although the sender never got its answer: a timeout, a cut connection.
    unanswered: int


class ColdStart(Frozen):
    """One request that was the first of a new environment, and one to the same when warm."""

    cold_ms: float
    warm_ms: float


class Subject(Frozen):
    """One of the things compared."""

    name: str
    title: str
    url: str
    version: str = ""
    checks: tuple[Check, ...] = ()
    cold_starts: tuple[ColdStart, ...] = ()
    accounting: Accounting | None = None
    accounting_note: str = ""

    @property
    def verified(self) -> bool:
        """Whether it may be loaded."""
        return all(check.verdict is not Verdict.FAILED for check in self.checks)


class Round(Frozen):
    """One subject under load once. `void` says why the round does not count."""

    subject: str
    number: int
    started_s: float
    offered: int
    started: int
    lateness_p99_ms: float
    machine_busy: float  # share of all cores, 0 to 1
    generator_cores: float  # cores' worth of CPU that the generator took
    void: str = ""


class Delay(Frozen):
    """A provisioning time of AWS that the lab imitates."""

    name: str
    aws_s: float
    lab_s: float
    source: str


class Environment(Frozen):
    """Where it was measured."""

    place: str
    machine: str
    cores: int
    memory_gib: float
    system: str
    python: str
    locust: str
    project: str
    revision: str
    speed: float | None = None
    delays: tuple[Delay, ...] = ()


class Load(Frozen):
    """What was asked for."""

    scenario: str
    rate: float
    seconds: float
    rounds: int
    seed: int
    arrivals: str
    warm_up_s: float
    # What clients do with the name of a target that has one; see `resolver.Habits`.
    habits: str = HONEST


class Run(Frozen):
    """A whole comparison, but for its samples."""

    id: str
    command: str
    started_at: datetime
    took_s: float
    load: Load
    environment: Environment
    subjects: tuple[Subject, ...]
    rounds: tuple[Round, ...]

    def subject(self, name: str) -> Subject:
        """The subject of that name."""
        return next(subject for subject in self.subjects if subject.name == name)

    @property
    def counted(self) -> tuple[Round, ...]:
        """The rounds that count."""
        return tuple(round_ for round_ in self.rounds if not round_.void)

    def write(self, folder: Path) -> None:
        """Put run.json into the folder."""
        (folder / "run.json").write_text(self.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """Take it from there again."""
        return cls.model_validate_json((folder / "run.json").read_text())
