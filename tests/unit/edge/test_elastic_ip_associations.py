import pytest

from deploy.lab.edge.elastic_ips import Address, after, doors
from deploy.lab.edge.wanted import ElasticIp

IP = "127.9.52.1"


def eip(target: str | None, *ports: int) -> ElasticIp:
    return ElasticIp(IP, target, ports or (8080,))


def step(target: str | None, before: Address | None, *, now_s: float) -> Address:
    known = {IP: before} if before else {}
    return after([eip(target)], known, now_s=now_s, delay_s=5)[IP]


def test_an_association_takes_effect_after_the_delay() -> None:
    asked = step("one", None, now_s=0)
    waiting = step("one", asked, now_s=4.9)
    done = step("one", waiting, now_s=5)

    assert [asked.leads_to, waiting.leads_to, done.leads_to] == [None, None, "one"]
    assert done.changes_at_s is None


def test_until_then_the_address_leads_to_the_old_instance() -> None:
    asked = step("two", Address(eip("one"), "one"), now_s=0)

    assert (asked.leads_to, asked.changes_at_s) == ("one", 5)
    assert step("two", asked, now_s=6).leads_to == "two"


def test_changing_ones_mind_starts_the_delay_anew() -> None:
    to_two = step("two", Address(eip("one"), "one"), now_s=0)
    to_three = step("three", to_two, now_s=3)

    assert to_three.changes_at_s == 8
    assert step("one", to_three, now_s=4) == Address(eip("one"), "one")


def test_a_released_address_is_gone() -> None:
    assert after([], {IP: Address(eip("one"), "one")}, now_s=0, delay_s=5) == {}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (Address(eip(None)), {}),
        (Address(eip("one", 80, 443), "one"), {(IP, 80): ("one", 80), (IP, 443): ("one", 443)}),
        (Address(eip("two"), "one", 3), {(IP, 8080): ("one", 8080)}),
    ],
)
def test_an_address_listens_when_it_leads_somewhere(
    address: Address, expected: dict[tuple[str, int], tuple[str, int]]
) -> None:
    assert doors([address]) == expected
