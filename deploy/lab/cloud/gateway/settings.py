"""What a stage says of one method: throttling, cache. Pure."""

from collections.abc import Iterable

from deploy.lab.cloud.border import Json, is_true

# https://docs.aws.amazon.com/apigateway/latest/api/API_MethodSetting.html
DEFAULTS: Json = {
    "cacheTtlInSeconds": 300,
    "cachingEnabled": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}

NUMBERS = {
    "cacheTtlInSeconds": int,
    "throttlingBurstLimit": int,
    "throttlingRateLimit": float,
}
FLAGS = frozenset({"cacheDataEncrypted", "cachingEnabled", "dataTraceEnabled", "metricsEnabled"})


def of_method(stage: Json, resource_path: str, verb: str) -> Json:
    """The settings in effect: the method's own over the stage's over AWS's defaults.

    `explicit` says that the method has its own entry about caching.

    >>> stage = {"methodSettings": {"*/*": {"throttlingRateLimit": 5, "cachingEnabled": True}}}
    >>> settings = of_method(stage, "/a", "GET")
    >>> settings["throttlingRateLimit"], settings["cachingEnabled"], settings["explicit"]
    (5, True, False)
    """
    every: Json = stage.get("methodSettings") or {}
    own: Json = every.get(f"{resource_path}/{verb}") or {}
    return {
        **DEFAULTS,
        **(every.get("*/*") or {}),
        **own,
        "explicit": "cachingEnabled" in own,
    }


def from_template(items: Iterable[Json]) -> Json:
    """A template's MethodSettings as the stage's record keeps them, with what was said and no more.

    >>> from_template([{"ResourcePath": "/~1a~1b", "HttpMethod": "GET", "CachingEnabled": "true"}])
    {'/a/b/GET': {'cachingEnabled': True}}
    >>> from_template([{"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": "5"}])
    {'*/*': {'throttlingRateLimit': 5.0}}
    """
    return {
        _key(item): dict(_setting(name, value) for name, value in _named(item)) for item in items
    }


def _key(item: Json) -> str:
    path = str(item.get("ResourcePath", "/*"))
    verb = str(item.get("HttpMethod", "*"))
    if path in {"/*", "*"} and verb == "*":
        return "*/*"
    # "/resource/sub must be encoded as /~1resource~1sub"; AWS takes it plain too.
    decoded = path.replace("~1", "/").replace("//", "/")
    return f"{decoded}/{verb}"


def _named(item: Json) -> list[tuple[str, object]]:
    return [(k, v) for k, v in item.items() if k not in {"ResourcePath", "HttpMethod"}]


def _setting(name: str, value: object) -> tuple[str, object]:
    key = name[0].lower() + name[1:]
    if key in FLAGS:
        return key, is_true(value)
    return key, NUMBERS[key](str(value)) if key in NUMBERS else value
