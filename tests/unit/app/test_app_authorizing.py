from typing import Any

import pytest

from app.authorizing import UnauthorizedError, handler_for
from app.settings import SettingError, token_secret_arn

TOKEN = "s3cret"  # noqa: S105 - not one of ours
ARN = "arn:aws:execute-api:eu-west-1:123456789012:api/live/GET/authorized/whoami"


def asked(headers: dict[str, str] | None) -> dict[str, Any]:
    return handler_for(TOKEN)({"type": "REQUEST", "methodArn": ARN, "headers": headers}, None)


def effect_of(answer: dict[str, Any]) -> str:
    (statement,) = answer["policyDocument"]["Statement"]
    return str(statement["Effect"])


@pytest.mark.parametrize("header", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_who_has_the_token_may_call(header: str, scheme: str) -> None:
    assert effect_of(asked({header: f"{scheme} {TOKEN}"})) == "Allow"


@pytest.mark.parametrize(
    "given",
    ["Bearer", "Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ä"],
)
def test_who_has_another_may_not(given: str) -> None:
    assert effect_of(asked({"Authorization": given})) == "Deny"


@pytest.mark.parametrize("headers", [None, {}, {"Authorization": ""}, {"Other": TOKEN}])
def test_who_shows_nothing_is_asked_to(headers: dict[str, str] | None) -> None:
    # API Gateway answers 401 to a function that fails with exactly this text.
    with pytest.raises(UnauthorizedError, match=r"^Unauthorized$"):
        asked(headers)


@pytest.mark.parametrize(("given", "effect"), [(f"Bearer {TOKEN}", "Allow"), ("Bearer x", "Deny")])
def test_an_authorizer_of_type_token_is_given_the_header_alone(given: str, effect: str) -> None:
    event = {"type": "TOKEN", "methodArn": ARN, "authorizationToken": given}

    assert effect_of(handler_for(TOKEN)(event, None)) == effect


def test_what_is_kept_under_a_token_holds_for_every_route_of_the_stage() -> None:
    (statement,) = asked({"Authorization": f"Bearer {TOKEN}"})["policyDocument"]["Statement"]

    assert statement["Action"] == "execute-api:Invoke"
    assert statement["Resource"] == "arn:aws:execute-api:eu-west-1:123456789012:api/live/*"


def test_an_empty_secret_lets_nobody_in() -> None:
    with pytest.raises(ValueError, match="empty"):
        handler_for("")


def test_the_secret_must_be_named() -> None:
    assert token_secret_arn({"NINEWAYS_TOKEN_SECRET_ARN": "arn"}) == "arn"
    with pytest.raises(SettingError, match="TokenSecretArn"):
        token_secret_arn({})
