"""The response cache of a stage: answers kept by the parameters that a method names.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-caching.html
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import gateway_responses
from deploy.lab.cloud.gateway.exchange import Answer, GatewayError, Request
from deploy.lab.cloud.gateway.remembered import Remembered
from deploy.lab.cloud.gateway.throttling import Clock

# Same page: "The maximum size of a response that can be cached is 1048576 bytes."
MAX_BYTES = 1_048_576
GIB = 1024**3
WARNING = "199 Cache-control headers were ignored because the caller was unauthorized."


@dataclass(frozen=True)
class Plan:
    """How one request and the cache go together.

    Without a key the cache has no part in it. `read` is False for a client that asks for a fresh
    answer and may; `warning` is for one that asks and may not.
    """

    key: Hashable | None = None
    ttl_s: int = 0
    read: bool = True
    warning: bool = False


class Cache:
    """Answers by key, each until its time; when the cluster is full, the least used goes."""

    def __init__(self, clock: Clock) -> None:
        self._kept = Remembered[Answer](clock, size=lambda answer: len(answer.body))

    def get(self, plan: Plan) -> Answer | None:
        """The kept answer, if it is still good."""
        return self._kept.get(plan.key) if plan.key is not None and plan.read else None

    def keep(self, plan: Plan, answer: Answer, *, capacity_gib: float = 0.5) -> None:
        """Keep an answer that is worth it.

        AWS does not say which statuses it keeps; errors would outlive their cause, so here it is
        2xx.
        """
        if plan.key is None or answer.status // 100 != 2 or len(answer.body) > MAX_BYTES:  # noqa: PLR2004 - 2xx
            return
        self._kept.put(plan.key, answer, ttl_s=plan.ttl_s, most=capacity_gib * GIB)


def plan(
    stage: Json,
    settings: Json,
    integration: Json,
    request: Request,
    context: Mapping[str, object],
) -> Plan:
    """Decide it for one request.

    Only GET is kept unless a method says so itself. A client that sends `Cache-Control: max-age=0`
    gets a fresh answer when invalidation needs no authorization; when it does, nobody here has it,
    for that takes a signed request.

    Raises:
        GatewayError: 403, when the stage wants such a request to fail.
    """
    ttl_s = int(settings["cacheTtlInSeconds"])
    is_wanted = settings["cachingEnabled"] and (request.method == "GET" or settings["explicit"])
    if not (stage.get("cacheClusterEnabled") and is_wanted and ttl_s > 0):
        return Plan()
    parameters = tuple(
        value_of(str(name), integration, request, context, stage.get("variables") or {})
        for name in sorted(integration.get("cacheKeyParameters") or [])
    )
    scope = (context["apiId"], context["stage"], integration.get("cacheNamespace"))
    key = (*scope, request.method, parameters)
    if "max-age=0" not in (request.header("Cache-Control") or "").replace(" ", ""):
        return Plan(key, ttl_s)
    if not settings["requireAuthorizationForCacheControl"]:
        return Plan(key, ttl_s, read=False)
    strategy = settings["unauthorizedCacheControlHeaderStrategy"]
    if strategy == "FAIL_WITH_403":
        raise GatewayError("ACCESS_DENIED", "Unauthorized")
    return Plan(key, ttl_s, warning=strategy == "SUCCEED_WITH_RESPONSE_HEADER")


def value_of(
    name: str,
    integration: Json,
    request: Request,
    context: Mapping[str, object],
    stage_variables: Mapping[str, object],
) -> str:
    """A cache key parameter's value: of the method's request, or of what is mapped from it."""
    source = (integration.get("requestParameters") or {}).get(name, name)
    if source.startswith("'"):
        return str(source)
    return gateway_responses.look_up(str(source), request, context, stage_variables)
