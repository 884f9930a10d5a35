"""CloudWatch Logs that a long load neither fills nor hides: a bound on each stream, and pages.

MiniStack keeps every line, so that its memory would grow with each request; and of the lines that
FilterLogEvents finds it gives the first 10,000 and does not say that there are more.
"""

import json
from typing import Any

from deploy.lab.cloud.border import RESPONSES, Internals, Json, Response

LOGS = Internals(
    "services.cloudwatch_logs",
    "_append_log_events",
    "_filter_log_events",
    "_log_events_lock",
    "_log_records",
)

# The newest of each stream. AWS keeps all, for as many days as the group says.
MOST_LINES = 10_000
# Making room for one line at a time would copy all the others each time.
CUT_AT = MOST_LINES + MOST_LINES // 10
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
LARGEST_PAGE = 10_000


def install() -> None:
    """Hook into what writes lines and into what finds them."""
    stock_append, stock_filter = LOGS.append_log_events, LOGS.filter_log_events

    def append(stream: Json, events: list[Json]) -> None:
        stock_append(stream, events)
        if len(stream["events"]) >= CUT_AT:
            _cut(stream)

    def find(asked: Json) -> Response:
        """Page by page: a token is the time of the last line, and how many of that time were told.

        Lines of one time keep their order, and a page is longer than any time has lines.
        """
        at_ms, _, told = str(asked.get("nextToken", "")).partition(":")
        limit = min(int(asked.get("limit", LARGEST_PAGE)), LARGEST_PAGE)
        skipped = int(told or 0)
        from_there = {"startTime": int(at_ms)} if at_ms else {}
        status, headers, body = stock_filter(
            {**asked, **from_there, "limit": min(limit + skipped, LARGEST_PAGE)}
        )
        answer = json.loads(body)
        found: list[Json] = answer.get("events", [])
        if status >= 400 or not found:  # noqa: PLR2004 - the first HTTP status that is an error
            return status, headers, body
        if len(found) == min(limit + skipped, LARGEST_PAGE):
            last_ms = found[-1]["timestamp"]
            of_that_time = sum(event["timestamp"] == last_ms for event in found)
            answer["nextToken"] = f"{last_ms}:{of_that_time}"
        made: Response = RESPONSES.json_response({**answer, "events": found[skipped:]})
        return made

    LOGS.replace("append_log_events", append)
    LOGS.replace("filter_log_events", find)


def _cut(stream: Json) -> None:
    """Forget the oldest lines. The list is replaced, for who reads it does so without the lock."""
    with LOGS.log_events_lock:
        lines: list[dict[str, Any]] = stream["events"]
        gone, stream["events"] = lines[:-MOST_LINES], lines[-MOST_LINES:]
    for line in gone:
        LOGS.log_records.pop(line.get("eventId"), None)
