"""Every request that was offered, as it went. Percentiles come from these and nothing else."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """One request. Moments are seconds since 1970; status 0 means that nothing came back."""

    n: int
    name: str
    intended_s: float
    started_s: float
    latency_ms: float  # from the intended start to the end of the answer
    status: int
    ok: bool
    message_id: str = ""
    compute_id: str = ""
    cold: bool = False
    error: str = ""

    @property
    def lateness_ms(self) -> float:
        """How much later than intended the generator started it."""
        return (self.started_s - self.intended_s) * 1000


def write_csv(path: Path, samples: Iterable[Sample]) -> None:
    """Write what a generator recorded. CSV, so that the generator imports nothing heavy."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(column.name for column in fields(Sample))
        writer.writerows(astuple(sample) for sample in samples)


def read_csv(path: Path) -> list[Sample]:
    """Read it again."""
    with path.open(newline="") as file:
        return [
            Sample(
                n=int(row["n"]),
                name=row["name"],
                intended_s=float(row["intended_s"]),
                started_s=float(row["started_s"]),
                latency_ms=float(row["latency_ms"]),
                status=int(row["status"]),
                ok=row["ok"] == "True",
                message_id=row["message_id"],
                compute_id=row["compute_id"],
                cold=row["cold"] == "True",
                error=row["error"],
            )
            for row in csv.DictReader(file)
        ]
