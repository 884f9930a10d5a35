"""Which addresses of this machine are taken, and by whom."""

import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import NinewaysError
from deploy.lab.addresses import HTTP_PORT, Addresses
from deploy.lab.processes import name_of

# Of include/net/tcp_states.h.
_LISTEN = "0A"

# A lab reserves its octet by holding this one for as long as it lives. It is bound and never
# listened on, so two labs that start at the same moment cannot both have it.
RESERVATION_PORT = 4565

# 127.0 to 127.8 are left to what else lives on loopback.
OCTETS = range(9, 100)


@dataclass(frozen=True)
class Listener:
    """A listening socket."""

    address: str
    port: int
    inode: str

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


def reserve_free(octet: int | None) -> tuple[int, socket.socket]:
    """Choose the first octet on which every address is free, and hold it."""
    conflict = None
    for candidate in OCTETS if octet is None else [octet]:
        reservation = reserve(candidate)
        if reservation is None:
            conflict = conflict or (f"127.{candidate}.0.1", RESERVATION_PORT)
            continue
        conflict = taken(candidate)
        if conflict is None:
            return candidate, reservation
        reservation.close()
    host, port = conflict or ("127.9.0.1", 0)
    raise NinewaysError(
        f"{host}:{port} is taken",
        cause=(
            "another lab has that range"
            if port == RESERVATION_PORT
            else f"{holder((host, port))} listens there"
        ),
        remedy=(
            "give another --octet, or none"
            if octet is not None
            else f"stop that process: a lab needs port {port} on its own 127.x addresses"
            + (" (it stands for port 80)" if port == HTTP_PORT else "")
        ),
    )


def reserve(octet: int) -> socket.socket | None:
    """Take an octet, or say that somebody has it."""
    held = socket.socket()
    try:
        held.bind((f"127.{octet}.0.1", RESERVATION_PORT))
    except OSError:
        held.close()
        return None
    return held


def taken(octet: int) -> tuple[str, int] | None:
    """Find the first address of a lab that something else listens on already."""
    for one in listeners(octet):
        return one.address, one.port
    addresses = Addresses(octet)
    emulator = addresses.emulator_url.removeprefix("http://").split(":")
    wanted = [
        (emulator[0], int(emulator[1])),
        addresses.envoy_admin,
        (addresses.load_balancer(1), HTTP_PORT),
    ]
    return next((address for address in wanted if not _is_free(address)), None)


def _is_free(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        # As servers do: connections that have just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
    return True


def listeners(octet: int | None = None) -> list[Listener]:
    """Every listening TCP socket, or those on a lab's addresses."""
    found = []
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        address, _, port = fields[1].partition(":")
        if fields[3] == _LISTEN:
            # Written as the number it is in memory: the last byte first.
            dotted = socket.inet_ntoa(bytes.fromhex(address)[::-1])
            found.append(Listener(dotted, int(port, 16), fields[9]))
    if octet is None:
        return found
    return [one for one in found if one.address.startswith(f"127.{octet}.")]


def holder(address: tuple[str, int]) -> str:
    """Say who listens there: on that address, or on every address."""
    for one in listeners():
        if one.port == address[1] and one.address in {address[0], "0.0.0.0"}:  # noqa: S104  compared, not bound
            pid = _owner(one.inode)
            return f"{name_of(pid)} (process {pid})" if pid else "another user's process"
    return "a process that listens on every address"


def _owner(inode: str) -> int | None:
    for folder in Path("/proc").glob("[0-9]*/fd"):
        # Other users' processes and those just ended are not readable.
        with suppress(OSError):
            if any(_is_socket(descriptor, inode) for descriptor in folder.iterdir()):
                return int(folder.parent.name)
    return None


def _is_socket(descriptor: Path, inode: str) -> bool:
    # One that is closed meanwhile, like that of our own look, must not end the look.
    with suppress(FileNotFoundError):
        return str(descriptor.readlink()) == f"socket:[{inode}]"
    return False
