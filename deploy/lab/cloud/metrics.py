"""CloudWatch metrics of services, as few points as say the same.

MiniStack keeps each value that a service reports as a point of its own, several for each request.
Values that are equal, and of one second, are one point that counts them.
"""

import threading
import time
from collections.abc import Mapping

from deploy.lab.cloud.border import Internals, Json

METRICS = Internals("services.cloudwatch", "_dims_key", "_metric_bucket", "record_metric")


def install() -> None:
    """Take the place of what services report by."""
    lock = threading.Lock()

    def record(
        namespace: str,
        metric_name: str,
        value: float,
        unit: str = "None",
        dimensions: Mapping[str, str] | None = None,
    ) -> None:
        named = dict(dimensions or {})
        with lock:
            key = (namespace, metric_name, METRICS.dims_key(named))
            add(METRICS.metric_bucket(key), float(value), unit, named, at=time.time())

    METRICS.replace("record_metric", record)


def add(
    points: list[Json], value: float, unit: str, dimensions: Mapping[str, str], *, at: float
) -> None:
    """Add a value of a moment, in seconds since 1970, to a metric's points.

    >>> points = []
    >>> for value, at in ((1, 0.1), (1, 0.9), (2, 0.9), (2, 1.0)):
    ...     add(points, value, "Count", {}, at=at)
    >>> [(point["Value"], point["Count"]) for point in points]
    [(1, 2), (2, 1), (2, 1)]
    """
    last: Json = points[-1] if points else {"Dimensions": dimensions}
    kind = {"Value": value, "Unit": unit}
    if kind.items() <= last.items() and "Count" in last and int(last["Timestamp"]) == int(at):
        last["Count"] += 1
    else:
        points.append({**kind, "Timestamp": at, "Dimensions": last["Dimensions"], "Count": 1})
