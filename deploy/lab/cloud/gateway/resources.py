"""CloudFormation's AWS::ApiGateway types: what MiniStack drops of them, or takes and ignores.

What neither of us carries out is refused by name.
"""

from typing import Any

from jsonschema import Draft4Validator, SchemaError

from deploy.lab.cloud.border import (
    Created,
    Internals,
    Json,
    RefusedError,
    ResourceType,
    add_resource_type,
    amend_resource_type,
    is_true,
    refuse_unknown,
)
from deploy.lab.cloud.gateway import settings
from deploy.lab.cloud.gateway.snapshots import API_GATEWAY

CONTROL = Internals(
    "services.apigateway_v1",
    "_account_settings",
    "_api_keys",
    "_create_request_validator",
    "_delete_request_validator",
)

KNOWN = {
    "RestApi": "ApiKeySourceType BinaryMediaTypes Description DisableExecuteApiEndpoint "
    "EndpointConfiguration Name Tags",
    "Method": "ApiKeyRequired AuthorizationType AuthorizerId HttpMethod Integration "
    "MethodResponses OperationName RequestModels RequestParameters RequestValidatorId ResourceId "
    "RestApiId",
    "Stage": "AccessLogSetting CacheClusterEnabled CacheClusterSize DeploymentId Description "
    "MethodSettings RestApiId StageName Tags TracingEnabled Variables",
    "Deployment": "Description RestApiId StageDescription StageName",
    "Authorizer": "AuthType AuthorizerCredentials AuthorizerResultTtlInSeconds AuthorizerUri "
    "IdentitySource IdentityValidationExpression Name RestApiId Type",
    "RequestValidator": "Name RestApiId ValidateRequestBody ValidateRequestParameters",
    "Model": "ContentType Description Name RestApiId Schema",
    "GatewayResponse": "ResponseParameters ResponseTemplates ResponseType RestApiId StatusCode",
    "ApiKey": "CustomerId Description Enabled Name StageKeys Tags Value",
    "UsagePlan": "ApiStages Description Quota Tags Throttle UsagePlanName",
    "UsagePlanKey": "KeyId KeyType UsagePlanId",
}
INTEGRATION = (
    "CacheKeyParameters CacheNamespace ConnectionId ConnectionType ContentHandling Credentials "
    "IntegrationHttpMethod IntegrationResponses IntegrationTarget PassthroughBehavior "
    "RequestParameters RequestTemplates TimeoutInMillis Type Uri"
)
# https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html; above 29 s only where
# AWS has raised the quota for an account.
TIMEOUT_MS = range(50, 29_001)
# https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html
CACHE_SIZES = ("0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237")


def install() -> None:
    """Complete the types."""
    for name, known in KNOWN.items():
        if name != "RequestValidator":
            amend_resource_type(
                f"AWS::ApiGateway::{name}", before=_only(name, frozenset(known.split()))
            )
    amend_resource_type("AWS::ApiGateway::Method", before=_checked_method, after=_complete_method)
    amend_resource_type("AWS::ApiGateway::Stage", before=_checked_stage, after=_complete_stage)
    amend_resource_type("AWS::ApiGateway::RestApi", after=_complete_api)
    amend_resource_type("AWS::ApiGateway::Model", before=_checked_model)
    amend_resource_type("AWS::ApiGateway::Authorizer", before=_checked_authorizer)
    amend_resource_type("AWS::ApiGateway::UsagePlan", before=_checked_plan)
    amend_resource_type("AWS::ApiGateway::ApiKey", after=_complete_key)
    # The stock type makes up an id and forgets the rest.
    add_resource_type(
        "AWS::ApiGateway::RequestValidator",
        ResourceType(_create_validator, _delete_validator, _update_validator),
    )


def _only(name: str, known: frozenset[str]) -> Any:  # noqa: ANN401 - border.Before
    def check(properties: Json) -> Json:
        refuse_unknown(properties, known, f"AWS::ApiGateway::{name}")
        return properties

    return check


# ---- Methods ----


def _checked_method(properties: Json) -> Json:
    kind = properties.get("AuthorizationType", "NONE")
    if kind not in {"NONE", "CUSTOM"}:
        raise RefusedError(f"AuthorizationType {kind}: the lab's REST APIs know NONE and CUSTOM")
    if kind == "CUSTOM" and not properties.get("AuthorizerId"):
        raise RefusedError(
            "Invalid authorizer ID specified. Setting the authorization type to "
            "CUSTOM requires a valid authorizer."
        )
    integration = properties.get("Integration") or {}
    refuse_unknown(
        integration, frozenset(INTEGRATION.split()), "AWS::ApiGateway::Method Integration"
    )
    timeout_ms = int(integration.get("TimeoutInMillis") or 29_000)
    if timeout_ms not in TIMEOUT_MS:
        raise RefusedError("Timeout should be between 50 ms and 29000 ms")
    if integration.get("ConnectionType") == "VPC_LINK":
        for name in ("ConnectionId", "IntegrationTarget", "Uri"):
            if not integration.get(name):
                raise RefusedError(
                    f"{name} is required when the connection type is VPC_LINK: "
                    "the lab has VPC links V2, to load balancers, only"
                )
    required = is_true(properties.get("ApiKeyRequired"))
    return {
        **properties,
        "ApiKeyRequired": required,
        **({"Integration": {**integration, "TimeoutInMillis": timeout_ms}} if integration else {}),
    }


def _complete_method(physical_id: str, properties: Json, attributes: dict[str, str]) -> Created:
    """Add what the stock type leaves out."""
    resource = API_GATEWAY.resources[properties["RestApiId"]][properties["ResourceId"]]
    method = resource["resourceMethods"][properties.get("HttpMethod", "ANY")]
    method["requestValidatorId"] = properties.get("RequestValidatorId")
    given = properties.get("Integration") or {}
    if record := method.get("methodIntegration"):
        record["connectionId"] = given.get("ConnectionId")
        record["integrationTarget"] = given.get("IntegrationTarget")
        record["contentHandling"] = given.get("ContentHandling")
        record["cacheNamespace"] = given.get("CacheNamespace") or properties["ResourceId"]
    return physical_id, attributes


# ---- Stages and APIs ----


def _checked_stage(properties: Json) -> Json:
    size = str(properties.get("CacheClusterSize") or "0.5")
    if size not in CACHE_SIZES:
        raise RefusedError(f"CacheClusterSize {size}: AWS has {', '.join(CACHE_SIZES)}")
    account = CONTROL.account_settings.get("settings") or {}
    if properties.get("AccessLogSetting") and not account.get("cloudwatchRoleArn"):
        # Set by AWS::ApiGateway::Account, once for the account and region.
        raise RefusedError(
            "CloudWatch Logs role ARN must be set in account settings to enable logging"
        )
    return {**properties, "TracingEnabled": is_true(properties.get("TracingEnabled"))}


def _complete_stage(physical_id: str, properties: Json, attributes: dict[str, str]) -> Created:
    """Cache and method settings: the stock type forgets the one and fills up the other."""
    stage = API_GATEWAY.stages_v1[properties["RestApiId"]][properties["StageName"]]
    stage["cacheClusterEnabled"] = is_true(properties.get("CacheClusterEnabled"))
    stage["cacheClusterSize"] = str(properties.get("CacheClusterSize") or "0.5")
    stage["methodSettings"] = settings.from_template(properties.get("MethodSettings") or [])
    log = properties.get("AccessLogSetting") or {}
    stage["accessLogSettings"] = {
        "destinationArn": log.get("DestinationArn"),
        "format": log.get("Format"),
    }
    return physical_id, attributes


def _complete_api(physical_id: str, properties: Json, attributes: dict[str, str]) -> Created:
    api = API_GATEWAY.rest_apis[physical_id]
    api["apiKeySource"] = properties.get("ApiKeySourceType") or "HEADER"
    api["disableExecuteApiEndpoint"] = is_true(properties.get("DisableExecuteApiEndpoint"))
    return physical_id, attributes


# ---- What methods refer to ----


def _checked_model(properties: Json) -> Json:
    schema = properties.get("Schema")
    if isinstance(schema, dict):
        try:
            Draft4Validator.check_schema(schema)
        except SchemaError as error:
            raise RefusedError(f"Invalid model specified: {error.message}") from None
    return properties


def _checked_authorizer(properties: Json) -> Json:
    kind = properties.get("Type", "TOKEN")
    if kind not in {"TOKEN", "REQUEST"}:
        raise RefusedError(f"Authorizer of type {kind}: the lab knows TOKEN and REQUEST")
    ttl_s = int(properties.get("AuthorizerResultTtlInSeconds", 300))
    if not 0 <= ttl_s <= 3600:  # noqa: PLR2004 - AWS's longest
        raise RefusedError("AuthorizerResultTtlInSeconds must be between 0 and 3600")
    if kind == "REQUEST" and ttl_s and not properties.get("IdentitySource"):
        raise RefusedError("Identity source is required when the authorizer's results are cached")
    return {**properties, "AuthorizerResultTtlInSeconds": ttl_s}


def _create_validator(logical_id: str, properties: Json, stack: str) -> Created:
    del stack
    refuse_unknown(
        properties,
        frozenset(KNOWN["RequestValidator"].split()),
        "AWS::ApiGateway::RequestValidator",
    )
    api_id = properties["RestApiId"]
    known = set(API_GATEWAY.request_validators.get(api_id, {}))
    CONTROL.create_request_validator(api_id, _validator(logical_id, properties))
    (made,) = set(API_GATEWAY.request_validators[api_id]) - known
    return made, {"RequestValidatorId": made}


def _update_validator(physical_id: str, old: Json, new: Json, stack: str) -> Created:
    if any(old.get(key) != new.get(key) for key in ("RestApiId", "Name")):
        return _create_validator(physical_id, new, stack)
    record = API_GATEWAY.request_validators[new["RestApiId"]][physical_id]
    record.update(_validator(record["name"], new))
    return physical_id, {"RequestValidatorId": physical_id}


def _delete_validator(physical_id: str, properties: Json) -> None:
    CONTROL.delete_request_validator(properties["RestApiId"], physical_id)


def _validator(default_name: str, properties: Json) -> Json:
    return {
        "name": properties.get("Name") or default_name,
        "validateRequestBody": is_true(properties.get("ValidateRequestBody")),
        "validateRequestParameters": is_true(properties.get("ValidateRequestParameters")),
    }


# ---- Keys and plans ----


def _checked_plan(properties: Json) -> Json:
    for stage in properties.get("ApiStages") or []:
        api_id, name = stage.get("ApiId"), stage.get("Stage")
        if name not in API_GATEWAY.stages_v1.get(api_id, {}):
            # On AWS too: a plan needs DependsOn its stage.
            raise RefusedError(f"API Stage not found: {api_id}:{name}")
    return properties


def _complete_key(physical_id: str, properties: Json, attributes: dict[str, str]) -> Created:
    """A key of AWS's is switched off unless the template says otherwise; the stock type's is on."""
    CONTROL.api_keys[physical_id]["enabled"] = is_true(properties.get("Enabled"))
    return physical_id, attributes
