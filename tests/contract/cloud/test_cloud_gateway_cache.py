"""The response cache of a stage."""

import pytest

from tests.contract.cloud.conftest import Cloud, until
from tests.contract.cloud.rest_api import (
    COUNTING,
    Api,
    api,
    function,
    method,
    proxy,
    standing,
)

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def cached(cloud: Cloud) -> Api:
    keys = {**proxy(), "CacheKeyParameters": ["method.request.querystring.copy"]}
    declared = {"method.request.querystring.copy": False}
    settings = [
        {"ResourcePath": f"/{path}", "HttpMethod": verb, "CachingEnabled": "true", **more}
        for path, verb, more in (
            ("kept", "GET", {"CacheTtlInSeconds": "300"}),
            ("brief", "GET", {"CacheTtlInSeconds": "1"}),
            ("posted", "POST", {}),
        )
    ]
    return standing(
        cloud,
        api(
            function(COUNTING),
            method("/kept", keys, RequestParameters=declared),
            method("/brief", keys, RequestParameters=declared),
            method("/posted", proxy(), verb="POST"),
            method("/fresh", proxy()),
            stage={
                "CacheClusterEnabled": "true",
                "CacheClusterSize": "0.5",
                "MethodSettings": settings,
            },
        ),
    )


def test_answers_are_kept_by_the_parameters_that_the_method_names(cached: Api) -> None:
    one = cached.ask("/kept?copy=1&other=1")
    again = cached.ask("/kept?copy=1&other=2")

    assert again.body == one.body
    assert again.headers["x-amzn-RequestId"] != one.headers["x-amzn-RequestId"]
    assert cached.ask("/kept?copy=2").body != one.body
    assert cached.ask("/fresh").body != cached.ask("/fresh").body, "only where it is switched on"
    posted = cached.ask("/posted", verb="POST")
    assert cached.ask("/posted", verb="POST").body == posted.body, "a method may say so itself"


def test_an_answer_is_kept_for_its_ttl(cached: Api) -> None:
    def repeated() -> bytes | None:
        first, again = (cached.ask("/brief").body for _ in range(2))
        return first if first == again else None

    first = until("the same answer again", repeated, within_s=5)

    until("another answer", lambda: cached.ask("/brief").body != first, within_s=5)


def test_a_client_without_the_right_cannot_refresh_and_is_told(cached: Api) -> None:
    first = cached.ask("/kept?copy=3")

    ignored = cached.ask("/kept?copy=3", Cache_Control="max-age=0")

    assert ignored.body == first.body
    assert ignored.headers["Warning"].startswith("199 Cache-control headers were ignored")


def test_without_a_cluster_nothing_is_kept(cloud: Cloud) -> None:
    settings = [{"ResourcePath": "/*", "HttpMethod": "*", "CachingEnabled": True}]
    bare = standing(
        cloud, api(function(COUNTING), method("/", proxy()), stage={"MethodSettings": settings})
    )

    assert bare.ask("/").body != bare.ask("/").body
    cloud.deleted(bare.stack.name)
