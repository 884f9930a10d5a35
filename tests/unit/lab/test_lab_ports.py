"""Who listens where."""

import os
import socket

from deploy.lab.ports import holder


def test_the_holder_is_found_behind_a_descriptor_that_closes_while_we_look() -> None:
    # The look opens the lowest free descriptor, finds it listed, and has closed it by then.
    lower = os.open(os.devnull, os.O_RDONLY)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.fileno() > lower
        os.close(lower)

        assert f"(process {os.getpid()})" in holder(server.getsockname())
