import socket
import threading
import time
from typing import Any

import pytest

from deploy.lab.addresses import HTTP_PORT
from tests.contract.edge.edge_lab import Backend, EdgeLab, ask, listens, soon
from tests.contract.edge.load import steady

pytestmark = pytest.mark.lab


class Eip:
    """An Elastic IP, seen from both sides."""

    def __init__(self, lab: EdgeLab, *ports: int) -> None:
        self._lab = lab
        self.item: dict[str, Any] = {
            "public_ip": lab.addresses.elastic_ip(next(lab.numbers)),
            "instance_id": None,
            "target": None,
            "ports": list(ports or [HTTP_PORT]),
        }
        self.place = (self.item["public_ip"], self.item["ports"][0])
        lab.emulator.add("addresses", self.item)

    def associate(self, target: str | None) -> None:
        self._lab.emulator.change(self.item, target=target)

    def wait_until_it_leads_to(self, target: str | None) -> None:
        def leads() -> bool:
            where = self._lab.status()["elastic_ips"].get("{}:{}".format(*self.place))
            return bool(where == (target and f"{target}:{self.place[1]}"))

        soon.until(leads, what=f"{self.place[0]} to lead to {target}", timeout_s=10)


@pytest.fixture
def eip(lab: EdgeLab) -> Eip:
    return Eip(lab)


def test_the_same_address_answers_from_the_other_instance(lab: EdgeLab, eip: Eip) -> None:
    active, standby = lab.backend("active", instance=True), lab.backend("standby", instance=True)
    eip.associate(active.address)
    eip.wait_until_it_leads_to(active.address)

    with steady(*eip.place) as load:
        soon.until(lambda: load.statuses()[200] > 10, what="answers", timeout_s=10)
        active.kill()
        soon.until(lambda: load.statuses()[0] > 0, what="failures", timeout_s=10)
        eip.associate(standby.address)
        eip.wait_until_it_leads_to(standby.address)
        # Requests that began before this may have been on their way to the other instance.
        moved_s = time.monotonic()
        soon.until(lambda: load.bodies_since(moved_s) != set(), what="answers", timeout_s=10)

    assert load.bodies_since(0) >= {"active", "standby"}
    assert load.bodies_since(moved_s) == {"standby"}


def test_an_address_without_an_instance_refuses_connections(lab: EdgeLab, eip: Eip) -> None:
    assert not listens(*eip.place)

    instance = lab.backend("one", instance=True)
    eip.associate(instance.address)
    eip.wait_until_it_leads_to(instance.address)
    assert ask(eip.place)[1] == "one"

    eip.associate(None)
    eip.wait_until_it_leads_to(None)
    assert not listens(*eip.place)


def test_established_connections_break_when_the_address_moves(lab: EdgeLab, eip: Eip) -> None:
    active, standby = lab.backend("active", instance=True), lab.backend("standby", instance=True)
    eip.associate(active.address)
    eip.wait_until_it_leads_to(active.address)

    with socket.create_connection(eip.place, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"active"):
            answer += client.recv(1000)
        eip.associate(standby.address)
        with pytest.raises(ConnectionResetError):
            client.recv(1000)


def test_a_target_that_does_not_listen_is_a_reset(lab: EdgeLab, eip: Eip) -> None:
    dead = lab.addresses.instance(next(lab.numbers))
    eip.associate(dead)
    eip.wait_until_it_leads_to(dead)

    with pytest.raises(ConnectionResetError):
        ask(eip.place)


def test_ports_follow_the_security_group(lab: EdgeLab, eip: Eip) -> None:
    instance = lab.backend("one", instance=True)
    eip.associate(instance.address)
    eip.wait_until_it_leads_to(instance.address)

    lab.emulator.change(eip.item, ports=[HTTP_PORT + 1])

    other = (eip.place[0], HTTP_PORT + 1)
    soon.until(lambda: listens(*other), what="the new port", timeout_s=10)
    soon.until(lambda: not listens(*eip.place), what="the old port to close", timeout_s=10)


def test_a_connection_half_closed_by_the_client_still_gets_its_answer(
    lab: EdgeLab, eip: Eip
) -> None:
    instance = Backend("x", lab.addresses.instance(next(lab.numbers)), HTTP_PORT)
    size = 3_000_000

    def serve(listening: socket.socket) -> None:
        """Read to the end, then answer with as much."""
        connection, _ = listening.accept()
        with connection:
            read = 0
            while data := connection.recv(65536):
                read += len(data)
            connection.sendall(b"y" * read)

    with socket.create_server((instance.address, instance.port)) as listening:
        server = threading.Thread(target=serve, args=(listening,))
        server.start()
        eip.associate(instance.address)
        eip.wait_until_it_leads_to(instance.address)
        with socket.create_connection(eip.place, timeout=10) as client:
            client.sendall(b"x" * size)
            client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        server.join()

    assert answer == b"y" * size


def test_a_client_that_does_not_read_stops_the_target_from_sending(lab: EdgeLab, eip: Eip) -> None:
    address = lab.addresses.instance(next(lab.numbers))
    with socket.create_server((address, HTTP_PORT)) as listening:
        eip.associate(address)
        eip.wait_until_it_leads_to(address)
        with socket.create_connection(eip.place, timeout=10) as client:
            client.settimeout(10)
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(0.5)
                # Kernel buffers on the way take some megabytes; memory would take them all.
                with pytest.raises(TimeoutError):
                    connection.sendall(bytes(100_000_000))
            assert len(client.recv(65536)) > 0
