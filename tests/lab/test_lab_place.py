"""The lab as a place to deploy to."""

import sys

import pytest

from deploy.artifacts import Target
from deploy.lab.place import LabNotUpError, lab_place
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
    apis.put_method(
        restApiId=api,
        resourceId=apis.get_resources(restApiId=api)["items"][0]["id"],
        httpMethod="GET",
        authorizationType="NONE",
    )
    apis.create_deployment(restApiId=api, stageName="live")

    of_api = f"https://{api}.execute-api.us-east-1.amazonaws.com/live"
    assert place.reach(of_api) == f"http://127.{info.octet}.60.1:8080/live"
    assert place.reach("http://127.9.52.1:8080") == "http://127.9.52.1:8080"
    assert place.standing() == []
