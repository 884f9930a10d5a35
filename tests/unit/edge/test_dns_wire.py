from collections.abc import Callable

import pytest
from dnslib import (
    CLASS,
    EDNS0,
    OPCODE,
    QTYPE,
    RCODE,
    RR,
    A,
    DNSHeader,
    DNSLabel,
    DNSQuestion,
    DNSRecord,
    EDNSOption,
)

from deploy.lab.edge.dns.answers import Answer, Known, Question, answer
from deploy.lab.edge.dns.wire import respond, text_of
from deploy.lab.edge.dns.zones import Record
from tests.unit.edge.dns_zone import NAME, a, dice, zone

LONG = "long.lab.test."
KNOWN = Known(
    (zone(a("127.9.20.1"), Record(LONG, "TXT", 5, tuple(f'"{n:0>60}"' for n in range(40)))),)
)


def from_zone(question: Question) -> Answer:
    return answer(question, KNOWN, dice())


def ask(query: DNSRecord, *, udp: bool = True) -> DNSRecord:
    packed = respond(query.pack(), from_zone, udp=udp)
    assert packed
    reply = DNSRecord.parse(packed)
    assert reply.header.id == query.header.id
    assert reply.header.qr == 1
    return reply


def status(reply: DNSRecord) -> str:
    return str(RCODE.get(reply.header.rcode))


def test_an_answer_is_authoritative_and_offers_no_recursion() -> None:
    reply = ask(DNSRecord.question(NAME))

    assert (status(reply), reply.header.aa, reply.header.ra) == ("NOERROR", 1, 0)
    assert [str(record.rdata) for record in reply.rr] == ["127.9.20.1"]


def test_a_name_in_any_spelling_is_found_and_its_spelling_goes_back() -> None:
    reply = ask(DNSRecord.question("aPp.LaB.tEsT"))

    assert str(reply.q.qname) == "aPp.LaB.tEsT."
    assert [str(record.rname) for record in reply.rr] == ["aPp.LaB.tEsT."]


def test_refused_is_not_authoritative() -> None:
    reply = ask(DNSRecord.question("example.com"))

    assert (status(reply), reply.header.aa, reply.rr, reply.auth) == ("REFUSED", 0, [], [])


# DNSBehavior.html: 512 bytes over UDP, up to 4,096 to who says so; TCP takes all of it.
def test_what_is_too_long_for_udp_is_truncated() -> None:
    reply = ask(DNSRecord.question(LONG, "TXT"))

    assert (reply.header.tc, reply.rr, reply.auth) == (1, [], [])
    assert str(reply.q.qname) == LONG


@pytest.mark.parametrize(("announced", "truncated"), [(100, 1), (1232, 1), (4096, 0), (65535, 0)])
def test_edns_says_how_long_an_answer_may_be(announced: int, truncated: int) -> None:
    query = DNSRecord.question(LONG, "TXT")
    query.add_ar(EDNS0(udp_len=announced))

    reply = ask(query)

    assert reply.header.tc == truncated
    assert len(reply.rr) == (0 if truncated else 40)
    assert [(record.rtype, record.edns_len) for record in reply.ar] == [(QTYPE.OPT, 4096)]


def test_over_tcp_an_answer_is_whole() -> None:
    reply = ask(DNSRecord.question(LONG, "TXT"), udp=False)

    assert (reply.header.tc, len(reply.rr)) == (0, 40)


def test_a_newer_edns_is_told_that_it_is_too_new() -> None:
    query = DNSRecord.question(NAME)
    query.add_ar(EDNS0(version=1, udp_len=1232))

    reply = ask(query)

    assert (status(reply), reply.rr, reply.ar[0].edns_rcode) == ("NOERROR", [], 1)


def test_options_that_are_not_known_are_passed_over() -> None:
    query = DNSRecord.question(NAME)
    query.add_ar(EDNS0(udp_len=1232, opts=[EDNSOption(10, b"12345678")]))

    assert len(ask(query).rr) == 1


def made(change: Callable[[DNSRecord], object]) -> DNSRecord:
    query = DNSRecord.question(NAME)
    change(query)
    return query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (made(lambda q: setattr(q.header, "opcode", OPCODE.UPDATE)), "NOTIMP"),
        (made(lambda q: setattr(q.q, "qclass", CLASS.CH)), "REFUSED"),
        (made(lambda q: setattr(q.q, "qtype", QTYPE.AXFR)), "REFUSED"),
        (made(lambda q: q.add_question(DNSQuestion(NAME))), "FORMERR"),
        (made(lambda q: q.questions.clear()), "FORMERR"),
        (made(lambda q: q.add_ar(EDNS0(), EDNS0())), "FORMERR"),
    ],
)
def test_what_is_no_question_for_us_is_refused_with_its_reason(
    query: DNSRecord, expected: str
) -> None:
    reply = ask(query)

    assert (status(reply), reply.rr) == (expected, [])


def test_a_type_that_has_no_name_is_no_data() -> None:
    query = DNSRecord(DNSHeader(), q=DNSQuestion(NAME, 65280))

    reply = ask(query)

    assert (status(reply), [record.rtype for record in reply.auth]) == ("NOERROR", [QTYPE.SOA])


def test_flags_that_are_not_ours_do_not_go_back() -> None:
    query = DNSRecord.question(NAME)
    query.header.ad = query.header.z = query.header.tc = 1

    reply = ask(query)

    assert (reply.header.rd, reply.header.ad, reply.header.z, reply.header.tc) == (1, 0, 0, 0)


def test_an_answer_is_never_answered() -> None:
    reply = DNSRecord.question(NAME).reply()
    reply.add_answer(RR(NAME, rdata=A("127.0.0.1")))

    assert respond(reply.pack(), from_zone, udp=True) is None


@pytest.mark.parametrize("size", [0, 1, 11])
def test_what_has_no_header_is_not_answered(size: int) -> None:
    assert respond(bytes(size), from_zone, udp=True) is None


def test_a_name_that_points_at_itself_is_a_format_error() -> None:
    header = DNSRecord.question(NAME).pack()[:12]

    packed = respond(header + b"\xc0\x0c\x00\x01\x00\x01", from_zone, udp=True)

    assert packed
    assert status(DNSRecord.parse(packed)) == "FORMERR"


def test_a_label_that_is_too_long_is_an_error_and_no_exception() -> None:
    header = DNSRecord.question(NAME).pack()[:12]
    question = bytes([64]) + b"x" * 64 + b"\x03lab\x04test\x00\x00\x01\x00\x01"

    packed = respond(header + question, from_zone, udp=True)

    assert packed
    assert status(DNSRecord.parse(packed)) in {"FORMERR", "SERVFAIL"}


def test_whatever_arrives_does_no_harm() -> None:
    chance = dice()
    query = DNSRecord.question(NAME)
    query.add_ar(EDNS0(udp_len=1232, opts=[EDNSOption(3, b"")]))
    good = query.pack()
    for _ in range(3000):
        packet = bytearray(good)
        for _ in range(chance.randint(1, 8)):
            packet[chance.randrange(len(packet))] = chance.randrange(256)
        del packet[chance.randint(0, len(packet)) :]
        answered = respond(bytes(packet), from_zone, udp=True)
        assert answered is None or answered[:2] == packet[:2]


def test_a_record_that_cannot_be_written_is_a_server_failure() -> None:
    broken = Known((zone(a("no address")),))

    packed = respond(DNSRecord.question(NAME).pack(), lambda q: answer(q, broken, dice()), udp=True)

    assert packed
    assert status(DNSRecord.parse(packed)) == "SERVFAIL"


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("A", "127.9.20.1"),
        ("AAAA", "::1"),
        ("CNAME", "x.example."),
        ("MX", "10 mail.example."),
        ("TXT", '"a b" "c"'),
        ("SRV", "1 2 80 x.example."),
        ("CAA", '0 issue "ca.example"'),
        ("SOA", "ns-1.awsdns-1.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"),
    ],
)
def test_values_are_written_as_route_53_takes_them(type_: str, value: str) -> None:
    known = Known((zone(Record(NAME, type_, 5, (value,))),))
    packed = respond(
        DNSRecord.question(NAME, type_).pack(), lambda q: answer(q, known, dice()), udp=True
    )

    [record] = DNSRecord.parse(packed).rr

    assert record.rdata.toZone() == value


def test_a_dot_inside_a_label_is_no_border() -> None:
    assert text_of(DNSLabel([b"App.x", b"LAB", b"test"])) == r"app\056x.lab.test."
