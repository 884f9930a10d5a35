# Pages of docs.aws.amazon.com/Route53/latest/DeveloperGuide/, read in November 2026.
import pytest

from deploy.lab.edge.dns.answers import Entry, Known, Question, answer
from deploy.lab.edge.dns.zones import Record
from tests.unit.edge.dns_zone import BALANCER, NAME, Asked, a, alias, dice, zone


def cname(name: str, to: str) -> Record:
    return Record(name, "CNAME", 30, (to,))


# DNSBehavior.html: "For successful queries, Route 53 appends name server (NS) records".
def test_an_answer_has_the_records_ttl_and_names_the_zones_name_servers() -> None:
    made = Asked(a("127.9.20.1")).answer()

    assert made.status == "NOERROR"
    assert made.answers == (Entry(NAME, "A", 10, "127.9.20.1"),)
    assert [(entry.name, entry.type) for entry in made.authority] == [("lab.test.", "NS")]


# DNSBehavior.html: "NXDOMAIN responses … the start of authority (SOA) record"; SOA-NSrecords.html:
# a TTL of 900 seconds.
def test_a_name_that_does_not_exist_is_nxdomain_with_the_soa() -> None:
    made = Asked(a("127.9.20.1")).answer("other.lab.test.")

    assert (made.status, made.answers) == ("NXDOMAIN", ())
    assert [(entry.name, entry.type, entry.ttl_s) for entry in made.authority] == [
        ("lab.test.", "SOA", 900)
    ]


# RFC 2308: no data is no error.
@pytest.mark.parametrize("type_", ["AAAA", "MX", "HTTPS", "65280"])
def test_a_name_without_records_of_a_type_has_no_data(type_: str) -> None:
    made = Asked(a("127.9.20.1")).answer(type_=type_)

    assert (made.status, made.answers) == ("NOERROR", ())
    assert [entry.type for entry in made.authority] == ["SOA"]


# RFC 8020: what has names below it exists.
def test_a_name_with_only_names_below_it_has_no_data() -> None:
    asked = Asked(a("127.9.20.1", "app.eu.lab.test."))

    assert asked.answer("eu.lab.test.").status == "NOERROR"
    assert asked.answer("us.lab.test.").status == "NXDOMAIN"


def test_a_name_outside_the_zones_is_refused() -> None:
    asked = Asked(a("127.9.20.1"))

    assert asked.answer("example.com.").status == "REFUSED"
    assert asked.answer("xlab.test.").status == "REFUSED"
    assert asked.answer("test.").status == "REFUSED"


def test_the_closest_zone_answers() -> None:
    parent = zone(a("parent", "app.eu.lab.test."), a("parent", "app.lab.test."))
    child = zone(a("child", "app.eu.lab.test."), name="eu.lab.test.")

    for zones in [(parent, child), (child, parent)]:
        [entry] = answer(Question("app.eu.lab.test.", "A"), Known(zones), dice()).answers
        assert entry.value == "child"


def test_a_zone_has_soa_and_ns_unless_it_lists_its_own() -> None:
    own = Record("lab.test.", "NS", 5, ("ns-1.awsdns-1.com.",))

    assert Asked().values("lab.test.", "NS") == ["ns.nineways.test."]
    assert Asked(own).values("lab.test.", "NS") == ["ns-1.awsdns-1.com."]
    assert len(Asked(own).values("lab.test.", "SOA")) == 1
    assert Asked().answer("lab.test.", "NS").authority == ()


# DomainNameFormat.html: the asterisk is for its level and all below, but for names that exist.
@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("new.lab.test.", ["wild"]),
        ("very.new.lab.test.", ["wild"]),
        ("app.lab.test.", ["exact"]),
        ("lab.test.", []),
    ],
)
def test_a_wildcard_stands_for_names_that_do_not_exist(name: str, answered: list[str]) -> None:
    asked = Asked(a("exact"), a("wild", "*.lab.test."))

    assert asked.values(name) == answered
    assert all(entry.name == name for entry in asked.answer(name).answers)


# RFC 4592: a name that exists keeps the wildcard away from what is below it.
def test_a_wildcard_does_not_reach_below_a_name_that_exists() -> None:
    assert Asked(a("exact"), a("wild", "*.lab.test.")).answer(f"x.{NAME}").status == "NXDOMAIN"


def test_a_cname_is_followed_within_the_zone() -> None:
    asked = Asked(cname("www.lab.test.", "APP.lab.test"), a("127.9.20.1"))

    made = asked.answer("www.lab.test.")

    assert [(entry.name, entry.type) for entry in made.answers] == [
        ("www.lab.test.", "CNAME"),
        (NAME, "A"),
    ]
    assert asked.values("www.lab.test.", "CNAME") == ["APP.lab.test"]


@pytest.mark.parametrize(
    ("target", "status", "authority"),
    [
        ("elsewhere.example.", "NOERROR", "NS"),
        ("nothing.lab.test.", "NXDOMAIN", "SOA"),
        ("text.lab.test.", "NOERROR", "SOA"),
    ],
)
def test_the_end_of_a_cname_decides(target: str, status: str, authority: str) -> None:
    text = Record("text.lab.test.", "TXT", 1, ('"x"',))

    made = Asked(cname(NAME, target), text).answer()

    assert [entry.value for entry in made.answers] == [target]
    assert (made.status, [entry.type for entry in made.authority]) == (status, [authority])


def test_a_ring_of_cnames_or_aliases_ends() -> None:
    ring = Asked(cname(NAME, "b.lab.test."), cname("b.lab.test.", NAME))
    itself = Asked(alias(NAME))

    assert {entry.type for entry in ring.answer().answers} == {"CNAME"}
    assert itself.answer().status == "NOERROR"
    assert itself.values() == []


# resource-record-sets-choosing-alias-non-alias.html: addresses and TTL are the load balancer's,
# and the alias itself is not seen.
@pytest.mark.parametrize("name", [BALANCER, f"dualstack.{BALANCER}"])
def test_an_alias_to_a_load_balancer_is_its_address_for_sixty_seconds(name: str) -> None:
    assert Asked(alias(name)).answer().answers == (Entry(NAME, "A", 60, "127.9.40.1"),)


def test_an_alias_answers_only_its_own_type() -> None:
    asked = Asked(alias(BALANCER))

    assert asked.values(type_="AAAA") == []
    assert asked.answer(type_="AAAA").status == "NOERROR"


# The same page: to a record of the zone, that record's TTL.
def test_an_alias_to_a_record_answers_as_if_that_had_been_asked() -> None:
    asked = Asked(alias("target.lab.test."), a("127.9.20.7", "target.lab.test."))

    assert asked.answer().answers == (Entry(NAME, "A", 10, "127.9.20.7"),)


def test_an_alias_to_what_does_not_exist_has_no_data() -> None:
    made = Asked(alias("gone.elb.amazonaws.com.")).answer()

    assert (made.status, made.answers) == ("NOERROR", ())


# dns-failover-complex-configs.html, "What happens when you set evaluate target health to no".
@pytest.mark.parametrize(("evaluate", "answered"), [(True, "other"), (False, "127.9.40.1")])
def test_an_alias_is_as_healthy_as_its_target_when_that_is_evaluated(
    evaluate: bool,  # noqa: FBT001 - a parameter of the test
    answered: str,
) -> None:
    asked = Asked(
        alias(BALANCER, evaluate=evaluate, failover="PRIMARY", set_id="1"),
        a("other", failover="SECONDARY", set_id="2"),
        balancer_healthy=False,
    )

    assert asked.one() == answered


# health-checks-how-route-53-chooses-records.html: something has to be answered.
def test_an_alias_that_is_alone_is_answered_however_its_target_is() -> None:
    assert Asked(alias(BALANCER), balancer_healthy=False).one() == "127.9.40.1"


# dns-failover-complex-configs.html, "What happens when you associate a health check with an
# alias record": both must be healthy.
def test_an_aliass_own_health_check_counts_as_well() -> None:
    asked = Asked(
        alias(BALANCER, failover="PRIMARY", set_id="1", health_check_id="own"),
        a("other", failover="SECONDARY", set_id="2"),
        failing=("own",),
    )

    assert asked.one() == "other"


# RFC 2181, 5.2: one TTL for all records of a name and type.
def test_records_that_are_answered_together_have_the_shortest_of_their_ttls() -> None:
    records = [
        Record(NAME, "A", ttl_s, (str(ttl_s),), multivalue=True, set_id=str(ttl_s))
        for ttl_s in (60, 5, 10)
    ]

    assert {entry.ttl_s for entry in Asked(*records).answer().answers} == {5}


# RFC 8482, 4.1: one of the types is enough.
def test_any_is_answered_with_one_type() -> None:
    asked = Asked(Record(NAME, "TXT", 1, ('"x"',)), a("127.9.20.1"))

    assert asked.values(type_="ANY") == ['"x"']
