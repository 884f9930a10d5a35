"""What a wanted machine boots into: its command and its environment."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.lab.addresses import Addresses
from deploy.lab.fleet import cloud_init, toolbox
from deploy.lab.fleet.init import Boot
from deploy.lab.fleet.wanted import Instance, Machine, Task
from deploy.lab.processes import MARK

# What the variable that marks a machine's processes is called.
MACHINE_MARK = "NINEWAYS_LAB_MACHINE"

# Where an instance has what it installed: all that its disk is here.
DISK = "nineways"

# A shutdown by systemd waits 90 s for a service; ours needs a moment to finish its requests.
_SHUTDOWN_S = 10.0

# An instance stays on after its user data has ended, well or not.
_BOOT_SCRIPT = """\
for script; do
  "$script"
  echo "user data ended with exit code $?"
done
exec sleep infinity
"""


class CannotBootError(Exception):
    """The machine cannot start; the message is the reason that AWS would give."""


@dataclass(frozen=True)
class Lab:
    """What every machine of a lab shares."""

    addresses: Addresses
    state: Path
    # Where image-<digest>/ folders are.
    images: Path
    region: str = "us-east-1"

    def folder(self, machine_id: str) -> Path:
        """Where a machine keeps its things."""
        return self.state / "machines" / machine_id

    def boot(self, machine: Machine) -> Boot:
        """Prepare the machine's folder and say what it boots into.

        Raises:
            CannotBootError: its image is not here.
            KeyError, TypeError, ValueError: its image's configuration or its user data is not one.
        """
        folder = self.folder(machine.id)
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        match machine:
            case Instance():
                return self._instance(machine, folder)
            case Task():
                return self._task(machine, folder)

    def _instance(self, instance: Instance, folder: Path) -> Boot:
        self._lay_out(instance, folder)
        scripts = []
        for number, text in enumerate(cloud_init.scripts(instance.user_data)):
            script = folder / f"user-data-{number}"
            script.write_bytes(text)
            script.chmod(0o700)
            scripts.append(str(script))
        return Boot(
            argv=("/bin/sh", "-c", _BOOT_SCRIPT, "boot", *scripts),
            environment={
                **self._environment(instance, folder),
                "PATH": toolbox.path(self.state),
                # Keeps a lab that root runs out of /opt and away from systemd.
                "NINEWAYS_HOME": str(folder / DISK),
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": (
                    f"{self.addresses.emulator_url}/_lab/metadata/{instance.id}"
                ),
                **instance.environment,
            },
            stop_timeout_s=_SHUTDOWN_S,
            stops_as_a_whole=True,
        )

    def _lay_out(self, instance: Instance, folder: Path) -> None:
        """Give it the disk of its image, where that holds more than a bare system."""
        image, disk = self.state / "images" / instance.image_id / DISK, folder / DISK
        if instance.image_id and image.is_dir() and not disk.exists():
            # Links instead of copies: nothing that is installed is ever written to again.
            shutil.copytree(image, disk, symlinks=True, copy_function=os.link)

    def _task(self, task: Task, folder: Path) -> Boot:
        image = self._image(task.image)
        config = json.loads((image / "config.json").read_text(encoding="utf-8"))
        own = config.get("Env") or {}
        return Boot(
            argv=(*(config.get("Entrypoint") or []), *(task.command or config["Cmd"])),
            environment={
                **own,
                **self._environment(task, folder),
                **task.environment,
                # An image's PATH and PYTHONPATH are of its own file system, which is this folder.
                "PATH": toolbox.path(self.state),
                "PYTHONPATH": f"{image / 'site-packages'}:{image}",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stop_timeout_s=task.stop_timeout_s,
            stops_as_a_whole=False,
        )

    def _image(self, reference: str) -> Path:
        folder = self.images / f"image-{reference.rpartition(':')[2]}"
        if not (folder / "config.json").is_file():
            raise CannotBootError(
                f"CannotPullContainerError: {reference} is not in {self.images}; "
                "`nineways build image` makes it"
            )
        return folder

    def _environment(self, machine: Machine, folder: Path) -> dict[str, Any]:
        return {
            "HOME": str(folder),
            "TMPDIR": str(folder / "tmp"),
            "LANG": "C.UTF-8",
            "NINEWAYS_HOST": machine.address,
            "AWS_ENDPOINT_URL": self.addresses.emulator_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            # Its own, by which the emulator tells a disconnected machine's requests from others'.
            "AWS_ACCESS_KEY_ID": machine.id,
            "AWS_SECRET_ACCESS_KEY": "test",
            MARK: str(self.state),
            MACHINE_MARK: machine.id,
        }
