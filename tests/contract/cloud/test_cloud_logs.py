"""CloudWatch Logs: what is found page by page, and what is kept of a long load."""

import time

import pytest

from deploy.lab.cloud.logs import CUT_AT, MOST_LINES
from tests.contract.cloud.conftest import Cloud

pytestmark = pytest.mark.lab


def write(cloud: Cloud, group: str, stream: str, lines: int, *, at_ms: int) -> None:
    """Ten lines of each millisecond, each saying which it is."""
    logs = cloud.client("logs")
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    for first in range(0, lines, 1000):
        logs.put_log_events(
            logGroupName=group,
            logStreamName=stream,
            logEvents=[
                {"timestamp": at_ms + n // 10, "message": f"{stream} {n}"}
                for n in range(first, min(first + 1000, lines))
            ],
        )


def found(cloud: Cloud, group: str, *, a_page: int) -> list[list[str]]:
    """The messages of each page."""
    pages = cloud.client("logs").get_paginator("filter_log_events")
    return [
        [event["message"] for event in page["events"]]
        for page in pages.paginate(logGroupName=group, PaginationConfig={"PageSize": a_page})
    ]


def test_lines_are_found_page_by_page_each_once(cloud: Cloud) -> None:
    cloud.client("logs").create_log_group(logGroupName="/pages")
    now_ms = int(time.time() * 1000)
    write(cloud, "/pages", "a", 25, at_ms=now_ms)
    write(cloud, "/pages", "b", 25, at_ms=now_ms)

    pages = found(cloud, "/pages", a_page=7)

    assert [len(page) for page in pages[:-1]] == 7 * [7]
    told = [message for page in pages for message in page]
    assert sorted(told) == sorted(f"{stream} {n}" for stream in "ab" for n in range(25))
    cloud.client("logs").delete_log_group(logGroupName="/pages")


def test_a_long_load_leaves_the_newest_lines_of_a_stream(cloud: Cloud) -> None:
    cloud.client("logs").create_log_group(logGroupName="/long")
    write(cloud, "/long", "a", CUT_AT, at_ms=int(time.time() * 1000))

    told = [message for page in found(cloud, "/long", a_page=10_000) for message in page]

    assert told == [f"a {n}" for n in range(CUT_AT - MOST_LINES, CUT_AT)]
    cloud.client("logs").delete_log_group(logGroupName="/long")
