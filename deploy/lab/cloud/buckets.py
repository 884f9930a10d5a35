"""AWS::S3::Bucket as CloudFormation deletes it: not while something is in it."""

from deploy.lab.cloud.border import Internals, Json, RefusedError, ResourceType, add_resource_type

PROVISIONERS = Internals(
    "services.cloudformation.provisioners", "_s3_create", "_s3_delete", "_s3_update"
)
S3 = Internals("services.s3", "_bucket_has_versions", "_buckets")


def install() -> None:
    """Put the check before the stock deletion, which takes all objects along."""
    add_resource_type(
        "AWS::S3::Bucket",
        ResourceType(PROVISIONERS.s3_create, _delete, PROVISIONERS.s3_update),
    )


def _delete(name: str, properties: Json) -> None:
    bucket = S3.buckets.get(name)
    if bucket and (bucket["objects"] or S3.bucket_has_versions(name)):
        raise RefusedError(
            f"The bucket you tried to delete is not empty: {name} "
            "(Service: S3, Status Code: 409, Error Code: BucketNotEmpty)"
        )
    PROVISIONERS.s3_delete(name, properties)
