"""Which method serves, what goes to a backend, which ids a request has. Pure."""

import pytest

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import (
    context,
    routing,
    validation,
)
from deploy.lab.cloud.gateway.exchange import GatewayError, Request
from deploy.lab.cloud.gateway.http_proxy import outgoing


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
