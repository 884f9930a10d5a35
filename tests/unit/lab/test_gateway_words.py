"""The gateway's own words, and what it keeps of others'. Pure."""

from collections.abc import Mapping

import pytest

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import (
    cache,
    gateway_responses,
)
from deploy.lab.cloud.gateway.exchange import Answer, GatewayError, Request
from deploy.lab.cloud.gateway.settings import of_method


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: float = 0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def words(
    kind: str, customized: Mapping[str, Json] | None = None, *, status: int | None = None
) -> tuple[int, str]:
    error = GatewayError(kind, 'no "such"', status=status, detail="[why]")
    answer = gateway_responses.answer(
        error,
        customized or {},
        Request("GET", "/a", headers=(("X-A", "b"),)),
        {"requestId": "r", "identity": {"sourceIp": "::1"}},
        {"v": "1"},
    )
    return answer.status, answer.body.decode()


def test_aws_own_words_are_used_unless_the_api_has_others() -> None:
    own = {"statusCode": "418", "responseTemplates": {"application/json": "mine"}}
    family = {"responseTemplates": {"application/json": "$context.error.responseType"}}

    assert words("THROTTLED") == (429, '{"message":"no \\"such\\""}')
    assert words("ACCESS_DENIED") == (403, '{"Message":"no \\"such\\""}')
    assert words("THROTTLED", {"THROTTLED": own, "DEFAULT_4XX": family}) == (418, "mine")
    assert words("THROTTLED", {"DEFAULT_4XX": family}) == (429, "THROTTLED")
    assert words("THROTTLED", {"DEFAULT_5XX": family})[0] == 429
    assert words("DEFAULT_5XX", {"DEFAULT_5XX": family}, status=502) == (502, "DEFAULT_5XX")
    assert words("THROTTLED", {"DEFAULT_4XX": own})[0] == 418, "a family's status counts for all"


def test_variables_are_replaced_and_nothing_is_evaluated() -> None:
    template = (
        "#if(true)${context.requestId}|$context.identity.sourceIp|$stageVariables.v|"
        "$method.request.header.X-A|$context.error.validationErrorString|$context.unknown|$util.x()"
    )
    own = {"responseTemplates": {"application/json": template}}

    _, body = words("BAD_REQUEST_BODY", {"BAD_REQUEST_BODY": own})

    assert body == "#if(true)r|::1|1|b|[why]||$util.x()"


# ---- Cache ----


def planned(stage: Json, request: Request, **settings: object) -> cache.Plan:
    of = {**of_method({}, "/a", "GET"), "cachingEnabled": True, **settings}
    integration = {
        "cacheNamespace": "ns",
        "cacheKeyParameters": ["method.request.querystring.a", "integration.request.header.b"],
        "requestParameters": {"integration.request.header.b": "method.request.header.X-B"},
    }
    return cache.plan(stage, of, integration, request, {"apiId": "a", "stage": "live"})


ON = {"cacheClusterEnabled": True}


def test_a_key_is_made_of_the_parameters_that_the_method_names() -> None:
    def key(**query: str) -> object:
        headers = (("X-B", query.pop("b", "")),)
        return planned(ON, Request("GET", "/a", query=tuple(query.items()), headers=headers)).key

    assert key(a="1", z="1") == key(a="1", z="2")
    assert key(a="1") != key(a="2")
    assert key(a="1", b="1") != key(a="1", b="2")


def test_the_cache_has_no_part_in_other_verbs_without_a_cluster_or_with_no_ttl() -> None:
    get, post = Request("GET", "/a"), Request("POST", "/a")

    assert planned(ON, get).key is not None
    assert planned({}, get).key is None
    assert planned(ON, post).key is None
    assert planned(ON, post, explicit=True).key is not None
    assert planned(ON, get, cacheTtlInSeconds=0).key is None


def test_a_client_may_refresh_when_the_stage_asks_for_no_right() -> None:
    fresh = Request("GET", "/a", headers=(("cache-control", "no-store, max-age=0"),))

    assert planned(ON, fresh).warning
    assert not planned(ON, fresh, requireAuthorizationForCacheControl=False).read
    quiet = {"unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITHOUT_RESPONSE_HEADER"}
    assert planned(ON, fresh, **quiet) == planned(ON, Request("GET", "/a"))
    with pytest.raises(GatewayError, match="ACCESS_DENIED"):
        planned(ON, fresh, unauthorizedCacheControlHeaderStrategy="FAIL_WITH_403")


def test_what_is_kept_ends_with_its_ttl_and_errors_and_large_answers_are_not_kept() -> None:
    clock = Clock()
    kept = cache.Cache(clock)
    plans = [cache.Plan(key, ttl_s=10) for key in ("good", "error", "large")]
    answers = [Answer(200, (), b"x"), Answer(404), Answer(200, (), b"x" * (cache.MAX_BYTES + 1))]
    for plan, answer in zip(plans, answers, strict=True):
        kept.keep(plan, answer)

    assert [kept.get(plan) for plan in plans] == [answers[0], None, None]
    clock.now = 10
    assert kept.get(plans[0]) is None


def test_a_full_cluster_drops_what_was_not_used_for_longest() -> None:
    kept = cache.Cache(Clock())
    plans = [cache.Plan(n, ttl_s=10) for n in range(3)]
    for plan in plans[:2]:
        kept.keep(plan, Answer(200, (), b"x" * 400_000), capacity_gib=0.001)
    kept.get(plans[0])
    kept.keep(plans[2], Answer(200, (), b"x" * 400_000), capacity_gib=0.001)

    assert [kept.get(plan) is not None for plan in plans] == [True, False, True]
