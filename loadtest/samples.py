"""Every request that was offered, as it went. Percentiles come from these and nothing else."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

    @property
    def answered_s(self) -> float:
        """When its answer ended, or was given up."""
        return self.intended_s + self.latency_ms / 1000


@contextmanager
def kept_in(path: Path) -> Iterator[Callable[[Sample], object]]:
    """Keep each sample in a file as soon as it is known, so that who is interrupted has it.

    CSV, so that the generator imports nothing heavy; a row goes to the file in one piece.
    """
    with path.open("w", newline="", buffering=1) as file:
        writer = csv.writer(file)
        writer.writerow(column.name for column in fields(Sample))
        yield lambda sample: writer.writerow(astuple(sample))


def read_csv(path: Path) -> list[Sample]:
    """Read them all, in the order in which they were due."""
    return sorted(Tail(path).new(), key=lambda sample: sample.n)


class Tail:
    """Reads a file of samples while it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._columns: list[str] | None = None
        self._read_bytes = 0

    def new(self) -> list[Sample]:
        """Read the rows that have come since the last time, in the order of their answers."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._read_bytes)
            # Half a row is for the next time.
            whole = file.read().rpartition(b"\r\n")
        text = b"".join(whole[:2])
        self._read_bytes += len(text)
        rows = csv.reader(io.StringIO(text.decode(), newline=""))
        if self._columns is None:
            self._columns = next(rows, None)
        return [_sample(dict(zip(self._columns or (), row, strict=True))) for row in rows]


def _sample(row: dict[str, str]) -> Sample:
    return Sample(
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
