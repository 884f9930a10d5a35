"""Two variants for tests: one stack each, fed by the foundation."""

from pathlib import PurePosixPath

from deploy.model import (
    FOUNDATION,
    Artifact,
    Output,
    PlaceSetting,
    Published,
    Stack,
    Variant,
)


def variant(slug: str, artifact: Artifact = Artifact.BUNDLE) -> Variant:
    stack = f"nineways-{slug.replace('_', '-')}"
    return Variant(
        slug=slug,
        number=1,
        title=slug,
        summary="",
        artifacts=(artifact,),
        stacks=(
            Stack(
                stack,
                PurePosixPath(slug) / "template.yaml",
                {
                    "QueueUrl": Output(FOUNDATION.name, "QueueUrl"),
                    "Key": Published(artifact, "key"),
                    "HttpPort": PlaceSetting("HttpPort"),
                    "Fixed": "as it is",
                },
            ),
        ),
        url=Output(stack, "Url"),
        scalability="",
        burden="",
        known_for="",
        limits="",
    )


ONE, OTHER = variant("one"), variant("other", Artifact.IMAGE)
