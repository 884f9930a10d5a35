"""User data as cloud-init reads it: a script, a configuration, or parts of either kind.

Of a configuration nothing is carried out: it would change this machine. What ours say holds in a
lab without it: scripts run at every boot, and the cluster of an instance is known to the emulator.
"""

from email import message_from_bytes


class UnknownUserDataError(ValueError):
    """Nothing would run it on AWS either."""

    def __init__(self) -> None:
        super().__init__(
            "the user data is neither a script (#!), nor #cloud-config, nor multipart/mixed, so "
            "nothing would run it"
        )


def scripts(user_data: bytes) -> list[bytes]:
    r"""Give the scripts that user data holds, in the order in which they run.

    >>> scripts(b"#!/bin/sh\necho hello")
    [b'#!/bin/sh\necho hello']
    >>> scripts(b"#cloud-config\nwrite_files: []")
    []

    Raises:
        UnknownUserDataError: It is none of those.
    """
    if user_data.startswith(b"#!"):
        return [user_data]
    if user_data.startswith(b"#cloud-config"):
        return []
    message = message_from_bytes(user_data)
    if not message.is_multipart():
        raise UnknownUserDataError
    return [
        str(part.get_payload()).encode()
        for part in message.walk()
        if part.get_content_type() == "text/x-shellscript"
    ]
