"""What callers must know is read where the stack put it, and nowhere else."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from typer.testing import CliRunner

from deploy.account import AccountPlace
from deploy.cli import app
from deploy.errors import StackError
from deploy.model import Feature
from deploy.secrets import NoSuchSecretError, Secret, secret_of
from tests.unit.deploy.cloudformation_in_memory import CloudFormationInMemory
from tests.unit.deploy.variants import ONE, OTHER

if TYPE_CHECKING:
    from deploy.clients import Clients

GUARDED = replace(ONE, features=frozenset({Feature.API_KEY, Feature.AUTHORIZER}))


class Keys:
    def get_api_key(self, **asked: object) -> dict[str, Any]:
        assert asked["includeValue"]
        return {"id": asked["apiKey"], "value": {"key-1": "the key"}.get(str(asked["apiKey"]), "")}


class Secrets:
    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - boto3's word
        return {"SecretString": {"arn:secret": "the token"}[SecretId]}


class ClientsInMemory:
    apigateway, secretsmanager = Keys(), Secrets()


@pytest.fixture
def guarded(place: AccountPlace, memory: CloudFormationInMemory) -> AccountPlace:
    memory.stand(ONE.url.stack, ApiKeyId="key-1", TokenSecretArn="arn:secret")
    return replace(place, clients=cast("Clients", ClientsInMemory()))


@pytest.mark.parametrize(
    ("which", "value"), [(Secret.API_KEY, "the key"), (Secret.TOKEN, "the token")]
)
def test_each_is_found_by_the_output_that_leads_to_it(
    guarded: AccountPlace, which: Secret, value: str
) -> None:
    assert secret_of(GUARDED, which, guarded) == value


def test_a_variant_that_asks_for_none_has_none(guarded: AccountPlace) -> None:
    with pytest.raises(NoSuchSecretError, match="other has no token"):
        secret_of(OTHER, Secret.TOKEN, guarded)


def test_a_variant_that_does_not_stand_is_named(place: AccountPlace) -> None:
    with pytest.raises(StackError, match="there is no stack nineways-one"):
        secret_of(GUARDED, Secret.TOKEN, place)


def test_a_key_without_value_is_an_error_rather_than_an_empty_line(
    guarded: AccountPlace, memory: CloudFormationInMemory
) -> None:
    memory.stand(OTHER.url.stack, ApiKeyId="key-2")
    empty = replace(OTHER, features=frozenset({Feature.API_KEY}))

    with pytest.raises(StackError, match="key-2 of nineways-other holds no value"):
        secret_of(empty, Secret.API_KEY, guarded)


def test_that_there_is_none_is_said_before_any_place_is_asked() -> None:
    result = CliRunner().invoke(app, ["secret", "ec2-eip", "token", "--lab", "nowhere", "--json"])

    assert result.exit_code == NoSuchSecretError.exit_code
    assert json.loads(result.stdout)["error"]["message"] == "ec2-eip has no token"
