"""AWS::S3::Bucket: what the stock type drops of it, and how CloudFormation deletes it.

Encryption, lifecycle and ownership are kept, so that they can be asked for. Nothing is encrypted
here and nothing expires.
"""

from collections.abc import Callable
from functools import cache

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer

from deploy.lab.cloud.border import (
    Created,
    Internals,
    Json,
    RefusedError,
    ResourceType,
    add_resource_type,
    element,
    is_true,
    refuse_unknown,
)

PROVISIONERS = Internals(
    "services.cloudformation.provisioners", "_s3_create", "_s3_delete", "_s3_update"
)
S3 = Internals(
    "services.s3",
    "_bucket_has_versions",
    "_buckets",
    "_delete_bucket_encryption",
    "_delete_bucket_lifecycle",
    "_put_bucket_encryption",
    "_put_bucket_lifecycle",
    "_put_bucket_ownership_controls",
)

# Those of the stock type, and those below.
KNOWN = frozenset(
    [
        "BucketEncryption",
        "BucketName",
        "CorsConfiguration",
        "LifecycleConfiguration",
        "NotificationConfiguration",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "Tags",
        "VersioningConfiguration",
        "WebsiteConfiguration",
    ]
)
OF_A_RULE = frozenset(
    ["AbortIncompleteMultipartUpload", "ExpirationInDays", "Id", "Prefix", "Status"]
)


def install() -> None:
    """Put ours in place of the stock type."""
    add_resource_type("AWS::S3::Bucket", ResourceType(_create, _delete, _update))


def _create(logical_id: str, properties: Json, stack: str) -> Created:
    refuse_unknown(properties, KNOWN, "AWS::S3::Bucket")
    made: Created = PROVISIONERS.s3_create(logical_id, properties, stack)
    _configure(made[0], properties)
    return made


def _update(physical_id: str, old: Json, new: Json, stack: str) -> Created:
    refuse_unknown(new, KNOWN, "AWS::S3::Bucket")
    made: Created = PROVISIONERS.s3_update(physical_id, old, new, stack)
    _configure(made[0], new)
    return made


def _delete(name: str, properties: Json) -> None:
    bucket = S3.buckets.get(name)
    if bucket and (bucket["objects"] or S3.bucket_has_versions(name)):
        raise RefusedError(
            f"The bucket you tried to delete is not empty: {name} "
            "(Service: S3, Status Code: 409, Error Code: BucketNotEmpty)"
        )
    PROVISIONERS.s3_delete(name, properties)


def _configure(name: str, properties: Json) -> None:
    """Hand over to S3 what the template says, as a client of S3 would."""
    if encryption := properties.get("BucketEncryption"):
        rules = [_encryption(r) for r in encryption["ServerSideEncryptionConfiguration"]]
        body = _xml("PutBucketEncryption", ServerSideEncryptionConfiguration={"Rules": rules})
        _put(S3.put_bucket_encryption, name, body)
    else:
        S3.delete_bucket_encryption(name)
    if lifecycle := properties.get("LifecycleConfiguration"):
        rules = [_lifecycle(rule) for rule in lifecycle["Rules"]]
        body = _xml("PutBucketLifecycleConfiguration", LifecycleConfiguration={"Rules": rules})
        _put(S3.put_bucket_lifecycle, name, body)
    else:
        S3.delete_bucket_lifecycle(name)
    if controls := properties.get("OwnershipControls"):
        body = _xml("PutBucketOwnershipControls", OwnershipControls=controls)
        _put(S3.put_bucket_ownership_controls, name, body)


def _encryption(rule: Json) -> Json:
    default = rule.get("ServerSideEncryptionByDefault")
    enabled = is_true(rule.get("BucketKeyEnabled"))
    return {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": enabled}


def _lifecycle(rule: Json) -> Json:
    refuse_unknown(rule, OF_A_RULE, "AWS::S3::Bucket lifecycle rule")
    made: Json = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        made["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if upload := rule.get("AbortIncompleteMultipartUpload"):
        days = int(upload["DaysAfterInitiation"])
        made["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days}
    return made


def _xml(operation: str, **parameters: Json) -> bytes:
    """The body of a call of S3's API."""
    serializer = create_serializer("rest-xml", include_validation=False)
    made = serializer.serialize_to_request(
        {"Bucket": "b", **parameters}, _model().operation_model(operation)
    )
    body: bytes = made["body"]
    return body


@cache
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("s3", "service-2"), "s3")


def _put(action: Callable[[str, bytes], tuple[int, object, bytes]], name: str, body: bytes) -> None:
    status, _, answer = action(name, body)
    if status >= 400:  # noqa: PLR2004 - the first HTTP status that is an error
        raise RefusedError(element(answer.decode(), "Message"))
