"""Load balancers' events for Mangum, whatever the client wrote into the Host header.

Mangum 0.22 divides that header at its colon and takes the rest for a number. A load balancer lets
`[2001:db8::1]:80` and `a:b` through, as HTTP does, and the client would get 502 for it.
"""

import re
from typing import Any

from mangum.handlers.alb import ALB
from mangum.types import Scope

HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]*\]|[^:\[\]]*)(:(?P<port>\d{1,5}))?\Z")
Event = dict[str, Any]


class LoadBalancerEvents(ALB):
    """Mangum's own handler, with the server's name and port read by our rule."""

    @property
    def scope(self) -> Scope:
        """The request as ASGI wants it, its headers unchanged."""
        event = self.event
        self.event = _without_host(event)
        try:
            scope = super().scope
        finally:
            self.event = event
        hosts = _hosts(event)
        host, port = server(hosts[-1] if hosts else "", default=scope["server"])
        headers = [*scope["headers"], *([b"host", value.encode()] for value in hosts)]
        return {**scope, "headers": headers, "server": (host, port), "aws.event": event}


def server(host_header: str, *, default: tuple[str, int]) -> tuple[str, int]:
    """Name and port in a Host header; where it has none or makes no sense, those given.

    >>> server("[2001:db8::1]:8080", default=("lb", 80))
    ('[2001:db8::1]', 8080)
    >>> server("a:b", default=("lb", 80))
    ('lb', 80)
    """
    found = HOST_AND_PORT.match(host_header)
    if not found or not found["host"]:
        return default
    return found["host"], int(found["port"] or default[1])


def _without_host(event: Event) -> Event:
    return {
        **event,
        **{
            key: {name: value for name, value in event[key].items() if name.lower() != "host"}
            for key in ("headers", "multiValueHeaders")
            if key in event
        },
    }


def _hosts(event: Event) -> list[str]:
    every: Event = event["multiValueHeaders" if "multiValueHeaders" in event else "headers"]
    for name, value in every.items():
        if name.lower() == "host":
            return list(value) if isinstance(value, list) else [value]
    return []
