"""Samples of a whole run in one Parquet file, which any data tool can read."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loadtest.samples import Sample

FILE = "samples.parquet"

# Round 0 is the warm-up: kept and accounted for, never part of a figure.
WARM_UP = 0

# Subject and round, and the samples of that leg.
Samples = Mapping[tuple[str, int], list[Sample]]

TYPES = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
SCHEMA = pa.schema(
    [
        ("subject", pa.string()),
        ("round", pa.int64()),
        *(
            (column.name, TYPES[Sample.__annotations__[column.name].__name__])
            for column in fields(Sample)
        ),
    ]
)


def write(folder: Path, samples: Samples) -> Path:
    """Put all samples into the folder."""
    path = folder / FILE
    pq.write_table(pa.Table.from_pylist(list(rows(samples)), schema=SCHEMA), path)
    return path


def rows(samples: Samples) -> Iterable[dict[str, object]]:
    """One row a request."""
    for (subject, number), leg in samples.items():
        for sample in leg:
            yield {"subject": subject, "round": number, **asdict(sample)}


def read(folder: Path) -> Samples:
    """Take them from there again."""
    found: dict[tuple[str, int], list[Sample]] = {}
    for row in pq.read_table(folder / FILE).to_pylist():
        leg = (row.pop("subject"), row.pop("round"))
        found.setdefault(leg, []).append(Sample(**row))
    return found
