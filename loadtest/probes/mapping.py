"""Mapping templates: nothing that a caller writes becomes a parameter of the service behind.

A template writes the caller's words into a form that SQS reads. Whatever they are, they must
arrive as they were sent, or be refused: never add, change or delay anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx2

from loadtest.examination import Examine, Service, claim, claim_refusal, read
from loadtest.hindsight import AWKWARD, claim_arrived, fetch, known_queue
from loadtest.scenarios import IDEMPOTENCY_KEY, REQUEST_ID

# In front of a form, in JSON, in Velocity, in XML, in headers.
PLANTED = (
    "a&DelaySeconds=900",
    "%26DelaySeconds%3D900&DelaySeconds=900",
    "a&MessageAttribute.9.Name=planted&MessageAttribute.9.Value.StringValue=x",
    "a&Action=PurgeQueue&Version=2012-11-05",
    "a+b c%20d%2Be",
    '","DelaySeconds":900,"x":"',
    "it's \\' \\\" '' \"\"",
    "#set($x = 1)$x #if(true)planted#end #foreach($i in [1]) #stop ## #* *# #[[ ]]#",
    "$input.body $input.json('$') $context.identity.sourceIp $util.urlEncode('x') ${x}",
    "</MessageBody><DelaySeconds>900</DelaySeconds><!-- & -->",
    "a\r\nX-Planted: 1\r\n\r\nb",
    "\u2028 \u2029 \u00a0 \ufeff \u202e",
    AWKWARD,
)
# What a header can carry of it, all of it printable ASCII.
PLANTED_KEYS = (
    "k&DelaySeconds=900",
    "k%26DelaySeconds%3D900",
    "k&MessageAttribute.9.Name=planted",
    "$context.requestId #set($x=1) '\"\\",
    "k+1 2",
)
# Members that the service does not know, or that a template might take for its own.
SMUGGLED: tuple[Mapping[str, object], ...] = (
    {"body": "x", "DelaySeconds": 900},
    {"body": "x", "delaySeconds": "900"},
    {"body": "x", "attributes": {"a&MessageAttribute.2.Name": "planted"}},
    {"body": "x", "attributes": {"a=b": "planted"}},
    {"body": "x", "attributes": {REQUEST_ID: "planted"}},
    {"body": "x", "attributes": {"colour": {"DataType": "Binary"}}},
    {"body": {"x&DelaySeconds": 900}},
)


@dataclass(frozen=True)
class Sent:
    """A message, and the key it is sent with."""

    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None


async def planted_in_body(service: Service) -> None:
    """What is planted in a body arrives as it was sent or is refused."""
    await claim_harmless(service, [Sent(text) for text in PLANTED])


async def planted_in_attribute(service: Service) -> None:
    """What is planted in an attribute arrives as it was sent or is refused."""
    await claim_harmless(service, [Sent("x", {"note": text}) for text in PLANTED])


async def planted_in_key(service: Service) -> None:
    """What is planted in the Idempotency-Key arrives as it was sent or is refused."""
    await claim_harmless(service, [Sent("x", key=key) for key in PLANTED_KEYS])


async def smuggled_members(service: Service) -> None:
    """Members that a message does not have, and reserved attributes, are refused with 422."""
    for message in SMUGGLED:
        claim_refusal(await service.post(message, expect=422))


PROBES: tuple[Examine, ...] = (
    planted_in_body,
    planted_in_attribute,
    planted_in_key,
    smuggled_members,
)


async def claim_harmless(service: Service, messages: Sequence[Sent]) -> None:
    """Send them all, look for what was taken, compare; a delayed one is a missing one."""
    known_queue(service)
    taken: dict[str, Sent] = {}
    for message in messages:
        answer = await send(service, message)
        if answer.is_success:
            taken[read(answer)["id"]] = message
        else:
            claim_refusal(answer)
    claim(bool(taken), "all of them were refused")
    await fetch(service, set(taken))
    for id_, message in taken.items():
        claim(id_ in service.taken, f"{message!r} was taken and did not arrive")
        arrived = service.taken[id_]
        own = dict(message.attributes) | ({IDEMPOTENCY_KEY: message.key} if message.key else {})
        claim_arrived(arrived, message.body, own)
        more = arrived.attributes.keys() - own.keys() - {REQUEST_ID}
        claim(not any("planted" in name for name in more), f"{message!r} added {sorted(more)}")


async def send(service: Service, message: Sent) -> httpx2.Response:
    """Send one of them."""
    written: dict[str, object] = {"body": message.body}
    if message.attributes:
        written["attributes"] = dict(message.attributes)
    headers = {IDEMPOTENCY_KEY: message.key} if message.key else {}
    return await service.post(written, expect=(202, 400, 422), headers=headers)
