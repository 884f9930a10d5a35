# Pages of docs.aws.amazon.com/Route53/latest/DeveloperGuide/, read in November 2026.
from collections import Counter

import pytest

from deploy.lab.edge.dns.zones import Record
from tests.unit.edge.dns_zone import NAME, Asked, a, alias, multivalue, weighted

TEN = [f"127.9.20.{n}" for n in range(1, 11)]


# routing-policy-multivalue.html: "responds to DNS queries with up to eight healthy records";
# with eight or fewer, "all DNS queries with all the healthy records".
@pytest.mark.parametrize(("records", "answered"), [(1, 1), (3, 3), (8, 8), (9, 8), (10, 8)])
def test_multivalue_answers_all_records_up_to_eight(records: int, answered: int) -> None:
    values = Asked(*multivalue(*TEN[:records])).values()

    assert len(values) == len(set(values)) == answered
    assert set(values) <= set(TEN[:records])


def test_multivalue_gives_each_record_its_share_of_answers_and_of_first_places() -> None:
    asked = Asked(*multivalue(*TEN))
    answers = [asked.values() for _ in range(2000)]

    appearances = Counter(value for values in answers for value in values)
    first = Counter(values[0] for values in answers)

    # Eight of ten appear; a tenth is first. Six standard deviations: 107 and 80.
    assert all(abs(appearances[value] - 1600) < 107 for value in TEN)
    assert all(abs(first[value] - 200) < 80 for value in TEN)


# routing-policy-multivalue.html: "only when the health check is healthy".
def test_multivalue_leaves_out_what_is_unhealthy() -> None:
    assert sorted(Asked(*multivalue(*TEN[:3]), failing=(TEN[1],)).values()) == [TEN[0], TEN[2]]


# routing-policy-multivalue.html: "When all records are unhealthy, Route 53 responds to DNS
# queries with up to eight unhealthy records."
def test_multivalue_answers_up_to_eight_unhealthy_records_when_all_are() -> None:
    values = Asked(*multivalue(*TEN), failing=tuple(TEN)).values()

    assert len(set(values)) == 8


# health-checks-how-route-53-chooses-records.html: "Records without a health check are always
# healthy".
def test_a_record_without_a_health_check_is_always_healthy() -> None:
    unchecked = a("127.9.20.99", multivalue=True, set_id="unchecked")

    assert Asked(*multivalue(*TEN[:2]), unchecked, failing=tuple(TEN)).values() == ["127.9.20.99"]


# routing-policy-weighted.html: in proportion to the sum of the weights.
def test_weights_are_shares() -> None:
    asked = Asked(*weighted(heavy=3, light=1))

    chosen = Counter(asked.one() for _ in range(2000))

    # Six standard deviations of 2000 draws at three quarters.
    assert abs(chosen["heavy"] - 1500) < 117


# health-checks-how-route-53-chooses-records.html: another record is chosen by the same criteria.
def test_an_unhealthy_record_leaves_its_share_to_the_others_by_weight() -> None:
    asked = Asked(*weighted(a=100, b=3, c=1), failing=("a",))

    chosen = Counter(asked.one() for _ in range(2000))

    assert chosen.keys() == {"b", "c"}
    assert abs(chosen["b"] - 1500) < 117


# The same page: "Route 53 initially considers only the nonzero weighted records, if any".
def test_a_weight_of_zero_is_not_chosen_while_another_is_healthy() -> None:
    asked = Asked(*weighted(some=1, none=0))

    assert {asked.one() for _ in range(100)} == {"some"}


# The same page: when all others are unhealthy "Route 53 considers the zero-weighted records".
def test_a_weight_of_zero_is_chosen_when_all_others_are_unhealthy() -> None:
    asked = Asked(*weighted(some=1, none=0, nil=0), failing=("some",))

    assert {asked.one() for _ in range(100)} == {"none", "nil"}


# resource-record-sets-values-weighted.html: zero for all of them is "equal probability".
def test_all_weights_of_zero_are_equal() -> None:
    asked = Asked(*weighted(one=0, two=0))

    chosen = Counter(asked.one() for _ in range(2000))

    assert abs(chosen["one"] - 1000) < 135


# health-checks-how-route-53-chooses-records.html: "If no record is healthy, all records are
# healthy", and one is chosen by policy and weights.
def test_weighted_records_that_are_all_unhealthy_are_chosen_as_if_they_were_not() -> None:
    asked = Asked(*weighted(heavy=3, light=1, none=0), failing=("heavy", "light", "none"))

    chosen = Counter(asked.one() for _ in range(2000))

    assert chosen.keys() == {"heavy", "light"}
    assert abs(chosen["heavy"] - 1500) < 117


# The same page, under "Failover records".
@pytest.mark.parametrize(
    ("failing", "answered"),
    [((), "first"), (("second",), "first"), (("first",), "second"), (("first", "second"), "first")],
)
def test_failover_answers_the_primary_unless_only_the_secondary_is_healthy(
    failing: tuple[str, ...], answered: str
) -> None:
    secondary = a("second", failover="SECONDARY", set_id="2", health_check_id="second")
    primary = a("first", failover="PRIMARY", set_id="1", health_check_id="first")

    assert Asked(secondary, primary, failing=failing).one() == answered


def test_a_secondary_without_a_health_check_counts_as_healthy() -> None:
    primary = a("first", failover="PRIMARY", set_id="1", health_check_id="first")

    asked = Asked(primary, a("second", failover="SECONDARY", set_id="2"), failing=("first",))

    assert asked.one() == "second"


# routing-policy-simple.html: "returns all values to the recursive resolver in random order".
def test_a_simple_record_answers_all_values_in_random_order() -> None:
    asked = Asked(Record(NAME, "A", 10, ("1", "2", "3")))
    orders = Counter(tuple(asked.values()) for _ in range(600))

    assert len(orders) == 6
    assert all(abs(count - 100) < 55 for count in orders.values())


def test_aliases_fail_over_by_the_health_of_what_they_lead_to() -> None:
    records = [
        alias("blue.lab.test.", failover="PRIMARY", set_id="1"),
        alias("green.lab.test.", failover="SECONDARY", set_id="2"),
        *(a(value, "blue.lab.test.", weight=1, health_check_id=value) for value in ("b1", "b2")),
        a("g1", "green.lab.test."),
    ]

    assert Asked(*records, failing=("b1",)).one() == "b2"
    assert Asked(*records, failing=("b1", "b2")).one() == "g1"
