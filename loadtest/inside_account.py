"""The port `loadtest.inside.Inside` on an account, or on a lab, which is reached the same way."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.model import Variant
from deploy.secrets import Secret, secret_of

if TYPE_CHECKING:
    from deploy.account import AccountPlace


@dataclass(frozen=True)
class AccountInside:
    """One variant as its account sees it."""

    variant: Variant
    place: "AccountPlace"

    def secret(self, which: Secret) -> str:
        """See `Inside`."""
        return secret_of(self.variant, which, self.place)
