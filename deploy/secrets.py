"""What a caller must know to be let in: the API key, the bearer token. Read where the stack put it.

A template never outputs them: it outputs the key's id and the secret's ARN, and whoever may read
those in the account gets the value.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from deploy.catalog import VARIANTS, find
from deploy.console import Screen
from deploy.errors import BadInputError, StackError
from deploy.model import Feature, Output, Variant
from deploy.options import Json, Name, at_a_place
from deploy.places import Where

if TYPE_CHECKING:
    from deploy.account import AccountPlace


class Secret(StrEnum):
    """The two kinds."""

    API_KEY = "api-key"
    TOKEN = "token"  # noqa: S105  the name of one, not one


# What a variant must add to the service to have one, and the output that leads to it.
FEATURE = {Secret.API_KEY: Feature.API_KEY, Secret.TOKEN: Feature.AUTHORIZER}
OUTPUT = {Secret.API_KEY: "ApiKeyId", Secret.TOKEN: "TokenSecretArn"}


class NoSuchSecretError(BadInputError):
    """The variant asks nobody for it."""

    def __init__(self, variant: Variant, which: Secret) -> None:
        having = ", ".join(v.name for v in VARIANTS if FEATURE[which] in v.features)
        super().__init__(
            f"{variant.name} has no {which}",
            cause="everybody may call it",
            remedy=f"these have one: {having}" if having else "",
        )


def must_have(variant: Variant, which: Secret) -> None:
    """Raise `NoSuchSecretError` unless the variant has such a secret."""
    if FEATURE[which] not in variant.features:
        raise NoSuchSecretError(variant, which)


def secret_of(variant: Variant, which: Secret, place: "AccountPlace") -> str:
    """Read a secret of a variant that stands.

    Raises:
        NoSuchSecretError: it has none.
        StackError: it does not stand, or what its output names holds no value.
    """
    must_have(variant, which)
    named = place.output(Output(variant.url.stack, OUTPUT[which]))
    match which:
        case Secret.API_KEY:
            told = place.clients.apigateway.get_api_key(apiKey=named, includeValue=True)
            value = told.get("value", "")
        case Secret.TOKEN:
            value = place.clients.secretsmanager.get_secret_value(SecretId=named)["SecretString"]
    if not value:
        raise StackError(f"{named} of {variant.url.stack} holds no value")
    return value


@at_a_place
def secret(
    name: Name,
    which: Annotated[Secret, typer.Argument(metavar="api-key|token", help="Which of the two.")],
    *,
    where: Where,
    json: Json = False,
) -> None:
    """Print what a variant asks its callers for: the API key, or the authorizer's bearer token.

    [dim]$[/dim] curl -H "x-api-key: $(nineways secret apigw-lambda api-key)" …/keyed/whoami
    """
    variant = find(name)
    must_have(variant, which)
    screen = Screen(as_json=json)
    value = secret_of(variant, which, where.open(screen))
    screen.answer({"name": variant.name, which.value: value}, escape(value))
