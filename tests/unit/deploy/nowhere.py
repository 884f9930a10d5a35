"""A place that is nowhere: remembers what stands, and fails where it is told to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.errors import StackError
from deploy.model import FOUNDATION, Artifact, Output, PlaceSetting, Published, Stack


@dataclass
class Nowhere:
    fails_at: frozenset[str] = frozenset()
    standing: dict[str, Mapping[str, str]] = field(default_factory=dict)
    made: list[Artifact] = field(default_factory=list)
    bucket: list[Artifact] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def build(self, artifact: Artifact) -> None:
        self.made.append(artifact)

    def publish(self, artifact: Artifact) -> None:
        # The foundation brings the bucket, and what is put there was made before.
        assert FOUNDATION.name in self.standing
        assert artifact in self.made
        self.bucket.append(artifact)

    def published(self, ref: Published) -> str:
        assert ref.artifact in self.bucket
        return f"{ref.artifact}.{ref.part}"

    def setting(self, name: PlaceSetting) -> str:
        return f"the {name.name} of nowhere"

    def deploy(self, stack: Stack, parameters: Mapping[str, str]) -> None:
        if stack.name in self.fails_at:
            raise StackError(f"{stack.name} failed")
        self.standing[stack.name] = parameters

    def empty(self, bucket: Output) -> None:
        assert bucket.stack in self.standing
        self.bucket.clear()

    def delete(self, stack_name: str) -> None:
        if stack_name == FOUNDATION.name:
            assert not self.bucket, "a bucket that is not empty cannot be deleted"
        del self.standing[stack_name]

    def output(self, output: Output) -> str:
        assert output.stack in self.standing
        return f"{output.stack}.{output.key}"

    def url(self, output: Output) -> str:
        return f"http://{self.output(output)}"

    def wait_until_healthy(self, url: str) -> None:
        self.asked.append(url)
