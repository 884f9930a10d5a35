"""What can go wrong while packaging, said to a person."""


class BuildError(Exception):
    """An artifact could not be made; the message says why and what would help."""


class NoSuchTargetError(BuildError):
    """The service is not built for that Python or processor."""
