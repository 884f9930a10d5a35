"""The environment that MiniStack reads when it is imported."""

from collections.abc import Mapping
from pathlib import Path

from deploy.lab.addresses import Addresses
from deploy.lab.processes import MARK

# What we take over from the caller. Everything else could be a setting of MiniStack, of an SDK
# or of a proxy, and would make two labs behave differently.
KEPT = frozenset(
    {"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "PYTHONPATH", "TZ", "USER"}
    # By this a function that outlives a killed control plane is found and cleared away.
    | {MARK}
)

# How ECS asks for "its own container", to learn the address that tasks reach it at.
OWN_NAME = "lab"


def environment(
    inherited: Mapping[str, str], addresses: Addresses, directory: Path
) -> dict[str, str]:
    """The whole environment of the control plane.

    Functions inherit it too, and find the control plane at AWS_ENDPOINT_URL.
    """
    return {
        **{key: value for key, value in inherited.items() if key in KEPT},
        "AWS_ENDPOINT_URL": addresses.emulator_url,
        "GATEWAY_PORT": addresses.emulator_url.rsplit(":", 1)[1],
        # MiniStack would otherwise listen on 0.0.0.0:8883 and :2222.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # A Docker daemon on this machine is none of the lab's business.
        "DOCKER_HOST": f"unix://{directory}/no-docker",
        "HOSTNAME": OWN_NAME,
        "LOG_LEVEL": "WARNING",
        # MiniStack leaves the unpacked code of functions there.
        "TMPDIR": str(directory / "tmp"),
    }
