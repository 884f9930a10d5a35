"""What a variant wrote is found in its own log groups, in order, and by what is in it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from deploy.log_lines import Line, lines_of
from tests.unit.deploy.variants import ONE

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient

STACK = ONE.stacks[-1].name
WRITTEN = {
    f"/nineways/{STACK}/http": [(2_000, "sent 1-ab\n"), (4_000, "sent 1-cd"), (4_000, "at once")],
    f"/nineways/{STACK}/worker": [(3_000, "handled 1-ab [x] {y} ?z")],
    f"/nineways/{STACK}": [(1_000, "served 1-ab")],
    # Of another stack, whose name begins alike.
    f"/nineways/{STACK}-server/http": [(1_500, "sent 1-ab")],
}


class Pages:
    def __init__(self, operation: str) -> None:
        self._operation = operation

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - boto3's words
        if self._operation == "describe_log_groups":
            for name in WRITTEN:
                if name.startswith(asked["logGroupNamePrefix"]):
                    yield {"logGroups": [{"logGroupName": name}]}
        else:
            for at, text in WRITTEN[asked["logGroupName"]]:
                if at >= asked["startTime"]:
                    yield {"events": [{"timestamp": at, "message": text}]}


class LogsInMemory:
    def get_paginator(self, operation: str) -> Pages:
        return Pages(operation)


def found(about: str, *, since_ms: int = 0) -> list[Line]:
    logs = cast("CloudWatchLogsClient", LogsInMemory())
    return lines_of(ONE, logs, about=about, since_ms=since_ms)


def test_lines_of_every_part_come_in_the_order_of_time() -> None:
    assert found("1-ab") == [
        Line("1970-01-01T00:00:01.000+00:00", "service", "served 1-ab"),
        Line("1970-01-01T00:00:02.000+00:00", "http", "sent 1-ab"),
        Line("1970-01-01T00:00:03.000+00:00", "worker", "handled 1-ab [x] {y} ?z"),
    ]


def test_what_is_looked_for_is_text_and_no_pattern() -> None:
    assert [line.part for line in found("[x] {y} ?z")] == ["worker"]


def test_all_lines_since_a_time_and_those_of_one_moment_as_they_were_written() -> None:
    assert [line.text for line in found("", since_ms=3_000)] == [
        "handled 1-ab [x] {y} ?z",
        "sent 1-cd",
        "at once",
    ]
