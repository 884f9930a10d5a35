import json

import pytest

from deploy.lab.addresses import HTTP_PORT
from deploy.lab.edge import envoy, rest_apis
from deploy.lab.edge.wanted import RestApi
from tests.contract.edge.edge_lab import EdgeLab, ask, listens, soon

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def place(lab: EdgeLab) -> tuple[str, int]:
    address = lab.addresses.rest_api(1)
    api = {"id": "abc12345", "name": "service", "address": address, "stages": ["live"]}
    lab.emulator.add("rest_apis", api)
    soon.until(lambda: listens(address, HTTP_PORT), what="the REST API", timeout_s=10)
    return address, HTTP_PORT


def test_the_emulator_is_asked_for_the_api_by_host_with_the_stage_in_the_path(
    place: tuple[str, int],
) -> None:
    response, body = ask(place, "/live/messages?a=b")

    assert response.status == 200
    got = json.loads(body)
    assert got["host"] == "abc12345.execute-api.localhost:4566"
    assert got["path"] == "/live/messages?a=b"


def test_more_than_ten_megabytes_reach_the_gateway_which_refuses_them(
    place: tuple[str, int],
) -> None:
    more = 10 * 1024 * 1024 + 1

    passed, body = ask(place, "/live/messages", method="POST", body=b"x" * more)

    assert (passed.status, json.loads(body)["bytes"]) == (200, more)


def test_a_late_answer_is_504_and_no_emulator_is_500(own_lab: EdgeLab) -> None:
    api = RestApi("abc12345", own_lab.addresses.rest_api(1))
    made = envoy.Resources(
        listeners=(rest_apis.listener(api, port=HTTP_PORT, timeout_s=0.3),),
        clusters=(rest_apis.cluster("127.0.0.1", 1),),
        endpoints={},
        unsupported=(),
    )
    place = (api.address, HTTP_PORT)
    files = envoy.folder(own_lab.state)
    envoy.write(made, files)
    soon.until(lambda: listens(*place), what="the REST API", timeout_s=10)
    soon.until(lambda: ask(place, "/live")[0].status == 500, what="500", timeout_s=10)

    emulator = own_lab.addresses.emulator_url.split("/")[2].split(":")[0]
    envoy.write(
        envoy.Resources(made.listeners, (rest_apis.cluster(emulator, 4566),), {}, ()), files
    )
    soon.until(lambda: ask(place, "/live")[0].status == 200, what="200", timeout_s=10)
    response, body = ask(place, "/live/never")

    assert response.status == 504
    assert json.loads(body) == {"message": "Endpoint request timed out"}
