"""What can go wrong while packaging, said to a person."""


class BuildError(Exception):
    """An artifact could not be made; the message says why and what would help."""
