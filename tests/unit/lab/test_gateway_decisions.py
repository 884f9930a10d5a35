"""Decisions of the lab's API Gateway: routes, limits, policies, cache, words. No emulator."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import (
    cache,
    context,
    gateway_responses,
    policies,
    routing,
    validation,
)
from deploy.lab.cloud.gateway.exchange import Answer, GatewayError, Request
from deploy.lab.cloud.gateway.http_proxy import outgoing
from deploy.lab.cloud.gateway.keys import Use, spend
from deploy.lab.cloud.gateway.settings import from_template, of_method
from deploy.lab.cloud.gateway.throttling import Buckets, Quotas, Target, plan_limits, stage_limits


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: float = 0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


# ---- Routes ----


def resources(*paths: str) -> list[Json]:
    """Resources with their parents; a path's last part has the verbs behind the `:`."""
    made: dict[str, Json] = {"": {"id": "", "parentId": None, "path": "/", "resourceMethods": {}}}
    for text in paths:
        path, _, verbs = text.partition(":")
        parts = [part for part in path.split("/") if part]
        for depth in range(1, len(parts) + 1):
            key = "/" + "/".join(parts[:depth])
            parent = "/" + "/".join(parts[: depth - 1]) if depth > 1 else ""
            made.setdefault(
                key,
                {
                    "id": key,
                    "parentId": parent,
                    "pathPart": parts[depth - 1],
                    "path": key,
                    "resourceMethods": {},
                },
            )
        at = made["/" + "/".join(parts) if parts else ""]
        at["resourceMethods"] |= {verb: {"httpMethod": verb} for verb in verbs.split(",") if verb}
    return list(made.values())


@pytest.mark.parametrize(
    ("verb", "path", "found"),
    [
        ("GET", "/", "/ GET"),
        ("GET", "/a/b", "/a/b GET"),
        ("GET", "/a/b/", "/a/b GET"),
        ("GET", "/a/other", "/a/{id} ANY"),
        ("DELETE", "/a/b", "/{proxy+} ANY"),
        ("GET", "/a/x/deep", "/a/{id}/deep GET"),
        ("GET", "/a/b/deep", "/a/{id}/deep GET"),
        ("GET", "/a/x/deeper", "/{proxy+} ANY"),
        ("GET", "/unknown/at/all", "/{proxy+} ANY"),
        ("DELETE", "/", None),
    ],
)
def test_the_most_specific_route_serves_and_a_greedy_one_what_is_left(
    verb: str, path: str, found: str | None
) -> None:
    root = routing.tree(
        resources(":GET", "/a/b:GET", "/a/{id}:ANY", "/a/{id}/deep:GET", "/{proxy+}:ANY")
    )

    match = routing.match(root, verb, path)

    assert (match and f"{match.node.path} {match.method['httpMethod']}") == found


def test_parameters_of_a_path_stay_as_the_client_wrote_them() -> None:
    root = routing.tree(resources("/{one}/{rest+}:GET"))

    match = routing.match(root, "GET", "/a%2Fb/c%20d/e")

    assert match is not None
    assert match.path_parameters == {"one": "a%2Fb", "rest": "c%20d/e"}


# ---- Limits ----

TARGET = Target("api", "live", "/a", "GET")


def test_a_bucket_is_refilled_at_its_rate_and_never_above_its_burst() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    limits = stage_limits(TARGET, {"throttlingRateLimit": 2, "throttlingBurstLimit": 3})

    at_once = [buckets.take(limits) for _ in range(4)]
    clock.now = 0.5
    after_half_a_second = [buckets.take(limits) for _ in range(2)]
    clock.now = 100
    after_long = [buckets.take(limits) for _ in range(4)]

    assert at_once == [True, True, True, False]
    assert after_half_a_second == [True, False]
    assert after_long == [True, True, True, False]


def test_a_lower_limit_takes_effect_at_once() -> None:
    buckets = Buckets(Clock())
    wide = stage_limits(TARGET, {"throttlingRateLimit": 100, "throttlingBurstLimit": 100})
    closed = stage_limits(TARGET, {"throttlingRateLimit": 0, "throttlingBurstLimit": 0})

    assert buckets.take(wide)
    assert not buckets.take(closed)


def test_a_plan_limits_each_key_and_a_method_of_it() -> None:
    plan = {
        "id": "p",
        "throttle": {"rateLimit": 1, "burstLimit": 3},
        "apiStages": [
            {
                "apiId": "api",
                "stage": "live",
                "throttle": {"/a/GET": {"RateLimit": 1, "BurstLimit": 1}},
            }
        ],
    }
    buckets = Buckets(Clock())

    mine = [buckets.take(plan_limits(plan, "mine", TARGET)) for _ in range(2)]
    yours = buckets.take(plan_limits(plan, "yours", TARGET))
    other = [
        buckets.take(plan_limits(plan, "mine", Target("api", "live", "/b", "GET")))
        for _ in range(3)
    ]

    assert (mine, yours) == ([True, False], True)
    assert other == [True, True, False]


@pytest.mark.parametrize(
    ("period", "until"),
    [
        ("DAY", datetime(2026, 11, 27, tzinfo=UTC)),
        ("WEEK", datetime(2026, 11, 30, tzinfo=UTC)),
        ("MONTH", datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
def test_a_quota_lasts_until_its_period_ends(period: str, until: datetime) -> None:
    clock = Clock(datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp())
    quotas = Quotas(clock)
    quota = {"limit": 2, "offset": 1, "period": period}

    first = [quotas.take("k", quota) for _ in range(2)]
    clock.now = until.timestamp() - 1
    before = quotas.take("k", quota)
    clock.now = until.timestamp()
    after = [quotas.take("k", quota) for _ in range(3)]

    assert first == [True, False], "the offset counts in the first period"
    assert not before
    assert after == [True, True, False]


def test_the_rate_of_a_plan_is_looked_at_before_its_quota() -> None:
    plan: Json = {
        "id": "p",
        "throttle": {"rateLimit": 0, "burstLimit": 1},
        "quota": {"limit": 1, "period": "DAY"},
    }
    use, buckets, quotas = Use({"id": "k"}, plan), Buckets(Clock()), Quotas(Clock())

    spend(use, TARGET, buckets, quotas)
    with pytest.raises(GatewayError, match="THROTTLED"):
        spend(use, TARGET, buckets, quotas)
    assert not quotas.take(("p", "k"), plan["quota"])


# ---- Settings of a stage ----


def test_a_methods_own_settings_count_before_the_stages() -> None:
    stage = {
        "methodSettings": from_template(
            [
                {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": "7"},
                {"ResourcePath": "/a", "HttpMethod": "GET", "CachingEnabled": "true"},
            ]
        )
    }

    own, other = of_method(stage, "/a", "GET"), of_method(stage, "/a", "POST")

    assert (own["throttlingRateLimit"], own["cachingEnabled"]) == (7.0, True)
    assert (other["throttlingRateLimit"], other["cachingEnabled"]) == (7.0, False)
    assert own["cacheTtlInSeconds"] == 300


# ---- Policies ----

ARN = "arn:aws:execute-api:us-east-1:1:api/live/GET/messages/1"


@pytest.mark.parametrize(
    ("resource", "verdict"),
    [
        (ARN, "allow"),
        ("arn:aws:execute-api:us-east-1:1:api/live/*/messages/*", "allow"),
        ("arn:aws:execute-api:*", "allow"),
        ("arn:aws:execute-api:us-east-1:1:api/live/GET/messages/?", "allow"),
        (["none", ARN], "allow"),
        ("arn:aws:execute-api:us-east-1:1:api/live/POST/*", "nothing"),
        ("arn:aws:execute-api:us-east-1:1:api/live/GET/messages", "nothing"),
    ],
)
def test_a_policy_allows_what_its_wildcards_cover(resource: object, verdict: str) -> None:
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}

    assert policies.decision({"Statement": [statement]}, ARN) == verdict


def test_one_denial_wins_over_all_permission() -> None:
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": ["execute-api:*"], "Resource": ["*"]}

    assert policies.decision({"Statement": [allow, deny]}, ARN) == "deny"
    assert policies.decision({"Statement": []}, ARN) == "nothing"


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({}, True),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, False),
        ({"Action": "lambda:GetFunction"}, False),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:*:*:other/*"}}}, False),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:*:*:api/*"}}}, True),
    ],
)
def test_a_function_is_called_only_with_permission(change: Json, allowed: bool) -> None:  # noqa: FBT001 - a table
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
    } | change

    assert (
        policies.allows([statement], service="apigateway.amazonaws.com", source_arn=ARN) is allowed
    )


# ---- The gateway's own words ----


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


# ---- Requests to backends, ids, bodies ----


def test_what_the_uri_leaves_open_is_filled_and_cannot_leave_the_path() -> None:
    integration = {
        "httpMethod": "ANY",
        "uri": "http://h/${stageVariables.base}/{proxy}?fixed=1",
        "requestParameters": {"integration.request.path.proxy": "method.request.path.proxy"},
    }
    request = Request(
        "GET", "/x", path_parameters={"proxy": "a b/?evil=1#x"}, query=(("q", "ä&b"),)
    )

    made = outgoing(integration, request, {}, {"base": "v1"}, trace="Root=1")

    assert made.url == "http://h/v1/a%20b/%3Fevil=1%23x?fixed=1&q=%C3%A4%26b"


def test_a_trace_goes_on_and_a_stage_that_traces_becomes_its_parent() -> None:
    given = Request("GET", "/", headers=(("x-amzn-trace-id", "Self=1;Root=1-a-b;Sampled=0"),))

    quiet = context.new_ids(given, at=0, sampled=False).trace
    traced = context.new_ids(given, at=0, sampled=True).trace

    assert quiet == "Root=1-a-b;Sampled=0"
    assert traced.startswith("Root=1-a-b;Parent=")
    assert traced.endswith(";Sampled=0"), "the client decided"


def test_a_reference_between_models_is_followed() -> None:
    base = "https://apigateway.amazonaws.com/restapis/a/models/"
    models = {
        "Outer": {"schema": f'{{"properties": {{"in": {{"$ref": "{base}Inner"}}}}}}'},
        "Inner": {"schema": '{"type": "integer"}'},
    }
    method = {"requestModels": {"application/json": "Outer"}}
    validator = {"validateRequestBody": True}

    validation.check(Request("POST", "/", body=b'{"in": 1}'), method, validator, models)
    with pytest.raises(GatewayError) as refused:
        validation.check(Request("POST", "/", body=b'{"in": "x"}'), method, validator, models)

    assert "instance type (string)" in refused.value.detail
