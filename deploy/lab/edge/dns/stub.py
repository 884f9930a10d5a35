"""A stub resolver: ask one name server for the addresses of a name, never the system's.

It remembers nothing and tries nothing twice: that is for its callers to decide.
"""

import secrets
import socket
import time
from dataclasses import dataclass

from dnslib import EDNS0, QTYPE, RCODE, DNSError, DNSRecord

# What a resolver announces that it takes over UDP: dnsflagday.net/2020 recommends it.
EDNS_BYTES = 1232
UDP_BYTES = 65535


class LookUpFailedError(OSError):
    """A name has no address, or nobody says which: then asking again may help."""

    def __init__(
        self, name: str, reason: str, *, server: tuple[str, int], may_pass: bool = False
    ) -> None:
        super().__init__(f"{name}: {reason} ({server[0]}:{server[1]})")
        self.name = name
        self.may_pass = may_pass


@dataclass(frozen=True)
class Addresses:
    """Addresses in the order in which the server gave them, and how long they may be kept."""

    addresses: tuple[str, ...]
    ttl_s: float


def look_up(name: str, server: tuple[str, int], *, timeout_s: float = 2) -> Addresses:
    """Ask for a name's A records, over UDP, then over TCP if the answer is too long for that.

    Raises:
        LookUpFailedError: There is no such name, it has no address, or no answer came in time.
    """
    query = DNSRecord.question(name)
    query.header.id = secrets.randbelow(2**16)
    query.add_ar(EDNS0(udp_len=EDNS_BYTES))
    try:
        reply = _over_udp(query, server, timeout_s)
        if reply.header.tc:
            reply = _over_tcp(query, server, timeout_s)
    except (OSError, EOFError, DNSError) as error:
        reason = f"no answer, {error!r}"
        raise LookUpFailedError(name, reason, server=server, may_pass=True) from error
    return _addresses(name, reply, server)


def _over_udp(query: DNSRecord, server: tuple[str, int], timeout_s: float) -> DNSRecord:
    deadline_s = time.monotonic() + timeout_s
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(server)
        udp.send(query.pack())
        while (left_s := deadline_s - time.monotonic()) > 0:
            udp.settimeout(left_s)
            reply = DNSRecord.parse(udp.recv(UDP_BYTES))
            # An answer to somebody else's question, or to one that was given up.
            if reply.header.id == query.header.id and reply.q == query.q:
                return reply
    raise TimeoutError("timed out")


def _over_tcp(query: DNSRecord, server: tuple[str, int], timeout_s: float) -> DNSRecord:
    packet = bytes(query.pack())
    with socket.create_connection(server, timeout_s) as tcp, tcp.makefile("rb") as answers:
        tcp.sendall(len(packet).to_bytes(2, "big") + packet)
        length = int.from_bytes(answers.read(2), "big")
        reply = answers.read(length)
    if len(reply) < length or not reply:
        raise EOFError("the connection ended early")
    return DNSRecord.parse(reply)


def _addresses(name: str, reply: DNSRecord, server: tuple[str, int]) -> Addresses:
    if reply.header.rcode:
        status = reply.header.rcode
        raise LookUpFailedError(
            name, RCODE.get(status), server=server, may_pass=status == RCODE.SERVFAIL
        )
    found = tuple(str(record.rdata) for record in reply.rr if record.rtype == QTYPE.A)
    if not found:
        raise LookUpFailedError(name, "no address", server=server)
    # CNAMEs on the way count too: none of it may be kept longer than its shortest part.
    return Addresses(found, min(record.ttl for record in reply.rr))
