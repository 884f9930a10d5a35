"""Route 53: zones, records that choose among several, and health checks that the edge makes."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud.conftest import Cloud, Json, Stack, att, ref

pytestmark = pytest.mark.lab


def check(address: str, **config: object) -> Json:
    return {
        "Type": "AWS::Route53::HealthCheck",
        "Properties": {
            "HealthCheckConfig": {
                "Type": "HTTP",
                "IPAddress": address,
                "Port": "8080",
                "ResourcePath": "/healthz",
                "RequestInterval": 10,
                "FailureThreshold": "2",
                **config,
            },
            "HealthCheckTags": [{"Key": "Name", "Value": "first"}],
        },
    }


def record(**properties: object) -> Json:
    return {
        "Type": "AWS::Route53::RecordSet",
        "Properties": {
            "HostedZoneId": ref("Zone"),
            "Name": "app.lab.test",
            "Type": "A",
            **({"TTL": "10"} if "AliasTarget" not in properties else {}),
            **properties,
        },
    }


RESOURCES: Json = {
    "Zone": {
        "Type": "AWS::Route53::HostedZone",
        "Properties": {
            "Name": "lab.test",
            "HostedZoneTags": [{"Key": "project", "Value": "nineways"}],
        },
    },
    "Check": check("127.0.0.9"),
    "One": record(
        SetIdentifier="one",
        MultiValueAnswer=True,
        HealthCheckId=ref("Check"),
        ResourceRecords=["127.0.0.9"],
    ),
    "Two": record(SetIdentifier="two", MultiValueAnswer=True, ResourceRecords=["127.0.0.10"]),
    "Lb": {
        "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "Properties": {"Subnets": ["subnet-1"]},
    },
    "Others": {
        "Type": "AWS::Route53::RecordSetGroup",
        "Properties": {
            "HostedZoneName": "lab.test.",
            "RecordSets": [
                {
                    "Name": "balanced.lab.test",
                    "Type": "A",
                    "AliasTarget": {
                        "DNSName": att("Lb", "DNSName"),
                        "HostedZoneId": att("Lb", "CanonicalHostedZoneID"),
                        "EvaluateTargetHealth": True,
                    },
                },
                *(
                    {
                        "Name": "weighted.lab.test",
                        "Type": "A",
                        "TTL": "60",
                        "SetIdentifier": f"w{weight}",
                        "Weight": weight,
                        "ResourceRecords": ["127.0.0.11"],
                    }
                    for weight in (0, 9)
                ),
                *(
                    {
                        "Name": "spare.lab.test",
                        "Type": "A",
                        "TTL": "60",
                        "SetIdentifier": failover,
                        "Failover": failover,
                        "ResourceRecords": ["127.0.0.12"],
                    }
                    for failover in ("PRIMARY", "SECONDARY")
                ),
            ],
        },
        "DependsOn": "Zone",
    },
}
OUTPUTS = {"Zone": ref("Zone"), "Check": ref("Check"), "Dns": att("Lb", "DNSName")}


@pytest.fixture(scope="module")
def stack(cloud: Cloud) -> Iterator[Stack]:
    stack = cloud.created(RESOURCES, OUTPUTS)
    yield stack
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"
    state = cloud.state()
    assert (state["hosted_zones"], state["health_checks"]) == ([], [])


def named(cloud: Cloud, name: str) -> list[Json]:
    """The records of a name in the only zone."""
    (zone,) = cloud.state()["hosted_zones"]
    return [found for found in zone["records"] if found["name"] == name]


def statuses(cloud: Cloud, check_id: str) -> list[str]:
    answer = cloud.client("route53").get_health_check_status(HealthCheckId=check_id)
    return [seen["StatusReport"]["Status"] for seen in answer["HealthCheckObservations"]]


def test_multivalue_records_name_their_health_checks(cloud: Cloud, stack: Stack) -> None:
    one, two = named(cloud, "app.lab.test.")

    assert one == {
        "name": "app.lab.test.",
        "type": "A",
        "ttl_s": 10,
        "set_id": "one",
        "values": ["127.0.0.9"],
        "multivalue": True,
        "weight": None,
        "failover": None,
        "health_check_id": stack.outputs["Check"],
        "alias": None,
    }
    assert (two["set_id"], two["health_check_id"]) == ("two", None)


def test_an_alias_leads_to_the_load_balancers_address(cloud: Cloud, stack: Stack) -> None:
    (alias,) = named(cloud, "balanced.lab.test.")

    assert alias["alias"] == {"dns_name": stack.outputs["Dns"], "evaluate_target_health": True}
    assert (alias["values"], alias["ttl_s"]) == ([], 60)


@pytest.mark.usefixtures("stack")
def test_weights_and_failovers_are_told(cloud: Cloud) -> None:
    assert [r["weight"] for r in named(cloud, "weighted.lab.test.")] == [0, 9]
    assert [r["failover"] for r in named(cloud, "spare.lab.test.")] == ["PRIMARY", "SECONDARY"]


def test_a_health_check_tells_the_edge_what_to_ask(cloud: Cloud, stack: Stack) -> None:
    (told,) = cloud.state()["health_checks"]

    assert told == {
        "id": stack.outputs["Check"],
        "type": "HTTP",
        "address": "127.0.0.9",
        "host": None,
        "port": 8080,
        "path": "/healthz",
        "interval_s": 10,
        "failure_threshold": 2,
    }


def test_the_status_of_a_health_check_is_what_the_edge_saw(cloud: Cloud, stack: Stack) -> None:
    check_id = stack.outputs["Check"]
    before = statuses(cloud, check_id)
    cloud.report(health_checks={check_id: {"healthy": True}})
    healthy = statuses(cloud, check_id)
    cloud.report(health_checks={check_id: {"healthy": False, "reason": "Connection refused"}})

    assert before == []
    assert healthy == ["Success: HTTP Status Code 200, OK"]
    assert statuses(cloud, check_id) == ["Failure: Connection refused"]


@pytest.mark.usefixtures("stack")
def test_the_status_of_no_health_check_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="NoSuchHealthCheck"):
        statuses(cloud, "11111111-2222-3333-4444-555555555555")


def test_tags_of_zones_and_health_checks_are_kept(cloud: Cloud, stack: Stack) -> None:
    route53 = cloud.client("route53")
    for kind, output, expected in (
        ("hostedzone", "Zone", ("project", "nineways")),
        ("healthcheck", "Check", ("Name", "first")),
    ):
        tags = route53.list_tags_for_resource(ResourceType=kind, ResourceId=stack.outputs[output])[
            "ResourceTagSet"
        ]["Tags"]
        assert expected in {(tag["Key"], tag["Value"]) for tag in tags}


def test_records_change_through_the_api_too(cloud: Cloud, stack: Stack) -> None:
    change = {
        "Name": "plain.lab.test",
        "Type": "A",
        "TTL": 5,
        "ResourceRecords": [{"Value": "127.0.0.13"}],
    }
    for action in ("CREATE", "DELETE"):
        cloud.client("route53").change_resource_record_sets(
            HostedZoneId=stack.outputs["Zone"],
            ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": change}]},
        )
        values = [r["values"] for r in named(cloud, "plain.lab.test.")]
        assert values == ([["127.0.0.13"]] if action == "CREATE" else [])


def test_an_update_changes_records_and_checks_in_place(cloud: Cloud, stack: Stack) -> None:
    changed = {
        **RESOURCES,
        "Check": check("127.0.0.9", FailureThreshold=5),
        "Two": record(SetIdentifier="two", MultiValueAnswer=True, ResourceRecords=["127.0.0.99"]),
        "Others": {
            **RESOURCES["Others"],
            "Properties": {
                "HostedZoneName": "lab.test.",
                "RecordSets": RESOURCES["Others"]["Properties"]["RecordSets"][:2],
            },
        },
    }

    after = cloud.updated(stack.name, changed, OUTPUTS)

    assert after.status == "UPDATE_COMPLETE"
    assert after.outputs["Check"] == stack.outputs["Check"]
    (told,) = cloud.state()["health_checks"]
    assert told["failure_threshold"] == 5
    assert {r["values"][0] for r in named(cloud, "app.lab.test.")} == {"127.0.0.9", "127.0.0.99"}
    assert named(cloud, "spare.lab.test.") == []
    assert cloud.updated(stack.name, RESOURCES, OUTPUTS).status == "UPDATE_COMPLETE"


def test_a_health_check_with_another_interval_is_another_one(cloud: Cloud, stack: Stack) -> None:
    changed = {**RESOURCES, "Check": check("127.0.0.9", RequestInterval=30)}

    after = cloud.updated(stack.name, changed, OUTPUTS)

    assert after.outputs["Check"] != stack.outputs["Check"]
    assert [told["id"] for told in cloud.state()["health_checks"]] == [after.outputs["Check"]]
    cloud.updated(stack.name, RESOURCES, OUTPUTS)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"MultiValueAnswer": True, "ResourceRecords": ["127.0.0.1"]}, "SetIdentifier"),
        (
            {
                "SetIdentifier": "x",
                "MultiValueAnswer": True,
                "AliasTarget": {"DNSName": "a.test", "HostedZoneId": "Z1"},
            },
            "cannot be alias records",
        ),
        ({"HealthCheckId": "no-such-one", "ResourceRecords": ["127.0.0.1"]}, "No health check"),
        ({"SetIdentifier": "x", "Region": "us-east-1"}, "does not know Region"),
    ],
)
def test_a_record_that_route_53_would_refuse_is_refused(
    cloud: Cloud, properties: Json, reason: str
) -> None:
    zone = {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "other.test"}}

    name = cloud.create({"Zone": zone, "Bad": record(**properties)})

    assert cloud.finished(name).status == "ROLLBACK_COMPLETE"
    assert reason in str(cloud.reasons(name))
    cloud.deleted(name)
