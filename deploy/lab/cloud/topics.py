"""AWS::SNS::Topic: the key that the stock type drops, and what the lab would ignore is refused."""

from deploy.lab.cloud.border import Created, Internals, Json, amend_resource_type, refuse_unknown

SNS = Internals("services.sns", "_topics")

TOPIC = frozenset(["DisplayName", "KmsMasterKeyId", "Subscription", "Tags", "TopicName"])
SUBSCRIPTION = frozenset(
    [
        "Endpoint",
        "FilterPolicy",
        "FilterPolicyScope",
        "Protocol",
        "RawMessageDelivery",
        "RedrivePolicy",
        "TopicArn",
    ]
)


def install() -> None:
    """Amend both types."""
    amend_resource_type("AWS::SNS::Topic", before=_topic, after=_with_key)
    amend_resource_type("AWS::SNS::Subscription", before=_subscription)


def _topic(properties: Json) -> Json:
    refuse_unknown(properties, TOPIC, "AWS::SNS::Topic")
    return properties


def _subscription(properties: Json) -> Json:
    refuse_unknown(properties, SUBSCRIPTION, "AWS::SNS::Subscription")
    return properties


def _with_key(physical_id: str, properties: Json, attributes: dict[str, str]) -> Created:
    """The key can be asked for; nothing is encrypted here."""
    known = SNS.topics[physical_id]["attributes"]
    known.pop("KmsMasterKeyId", None)
    if key := properties.get("KmsMasterKeyId"):
        known["KmsMasterKeyId"] = key
    return physical_id, attributes
