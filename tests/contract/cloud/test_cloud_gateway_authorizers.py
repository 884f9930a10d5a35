"""Lambda authorizers: whose word decides, how long it counts."""

import pytest

from tests.contract.cloud.conftest import Cloud, Json, ref
from tests.contract.cloud.rest_api import (
    AUTHORIZER,
    ECHO,
    Api,
    api,
    authorizer,
    function,
    method,
    proxy,
    standing,
)

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def authorized(cloud: Cloud) -> Api:
    def guarded(path: str, by: str) -> Json:
        return method(path, proxy(), AuthorizationType="CUSTOM", AuthorizerId=ref(by))

    return standing(
        cloud,
        api(
            function(ECHO),
            function(AUTHORIZER, name="Auth"),
            authorizer("Token", "TOKEN", 0, IdentityValidationExpression="[a-z]+( .*)?"),
            authorizer("Request", "REQUEST", "0"),  # type: ignore[arg-type]
            authorizer("Cached", "REQUEST", 300),
            guarded("/token", "Token"),
            guarded("/request", "Request"),
            guarded("/cached", "Cached"),
            guarded("/cachedtoo", "Cached"),
        ),
    )


@pytest.mark.parametrize("path", ["/token", "/request"])
def test_an_authorizers_word_decides(authorized: Api, path: str) -> None:
    allowed = authorized.ask(path, Authorization="allow")
    denied = authorized.ask(path, Authorization="deny")
    elsewhere = authorized.ask(path, Authorization="allow GET/other")

    assert allowed.status == 200
    known = allowed.json["requestContext"]["authorizer"]
    assert (known["principalId"], known["good"]) == ("me", "true")
    assert denied.status == 403
    message = "User is not authorized to access this resource"
    assert denied.json == {"Message": f"{message} with an explicit deny"}
    assert (elsewhere.status, elsewhere.json) == (403, {"Message": message})


@pytest.mark.parametrize("path", ["/token", "/request", "/cached"])
def test_without_an_identity_it_is_401_and_nobody_is_asked(authorized: Api, path: str) -> None:
    answer = authorized.ask(path)

    assert (answer.status, answer.json) == (401, {"message": "Unauthorized"})


def test_a_token_of_another_form_is_401(authorized: Api) -> None:
    assert authorized.ask("/token", Authorization="ALLOW").status == 401


@pytest.mark.parametrize(
    ("token", "status", "body"),
    [
        ("raise", 401, {"message": "Unauthorized"}),
        ("break", 500, {"message": None}),
        ("nonsense", 500, {"message": "Internal server error"}),
    ],
)
def test_a_broken_authorizer_lets_nobody_in(
    authorized: Api, token: str, status: int, body: Json
) -> None:
    answer = authorized.ask("/request", Authorization=token)

    assert (answer.status, answer.json) == (status, body)


def test_a_result_is_remembered_and_held_against_each_method(authorized: Api) -> None:
    def calls(path: str) -> str:
        answer = authorized.ask(path, Authorization="allow GET/cached*")
        return str(answer.json["requestContext"]["authorizer"]["calls"])

    first = calls("/cached")

    assert calls("/cached") == first
    assert calls("/cachedtoo") == first, "one result for all methods of the stage"
    assert authorized.ask("/cached", Authorization="allow GET/cached").status == 200
    assert authorized.ask("/cachedtoo", Authorization="allow GET/cached").status == 403
