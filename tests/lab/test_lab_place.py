"""The lab as a place to deploy to."""

import sys

import pytest

from deploy.artifacts import Target
from deploy.lab.place import lab_place
from deploy.lab.status import LabNotUpError
from deploy.model import PlaceSetting
from tests.lab.conftest import Labs

pytestmark = pytest.mark.lab


def test_a_lab_that_is_not_up_says_how_to_start_it(labs: Labs) -> None:
    with pytest.raises(LabNotUpError, match="the lab one is down") as caught:
        lab_place("one", tell=print, labs=labs.root)
    assert caught.value.remedy == "`nineways lab up` starts it"
    assert caught.value.exit_code == 3


def test_functions_run_on_the_interpreter_that_runs_the_lab(labs: Labs) -> None:
    labs.up()
    place = lab_place("one", tell=print, labs=labs.root)
    major, minor = sys.version_info[:2]
    assert place.setting(PlaceSetting("LambdaRuntime")) == f"python{major}.{minor}"
    assert place.setting(PlaceSetting("LambdaArchitecture")) == Target.here().arch
    assert place.setting(PlaceSetting("HttpPort")) == "8080"


def test_a_rest_api_is_reached_at_its_address_and_others_as_they_are(labs: Labs) -> None:
    info = labs.up(emulator=None)
    place = lab_place("one", tell=print, labs=labs.root)
    apis = labs.client(info, "apigateway")
    api = apis.create_rest_api(name="service")["id"]
    root = apis.get_resources(restApiId=api)["items"][0]["id"]
    apis.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    apis.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    apis.create_deployment(restApiId=api, stageName="live")

    of_api = f"https://{api}.execute-api.us-east-1.amazonaws.com/live"
    assert place.reach(of_api) == f"http://127.{info.octet}.60.1:8080/live"
    assert place.reach("http://127.9.52.1:8080") == "http://127.9.52.1:8080"
    assert place.standing() == []


def test_a_name_of_a_hosted_zone_is_reached_at_an_address_that_it_stands_for(labs: Labs) -> None:
    info = labs.up(emulator=None)
    place = lab_place("one", tell=print, labs=labs.root)
    names = labs.client(info, "route53")
    zone = names.create_hosted_zone(Name="lab.test", CallerReference="one")["HostedZone"]["Id"]
    address = f"127.{info.octet}.20.7"
    record = {
        "Name": "app.lab.test",
        "Type": "A",
        "TTL": 10,
        "ResourceRecords": [{"Value": address}],
    }
    names.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )

    assert place.reach("http://app.lab.test:8080/whoami") == f"http://{address}:8080/whoami"
    assert place.reach("http://nobody.lab.test:8080") == "http://nobody.lab.test:8080"
