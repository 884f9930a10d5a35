"""How a service is examined: ask it, remember what was said, judge one check after the other."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import anyio
import httpx2

from deploy.explain import explained
from loadtest.inside import Inside
from loadtest.queue_probe import QueueProbe, Received
from loadtest.run import Check, Verdict

JSON = "application/json"


# A status, or several that are all right.
Expected: TypeAlias = int | Sequence[int]


class CheckFailedError(Exception):
    """The service does not keep a promise; the message says how."""


class CheckSkippedError(Exception):
    """The check cannot be made here; the message says why."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    response: httpx2.Response


@dataclass
class Service:
    """The service under examination, and what was said so far."""

    client: httpx2.AsyncClient
    # What it must call itself at /whoami.
    variant: str | None = None
    queue: QueueProbe | None = None
    # Checks that it does not promise to pass, by the function's name, with the reason.
    not_promised: Mapping[str, str] = field(default_factory=dict)
    # The account's view of it, where there is one.
    inside: Inside | None = None
    # Whether checks that take half a minute are wanted.
    slow: bool = False
    # How checks let time pass.
    pause: Callable[[float], Awaitable[None]] = anyio.sleep
    said: list[Exchange] = field(default_factory=list)
    # Exchanges of checks that did not fail. What a failed check met has been told already.
    believed: list[Exchange] = field(default_factory=list)
    # What was taken out of the queue already, by message id.
    taken: dict[str, Received] = field(default_factory=dict)

    async def get(self, path: str, *, expect: Expected = 200, **options: Any) -> httpx2.Response:  # noqa: ANN401 - handed on to httpx2
        """GET, and fail unless the status is the expected one."""
        return await self.ask("GET", path, expect=expect, **options)

    async def post(
        self,
        message: object,
        *,
        expect: Expected = 202,
        **options: Any,  # noqa: ANN401 - handed on to httpx2
    ) -> httpx2.Response:
        """POST a message, and fail unless the status is the expected one."""
        return await self.ask("POST", "/messages", expect=expect, json=message, **options)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        expect: Expected,
        **options: Any,  # noqa: ANN401 - handed on to httpx2
    ) -> httpx2.Response:
        """Ask, remember, and fail unless the status is the expected one, or one of those."""
        try:
            response = await self.client.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise CheckFailedError(
                f"{method} {path}: no answer ({type(error).__name__} {error})".rstrip()
            ) from error
        self.said.append(Exchange(method, path, response))
        wanted = (expect,) if isinstance(expect, int) else tuple(expect)
        if response.status_code not in wanted:
            raise CheckFailedError(
                f"{method} {path} answered {response.status_code} instead of "
                f"{' or '.join(map(str, wanted))}{because(response)}"
            )
        return response

    def acknowledged(self) -> list[str]:
        """Ids of the messages the service took, as far as checks that passed sent them."""
        return acknowledged_in(self.believed)

    def account(self) -> Inside:
        """The account's view; without one the check cannot be made."""
        if self.inside is None:
            raise CheckSkippedError("the account behind the service is not known")
        return self.inside

    def take_time(self, about_s: float) -> None:
        """Skip the check unless slow ones are wanted."""
        if not self.slow:
            raise CheckSkippedError(f"takes about {about_s:.0f} s; --slow makes it")


Examine: TypeAlias = Callable[[Service], Awaitable[None]]


def acknowledged_in(exchanges: Sequence[Exchange]) -> list[str]:
    """Ids of the messages that were taken in these exchanges."""
    return [
        str(answer["id"])
        for exchange in exchanges
        if exchange.method == "POST" and exchange.path.endswith("/messages")
        if exchange.response.status_code == httpx2.codes.ACCEPTED
        if "id" in (answer := read(exchange.response))
    ]


def because(response: httpx2.Response) -> str:
    """What the answer itself says about its reason."""
    try:
        told = json.loads(response.text)["error"]["message"]
    except (ValueError, LookupError, TypeError):
        told = response.text.strip()[:80]
    return f": {told}" if told else ""


def media_type(response: httpx2.Response) -> str:
    """The media type of an answer, without its parameters."""
    return response.headers.get("content-type", "").partition(";")[0].strip()


def read(response: httpx2.Response) -> dict[str, Any]:
    """The JSON object in an answer; fails when there is none."""
    kind = media_type(response)
    if kind != JSON:
        raise CheckFailedError(f"the answer is {kind or 'untyped'}, not {JSON}")
    try:
        answer = response.json()
    except ValueError as error:
        raise CheckFailedError(f"the answer is no JSON: {error}") from error
    if not isinstance(answer, dict):
        raise CheckFailedError("the answer is no JSON object")
    return answer


def claim(ok: bool, reason: str) -> None:  # noqa: FBT001 - reads as a sentence: claim(x == 1, "…")
    """Fail with the reason unless it is so."""
    if not ok:
        raise CheckFailedError(reason)


def claim_refusal(response: httpx2.Response, *, field_: str | None = None) -> None:
    """Fail unless an answer has the shape of an error, naming the field at fault."""
    answer = read(response)
    error = answer.get("error")
    if not isinstance(error, dict):
        raise CheckFailedError("the answer has no error object")
    claim(bool(error.get("code")) and bool(error.get("message")), "the error lacks code or message")
    claim(bool(answer.get("request_id")), "the error lacks the request_id")
    if field_ is not None:
        named = str(error.get("field", ""))
        claim(
            named.lower() == field_ or named.startswith(f"{field_}."),
            f"the error names the field {named!r} instead of {field_!r}",
        )


async def examine(service: Service, checks: Sequence[Examine], *, feature: str = "") -> list[Check]:
    """Make the checks one after the other; none keeps the next from being made."""
    return [await make(check, service, feature=feature) for check in checks]


async def make(check: Examine, service: Service, *, feature: str = "") -> Check:
    """Make one check."""
    before = len(service.said)
    verdict, reason = Verdict.PASSED, ""
    try:
        await check(service)
    except CheckFailedError as failure:
        verdict, reason = Verdict.FAILED, str(failure)
        if excuse := service.not_promised.get(check.__name__):
            verdict, reason = Verdict.NOT_PROMISED, excuse
    except CheckSkippedError as skipped:
        verdict, reason = Verdict.SKIPPED, str(skipped)
    except Exception as error:
        # What the account says about a look into it; anything else is a bug.
        if (known := explained(error)) is None:
            raise
        verdict, reason = Verdict.FAILED, known.message
    if verdict is not Verdict.FAILED:
        service.believed += service.said[before:]
    return Check(
        name=name_of(check),
        promise=promise_of(check),
        verdict=verdict,
        reason=reason,
        feature=feature,
    )


def name_of(check: Examine) -> str:
    """What a check is called on the command line and in JSON."""
    return check.__name__.replace("_", "-")


def promise_of(check: Examine) -> str:
    """What the service promises, as a sentence."""
    return " ".join((check.__doc__ or "").split()).rstrip(".")
