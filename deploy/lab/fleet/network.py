"""A machine cut off from the network, with no rights but those over one's own processes.

Without root there is no firewall. But Linux lets a process take over descriptors of another one
of the same user, and lets anybody tell a socket to drop packets that have come too far: those
with a smaller TTL than IP_MINTTL, see ip(7). Packets on loopback have 64, so that 255 drops all.
A listening socket then does not answer a SYN, and its connections, which inherit the option, are
silent; both go on by TCP's retransmission when the option is taken back.
Only what arrives is dropped. What the machine sends to the emulator the emulator holds back.
"""

import ctypes
import errno
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

# Of linux/in.h; Python does not name it.
_IP_MINTTL = 21
# The same number on every architecture; Python has no function for it.
_SYS_PIDFD_GETFD = 438
_NOTHING, _EVERYTHING = 255, 0

_LIBC = ctypes.CDLL(None, use_errno=True)


def cut(pids: Iterable[int]) -> None:
    """Let nothing reach any socket that these processes have now.

    Raises:
        OSError: the system keeps their sockets from us.
    """
    for taken in _sockets_of(pids):
        taken.setsockopt(socket.IPPROTO_IP, _IP_MINTTL, _NOTHING)


def connect(pids: Iterable[int]) -> None:
    """Let everything through again.

    Raises:
        OSError: the system keeps their sockets from us.
    """
    for taken in _sockets_of(pids):
        taken.setsockopt(socket.IPPROTO_IP, _IP_MINTTL, _EVERYTHING)


def _sockets_of(pids: Iterable[int]) -> Iterator[socket.socket]:
    """Take each IPv4 socket of the processes for a moment."""
    for pid in pids:
        # A process may end, and a descriptor be closed, while we look at them.
        with suppress(ProcessLookupError), _process(pid) as process:
            for descriptor in _descriptors(pid):
                with suppress(FileNotFoundError), _taken(process, descriptor) as taken:
                    if taken.family == socket.AF_INET:
                        yield taken


@contextmanager
def _process(pid: int) -> Iterator[int]:
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _descriptors(pid: int) -> list[int]:
    folder = f"/proc/{pid}/fd"
    found = []
    with suppress(FileNotFoundError):
        for name in os.listdir(folder):  # noqa: PTH208  a hot path
            with suppress(FileNotFoundError):
                if os.readlink(f"{folder}/{name}").startswith("socket:"):  # noqa: PTH115  the same
                    found.append(int(name))
    return found


def _taken(process: int, descriptor: int) -> socket.socket:
    """Take over another process's socket; closing ours leaves it its own."""
    ours = _LIBC.syscall(_SYS_PIDFD_GETFD, process, descriptor, 0)
    if ours < 0:
        error = ctypes.get_errno()
        if error == errno.EBADF:
            raise FileNotFoundError(error, "it was closed meanwhile")
        raise OSError(error, f"pidfd_getfd: {os.strerror(error)}")
    return socket.socket(fileno=ours)
