"""Who may call: policies, and authorizers that hand them out. Pure."""

import asyncio

import pytest

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import (
    policies,
)
from deploy.lab.cloud.gateway.authorizers import Ask, Authorizers, Question, read
from deploy.lab.cloud.gateway.exchange import GatewayError, Request
from deploy.lab.cloud.gateway.functions import Outcome


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: float = 0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


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


# ---- Authorizers ----


def question(token: str, **authorizer: object) -> Question:
    return Question(
        {"type": "TOKEN", "authorizerResultTtlInSeconds": 60, **authorizer},
        Request("GET", "/messages/1", headers=(("authorization", token),)),
        {},
        {},
        ARN,
        "scope",
    )


def allowing(asked: list[Json]) -> Ask:
    async def ask(event: Json) -> Outcome:
        asked.append(event)
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        return Outcome(
            {
                "principalId": len(asked),
                "policyDocument": {"Statement": [statement]},
                "context": {"yes": True, "none": None},
            }
        )

    return ask


def test_an_answer_is_remembered_for_its_ttl_and_for_its_identity() -> None:
    clock, asked = Clock(), list[Json]()
    authorizers, ask = Authorizers(clock), allowing(asked)

    def principal(token: str, **authorizer: object) -> object:
        permit = asyncio.run(authorizers.permit(question(token, **authorizer), ask))
        return permit.context["principalId"]

    assert [principal("a"), principal("a"), principal("b")] == ["1", "1", "2"]
    clock.now = 59
    assert principal("a") == "1"
    clock.now = 60
    assert principal("a") == "3"
    assert principal("c", authorizerResultTtlInSeconds=0) == "4"
    assert principal("c", authorizerResultTtlInSeconds=0) == "5"
    assert asked[0] == {"type": "TOKEN", "methodArn": ARN, "authorizationToken": "a"}


def test_what_an_authorizer_knows_reaches_integrations_as_text() -> None:
    permit = asyncio.run(Authorizers(Clock()).permit(question("a"), allowing([])))

    assert permit.context == {"yes": "true", "principalId": "1"}


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome(failure="failed", message="Unauthorized"), "UNAUTHORIZED"),
        (Outcome(failure="failed", message="division by zero"), "AUTHORIZER_FAILURE"),
        (Outcome(failure="forbidden"), "AUTHORIZER_CONFIGURATION_ERROR"),
        (Outcome({"policyDocument": "no"}), "AUTHORIZER_CONFIGURATION_ERROR"),
        (
            Outcome({"policyDocument": {}, "context": {"a": {}}}),
            "AUTHORIZER_CONFIGURATION_ERROR",
        ),
    ],
)
def test_what_is_no_answer_lets_nobody_in(outcome: Outcome, kind: str) -> None:
    with pytest.raises(GatewayError) as refused:
        read(outcome)

    assert refused.value.response_type == kind
