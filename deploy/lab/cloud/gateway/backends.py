"""The emulator's own services, called from inside as a request would."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from deploy.lab.cloud.border import Internals, scope
from deploy.lab.cloud.gateway.exchange import Answer

APP = Internals("app", "SERVICE_HANDLERS")
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
UNAVAILABLE = (
    b'{"Error":{"Code":"ServiceUnavailable","Message":"the lab was asked to fail: '
    b'nineways lab fault queue","Type":"Receiver"}}'
)


@dataclass(frozen=True)
class Outgoing:
    """A request to a service, in the account and region that it is for."""

    service: str
    account: str
    region: str
    method: str = "POST"
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Backend: TypeAlias = Callable[[Outgoing], Awaitable[Answer]]


@dataclass(frozen=True)
class Emulator:
    """The services themselves; `queue_fails` throws the dice of a queue that shall fail."""

    queue_fails: Callable[[], bool]

    async def ask(self, outgoing: Outgoing) -> Answer:
        """Hand a request to the emulator."""
        if outgoing.service == "sqs" and self.queue_fails():
            return Answer(503, (("Content-Type", "application/json"),), UNAVAILABLE)
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        headers["content-length"] = str(len(outgoing.body))
        handler = APP.SERVICE_HANDLERS[outgoing.service]
        with scope(outgoing.account, outgoing.region):
            status, answered, body = await handler(
                outgoing.method,
                outgoing.path,
                headers,
                outgoing.body,
                {name: [value] for name, value in outgoing.query.items()},
            )
        content = body if isinstance(body, bytes) else str(body).encode()
        return Answer(int(status), tuple((k, str(v)) for k, v in answered.items()), content)
