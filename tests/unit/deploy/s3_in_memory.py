"""S3 in memory: buckets of keys, as far as a place uses it."""

# boto3's argument names are what is imitated here.
# ruff: noqa: N803

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@dataclass
class S3InMemory:
    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    uploads: int = 0
    page_size: int = 2

    @property
    def client(self) -> "S3Client":
        return cast("S3Client", self)

    def head_object(self, *, Bucket: str, Key: str) -> None:
        if Key not in self.buckets[Bucket]:
            raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        self.uploads += 1
        self.buckets[bucket][key] = Path(path).read_bytes()

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> None:
        for item in Delete["Objects"]:
            del self.buckets[Bucket][item["Key"]]

    def get_paginator(self, name: str) -> "S3InMemory":
        assert name == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        keys = sorted(key for key in self.buckets[Bucket] if key.startswith(Prefix))
        if not keys:
            # S3 leaves `Contents` out altogether when there is nothing.
            yield {}
        for start in range(0, len(keys), self.page_size):
            yield {"Contents": [{"Key": key} for key in keys[start : start + self.page_size]]}
