"""`nineways bake`: a machine image for groups that shall not install anything."""

from typing import Annotated

import typer

from deploy.catalog import find
from deploy.console import Screen
from deploy.options import Json, Name, at_a_place
from deploy.places import Where


@at_a_place
def bake_command(
    name: Name,
    *,
    delete: Annotated[
        str, typer.Option("--delete", metavar="ID", help="Delete an image instead.")
    ] = "",
    where: Where,
    json: Json = False,
) -> None:
    """Make a machine image of an instance of alb-asg, for groups that start from it.

    [dim]$[/dim] nineways bake alb-asg
    [dim]$[/dim] nineways bake alb-asg --delete ami-0123456789abcdef0
    """
    from deploy.bake import bake, unbake  # noqa: PLC0415  brings botocore along

    variant = find(name)
    with Screen(as_json=json) as screen:
        place = where.open(screen)
        if delete:
            with screen.doing(f"delete {delete}"):
                unbake(place, delete)
            screen.answer({"deleted": delete}, f"{delete} is deleted")
            return
        with screen.doing(f"make an image of {variant.name}"):
            image_id = bake(place, variant)
    screen.answer(
        {"image_id": image_id},
        f"nineways up {variant.name} --set Baked=true --set BakedImageId={image_id}",
    )
