"""Logs: one JSON object a line on stdout, each with the request and trace it belongs to."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

from app.tracing import trace

# The request being answered; tasks and threads started on its behalf inherit it.
request_id: ContextVar[str] = ContextVar("request_id", default="")

# What every record has; anything else on it was given as `extra`. (uvicorn gives its messages
# a second time, in colour.)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "asctime",
    "color_message",
    "message",
    "taskName",
}


class JsonFormatter(logging.Formatter):
    """Write a record as one line of JSON, with what was given as `extra`."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        self._variant = variant

    def format(self, record: logging.LogRecord) -> str:
        """Format the record; what JSON does not know is written as text."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "variant": self._variant,
        }
        if current := request_id.get():
            line["request_id"] = current
        if of := trace.get():
            line["trace_id"] = of.id
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure_logs(*, level: str, variant: str) -> None:
    """Send every logger's records to stdout as JSON, whoever set up logging before us."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(variant))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # What these say below that level is of use only while working on them; at DEBUG botocore
    # writes signatures, at INFO Mangum writes a line for every request.
    for name in ("botocore", "urllib3", "mangum"):
        logging.getLogger(name).setLevel(logging.WARNING)
