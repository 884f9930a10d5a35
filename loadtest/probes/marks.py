"""Words by which a probe knows its own again."""

import secrets


def fresh() -> str:
    """A word that nobody used before."""
    return f"verify-{secrets.token_hex(6)}"
