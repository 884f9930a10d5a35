"""Open the place that was asked for on the command line."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from deploy.console import Screen

if TYPE_CHECKING:
    from deploy.account import AccountPlace


class On(StrEnum):
    """The two places."""

    LAB = "lab"
    AWS = "aws"


class Opener(Protocol):
    """Opens a place."""

    def __call__(self, where: "Where", screen: Screen, *, start: bool, yes: bool) -> "AccountPlace":
        """See `Where.open`."""
        ...


@dataclass(frozen=True)
class Where:
    """Which place: a lab by its name, or an account by region and profile."""

    on: On = On.LAB
    lab: str = "default"
    region: str | None = None
    profile: str | None = None
    opener: Opener | None = None

    @property
    def typed(self) -> str:
        """What has to be typed after a command to mean this place again."""
        if self.on is On.LAB:
            return "" if self.lab == "default" else f" --lab {self.lab}"
        chosen = {"--region": self.region, "--profile": self.profile}
        return " --on aws" + "".join(f" {key} {value}" for key, value in chosen.items() if value)

    def open(self, screen: Screen, *, start: bool = False, yes: bool = False) -> "AccountPlace":
        """Open the place.

        Args:
            screen: Who is told what happens there.
            start: A lab that is not up is started first, saying so.
            yes: In an account, change sets are carried out without being shown and confirmed.
        """
        return (self.opener or _open)(self, screen, start=start, yes=yes)


def _open(where: Where, screen: Screen, *, start: bool, yes: bool) -> "AccountPlace":
    match where.on:
        case On.AWS:
            return _open_aws(where, screen, yes=yes)
        case On.LAB:
            return _open_lab(where, screen, start=start)


# boto3 and the lab are imported only when they are needed: `nineways list` answers at once.


def _open_aws(where: Where, screen: Screen, *, yes: bool) -> "AccountPlace":
    from deploy.aws import aws_place  # noqa: PLC0415

    with screen.doing("ask AWS who we are"):
        return aws_place(
            region=where.region,
            profile=where.profile,
            tell=screen.tell,
            review=(lambda _: None) if yes else screen.review,
        )


def _open_lab(where: Where, screen: Screen, *, start: bool) -> "AccountPlace":
    from deploy.lab import control  # noqa: PLC0415
    from deploy.lab.place import lab_place  # noqa: PLC0415
    from deploy.lab.status import LabNotUpError  # noqa: PLC0415

    try:
        return lab_place(where.lab, tell=screen.tell)
    except LabNotUpError:
        if not start:
            raise
    with screen.doing(f"start the lab {where.lab!r}, which is not up"):
        control.up(where.lab, tell=screen.tell)
    return lab_place(where.lab, tell=screen.tell)
