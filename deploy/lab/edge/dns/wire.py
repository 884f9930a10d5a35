"""DNS messages: bytes in, bytes out. dnslib knows the format, this the manners.

Whatever comes in, something decent goes out: an answer, an error, or nothing at all.
"""

import logging
from collections.abc import Callable, Iterator
from functools import lru_cache

from dnslib import (
    CLASS,
    EDNS0,
    OPCODE,
    QTYPE,
    RCODE,
    RD,
    RR,
    DNSBuffer,
    DNSHeader,
    DNSLabel,
    DNSRecord,
)

from deploy.lab.edge.dns.answers import Answer, Entry, Question
from deploy.lab.edge.dns.zones import canonical

log = logging.getLogger(__name__)

HEADER_BYTES = 12
# docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSBehavior.html, 2026-11: 512 bytes over
# UDP, up to 4,096 to a resolver that says by EDNS0 that it takes as much.
UDP_BYTES = 512
EDNS_BYTES = 4096
TCP_BYTES = 65535

# The bit of the header's third byte that tells an answer from a question.
IS_ANSWER = 0x80
# BADVERS is 16: one in EDNS's upper bits, none in the header (RFC 6891).
BAD_VERSION = 1
# Zone transfers, which Route 53 does not do.
TRANSFERS = (QTYPE.AXFR, QTYPE.IXFR)


def respond(packet: bytes, answer: Callable[[Question], Answer], *, udp: bool) -> bytes | None:
    """Answer a packet; None when nothing may be answered: to noise, and to others' answers."""
    if len(packet) < HEADER_BYTES or packet[2] & IS_ANSWER:
        return None
    try:
        query = DNSRecord.parse(packet)
    except Exception as error:  # noqa: BLE001 - dnslib raises all kinds for what is no DNS
        log.debug("not understood: %r", error)
        return _packed(_reply_to(DNSHeader.parse(DNSBuffer(packet)), "FORMERR"))
    try:
        return _answered(query, answer, udp=udp)
    except Exception:
        log.exception("no answer to %s", query.questions)
        return _packed(_reply_to(query.header, "SERVFAIL"))


def _answered(query: DNSRecord, answer: Callable[[Question], Answer], *, udp: bool) -> bytes:
    options = [record for record in query.ar if record.rtype == QTYPE.OPT]
    if status := _refusal(query, options):
        return _packed(_reply_to(query.header, status))
    limit = UDP_BYTES if udp else TCP_BYTES
    reply = _reply_to(query.header, "NOERROR")
    reply.add_question(query.q)
    for option in options:
        limit = max(limit, min(option.edns_len, EDNS_BYTES))
        reply.add_ar(EDNS0(udp_len=EDNS_BYTES, ext_rcode=BAD_VERSION if option.edns_ver else 0))
        if option.edns_ver:
            return _packed(reply)
    made = answer(Question(text_of(query.q.qname), QTYPE.get(query.q.qtype)))
    reply.header.rcode = getattr(RCODE, made.status)
    reply.header.aa = made.status != "REFUSED"
    reply.add_answer(*_lines(made.answers, query.q.qname))
    reply.add_auth(*_lines(made.authority, query.q.qname))
    if len(packed := _packed(reply)) > limit:
        # Say that it is too long and nothing else: the resolver asks again over TCP.
        reply.rr, reply.auth = [], []
        reply.header.tc = 1
        packed = _packed(reply)
    return packed


def _refusal(query: DNSRecord, options: list[RR]) -> str:
    """Why a well-formed message is no question for us; empty when it is one."""
    if query.header.opcode != OPCODE.QUERY:
        return "NOTIMP"
    if len(query.questions) != 1 or len(options) > 1:
        return "FORMERR"
    if query.q.qclass != CLASS.IN or query.q.qtype in TRANSFERS:
        return "REFUSED"
    return ""


def _reply_to(asked: DNSHeader, status: str) -> DNSRecord:
    header = DNSHeader(asked.id, 0, qr=1, opcode=asked.opcode, rd=asked.rd)
    header.rcode = getattr(RCODE, status)
    return DNSRecord(header)


def _packed(reply: DNSRecord) -> bytes:
    return bytes(reply.pack())


def _lines(entries: tuple[Entry, ...], asked: DNSLabel) -> Iterator[RR]:
    """Write entries; the name that was asked for as it was spelled (0x20), others as they are."""
    spelled = {text_of(asked): asked}
    for entry in entries:
        if entry.name not in spelled:
            spelled[entry.name] = DNSLabel(entry.name)
        owner, rtype = spelled[entry.name], getattr(QTYPE, entry.type)
        yield RR(owner, rtype, ttl=entry.ttl_s, rdata=rdata(entry.type, entry.value))


def text_of(name: DNSLabel) -> str:
    r"""Write a name as canonical text; a dot within a label as Route 53 does, `\056`."""
    if any(b"." in label for label in name.label):
        labels = (str(DNSLabel([label]))[:-1].replace(".", r"\056") for label in name.label)
        return canonical(".".join(labels))
    return canonical(str(name))


@lru_cache(maxsize=4096)
def rdata(type_: str, value: str) -> RD:
    """Read a record's value as it stands in a zone file.

    Raises:
        Exception: It is not one; dnslib has no class of its own for that.
    """
    return RR.fromZone(f". 0 IN {type_} {value}")[0].rdata
