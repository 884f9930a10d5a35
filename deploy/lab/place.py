"""The place that is a lab on this machine: the same verbs, another endpoint."""

import json
import re
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from boto3.session import Session

from deploy.account import AccountPlace, account_place
from deploy.artifacts import Target, build
from deploy.clients import Clients
from deploy.errors import TookTooLongError
from deploy.lab import control
from deploy.lab.addresses import HTTP_PORT, Addresses
from deploy.lab.edge.dns.stub import LookUpFailedError, look_up
from deploy.lab.status import LABS, LabInfo
from deploy.telling import Tell
from deploy.waiting import Patience

if TYPE_CHECKING:
    from deploy.artifacts import Built

REGION = "us-east-1"

# A record that CloudFormation has just made is answered a moment later.
NAME_KNOWN_WITHIN_S = 3

_EXECUTE_API = re.compile(
    r"https://(?P<id>[a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?P<path>/.*)?"
)


def lab_place(name: str = "default", *, tell: Tell, labs: Path = LABS) -> AccountPlace:
    """Open a lab that is up.

    Raises:
        LabNotUpError: it is not.
    """
    info = control.status(name, labs=labs).must_be_up()
    return account_place(
        _clients(info),
        name="lab",
        settings=_settings(),
        make=partial(build, target=Target.here(), report=tell),
        publish_image=_image_uri,
        reach=_reach(info),
        tell=tell,
        every_s=0.1,
        name_server="{}:{}".format(*Addresses(info.octet).dns),
    )


def _clients(info: LabInfo) -> Clients:
    # Nobody's real credentials: the emulator takes any.
    session = Session(
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  see above
        region_name=REGION,
    )
    return Clients(session, info.endpoint_url)


def _settings() -> dict[str, str]:
    here = Target.here()
    return {
        "HttpPort": str(HTTP_PORT),
        # The lab's functions and instances run on the interpreter that runs the lab.
        "LambdaRuntime": f"python{here.python}",
        "LambdaArchitecture": here.arch,
        # Looked up as on AWS; whatever it says, an instance of the lab is this machine's system.
        "ImageId": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    }


def _image_uri(built: "Built") -> str:
    """Images need no registry here: the fleet finds them in the build folder."""
    return f"nineways/service:{built.digest}"


def _reach(info: LabInfo) -> Callable[[str], str]:
    """REST APIs and names of hosted zones have an address here, and are in nobody's DNS."""

    def reach(url: str) -> str:
        if match := _EXECUTE_API.fullmatch(url):
            address = _rest_apis(info).get(match["id"])
            return f"http://{address}:{HTTP_PORT}{match['path'] or ''}" if address else url
        host = urlsplit(url).hostname
        return url.replace(host, _address_of(host, info), 1) if host else url

    return reach


def _rest_apis(info: LabInfo) -> dict[str, str]:
    state = f"{info.endpoint_url}/_lab/state?since=-1&wait=0"
    with urllib.request.urlopen(state, timeout=10) as answer:  # noqa: S310  our own emulator
        return {api["id"]: api["address"] for api in json.load(answer)["rest_apis"]}


def _address_of(host: str, info: LabInfo) -> str:
    """Ask the lab's DNS server; what is an address, or is not known there, stays as it is."""
    with suppress(ValueError):
        return str(ip_address(host))
    found: list[str] = []

    def is_known() -> bool:
        with suppress(LookUpFailedError):
            found.extend(look_up(host, Addresses(info.octet).dns, timeout_s=1).addresses)
        return bool(found)

    with suppress(TookTooLongError):
        Patience(every_s=0.1).until(
            is_known, what=f"{host} to have an address", timeout_s=NAME_KNOWN_WITHIN_S
        )
    return found[0] if found else host
