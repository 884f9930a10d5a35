"""The server on real sockets, asked by dnslib and by our own stub."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from dnslib import EDNS0, DNSRecord

from deploy.lab.edge.dns.answers import Known, answer
from deploy.lab.edge.dns.server import DnsServer
from deploy.lab.edge.dns.stub import Addresses, LookUpFailedError, look_up
from deploy.lab.edge.dns.wire import respond
from deploy.lab.edge.dns.zones import Record
from tests.contract.edge.dns_served import ADDRESS, Served
from tests.contract.edge.edge_lab import soon
from tests.unit.edge.dns_zone import NAME, a, dice, multivalue, zone

MANY = "many.lab.test."
TEN = [f"127.9.20.{n}" for n in range(1, 11)]


def known() -> Known:
    many = Record(MANY, "A", 7, tuple(f"127.9.{n}.1" for n in range(200)))
    far = Record("far.lab.test.", "CNAME", 7, ("app.example.com.",))
    long = Record("way.lab.test.", "CNAME", 3, (NAME,))
    return Known((zone(*multivalue(*TEN), many, far, long, a("127.9.20.9", "one.lab.test.")),))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, int]]:
    with Served(known()) as served:
        yield served.place


def ask(server: tuple[str, int], query: DNSRecord, *, tcp: bool = False) -> DNSRecord:
    return DNSRecord.parse(query.send(*server, tcp=tcp, timeout=5))


@pytest.mark.parametrize("tcp", [False, True])
def test_dnslibs_client_gets_eight_of_ten(server: tuple[str, int], tcp: bool) -> None:  # noqa: FBT001
    reply = ask(server, DNSRecord.question(NAME), tcp=tcp)

    assert len({str(record.rdata) for record in reply.rr} & set(TEN)) == 8
    assert {record.ttl for record in reply.rr} == {10}


def test_what_is_truncated_over_udp_is_whole_over_tcp(server: tuple[str, int]) -> None:
    query = DNSRecord.question(MANY)
    announcing = DNSRecord.question(MANY)
    announcing.add_ar(EDNS0(udp_len=4096))

    assert ask(server, query).header.tc == 1
    assert len(ask(server, announcing).rr) == 200
    assert len(ask(server, query, tcp=True).rr) == 200


def test_one_tcp_connection_takes_several_questions_at_once(server: tuple[str, int]) -> None:
    queries = [DNSRecord.question(NAME) for _ in range(3)]
    packets = [bytes(query.pack()) for query in queries]

    with socket.create_connection(server, timeout=5) as tcp, tcp.makefile("rb") as answers:
        tcp.sendall(b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets))
        ids = [
            DNSRecord.parse(answers.read(int.from_bytes(answers.read(2), "big"))).header.id
            for _ in packets
        ]

    assert ids == [query.header.id for query in queries]


def test_a_question_may_arrive_in_pieces(server: tuple[str, int]) -> None:
    packet = bytes(DNSRecord.question(NAME).pack())

    with socket.create_connection(server, timeout=5) as tcp, tcp.makefile("rb") as answers:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in len(packet).to_bytes(2, "big") + packet:
            tcp.sendall(bytes([byte]))
        length = int.from_bytes(answers.read(2), "big")
        assert len(DNSRecord.parse(answers.read(length)).rr) == 8


def test_noise_does_no_harm(server: tuple[str, int]) -> None:
    chance = dice()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        # A question after each few: more at once overflow the socket's buffer, and what the
        # kernel then drops may be the question.
        for first in range(0, 1400, 140):
            for size in range(first, first + 140, 7):
                udp.sendto(chance.randbytes(size), server)
            assert len(ask(server, DNSRecord.question(NAME)).rr) == 8
    for size in (1, 2, 3, 12, 60):
        with socket.create_connection(server, timeout=5) as tcp:
            tcp.sendall(chance.randbytes(size))
    with socket.create_connection(server, timeout=5) as tcp:
        tcp.sendall(b"\x00\x00")
        assert tcp.recv(10) == b""

    assert len(ask(server, DNSRecord.question(NAME)).rr) == 8


def test_many_clients_at_once_are_all_answered(server: tuple[str, int]) -> None:
    answered: list[Addresses] = []

    def client() -> None:
        answered.extend(look_up(NAME, server, timeout_s=20) for _ in range(25))

    clients = [threading.Thread(target=client) for _ in range(8)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()

    assert len(answered) == 200


def test_a_second_server_is_told_that_the_address_is_taken(server: tuple[str, int]) -> None:
    with pytest.raises(OSError, match="in use"):
        asyncio.run(DnsServer(lambda *_: None).open(*server))


def test_only_loopback_addresses_are_listened_on() -> None:
    with pytest.raises(ValueError, match="loopback"):
        asyncio.run(DnsServer(lambda *_: None).open("0.0.0.0", 5353))  # noqa: S104 - what must not be


def test_the_stub_finds_addresses_and_how_long_they_hold(server: tuple[str, int]) -> None:
    found = look_up(NAME, server)

    assert (len(found.addresses), found.ttl_s) == (8, 10)
    assert look_up("one.lab.test", server) == Addresses(("127.9.20.9",), 10)
    # The CNAME on the way holds for three seconds only.
    assert look_up("way.lab.test", server).ttl_s == 3


def test_the_stub_asks_again_over_tcp_what_is_too_long(server: tuple[str, int]) -> None:
    assert len(look_up(MANY, server).addresses) == 200


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nobody.lab.test", "NXDOMAIN"),
        ("lab.test", "no address"),
        ("far.lab.test", "no address"),
        ("example.com", "REFUSED"),
    ],
)
def test_the_stub_says_why_there_is_no_address(
    server: tuple[str, int], name: str, reason: str
) -> None:
    with pytest.raises(LookUpFailedError, match=f"{name}: {reason} .{ADDRESS}:"):
        look_up(name, server)


def test_the_stub_gives_up_on_a_server_that_is_silent() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((ADDRESS, 0))
        with pytest.raises(LookUpFailedError, match="timed out"):
            look_up(NAME, silent.getsockname(), timeout_s=0.05)


def test_the_stub_does_not_take_an_answer_to_another_question() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar:
        liar.bind((ADDRESS, 0))
        found: list[Addresses] = []
        asking = threading.Thread(
            target=lambda: found.append(look_up(NAME, liar.getsockname(), timeout_s=20))
        )
        asking.start()
        packet, client = liar.recvfrom(2000)
        query = DNSRecord.parse(packet)
        for name, change, address in [(NAME, 1, "1"), ("x.lab.test.", 0, "2"), (NAME, 0, "3")]:
            lie = DNSRecord.question(name)
            lie.header.id = (query.header.id + change) % 2**16
            reply = respond(
                lie.pack(),
                lambda q, address=address: answer(  # type: ignore[misc]
                    q, Known((zone(a(f"127.0.0.{address}", q.name)),)), dice()
                ),
                udp=True,
            )
            assert reply
            liar.sendto(reply, client)
        soon.until(lambda: bool(found), what="an answer", timeout_s=20)
        asking.join()

    assert found[0].addresses == ("127.0.0.3",)
