from typing import Any

import pytest

from deploy.lab.edge.waf.managed import GROUPS
from deploy.lab.edge.waf.requests import Reply, Request, UnsupportedError
from deploy.lab.edge.wanted import Json
from tests.unit.edge.waf_rules import AGENT, OWN, acl, byte_match, group, rule

CORE = "AWSManagedRulesCommonRuleSet"
SQL = "AWSManagedRulesSQLiRuleSet"
INJECTION = Request(query="q=%27%20or%20%271%27=%271", headers=(AGENT,))


def test_the_lowest_priority_decides_first() -> None:
    late = rule(byte_match("/a"), {"Block": {}}, name="late", priority=5)
    early = rule(byte_match("/a"), {"Allow": {}}, name="early", priority="2")  # type: ignore[arg-type]

    assert acl(late, early).decide(Request(path="/a")).rule == "early"


def test_counting_goes_on_to_the_next_rule() -> None:
    counts = rule(byte_match("/a"), {"Count": {}}, name="counts", priority=1)
    blocks = rule(byte_match("/a"), {"Block": {}}, name="blocks", priority=2)

    decision = acl(counts, blocks).decide(Request(path="/a"))

    assert (decision.rule, decision.counted) == ("blocks", ("counts",))


def test_the_default_action_is_for_what_no_rule_ended() -> None:
    allowed = acl().decide(Request())
    blocked = acl(default_action={"Block": {}}).decide(Request())

    assert (allowed.rule, allowed.reply) == (None, None)
    assert (blocked.rule, blocked.reply) == (None, Reply(403))


def test_a_managed_rule_blocks_and_labels() -> None:
    decision = acl(group(SQL)).decide(INJECTION)

    assert (decision.rule, decision.reply) == ("SQLi_QUERYARGUMENTS", Reply(403))
    assert decision.labels == ("awswaf:managed:aws:sql-database:SQLi_QueryArguments",)


def test_a_rule_of_a_group_is_given_another_action() -> None:
    override = {"Name": "SQLi_QUERYARGUMENTS", "ActionToUse": {"Count": {}}}

    decision = acl(group(SQL, RuleActionOverrides=[override])).decide(INJECTION)

    assert decision.reply is None
    assert decision.counted == ("SQLi_QUERYARGUMENTS",)
    assert decision.labels == ("awswaf:managed:aws:sql-database:SQLi_QueryArguments",)


def test_an_excluded_rule_counts() -> None:
    decision = acl(group(SQL, ExcludedRules=[{"Name": "SQLi_QUERYARGUMENTS"}])).decide(INJECTION)

    assert (decision.reply, decision.counted) == (None, ("SQLi_QUERYARGUMENTS",))


def test_a_whole_group_is_made_to_count() -> None:
    decision = acl(group(SQL, override="Count")).decide(INJECTION)

    assert (decision.reply, decision.counted) == (None, (f"{SQL}-rule",))
    assert decision.labels == ("awswaf:managed:aws:sql-database:SQLi_QueryArguments",)


def test_a_group_is_asked_only_within_its_scope() -> None:
    web_acl = acl(group(SQL, ScopeDownStatement=byte_match("/api", None, "STARTS_WITH")))

    def blocked(path: str) -> bool:
        request = Request(path=path, query=INJECTION.query)
        return web_acl.decide(request).reply is not None

    assert (blocked("/api/x"), blocked("/other")) == (True, False)


def test_a_rule_answers_in_its_own_words() -> None:
    custom = {
        "ResponseCode": "429",
        "CustomResponseBodyKey": "slow",
        "ResponseHeaders": [{"Name": "Retry-After", "Value": "60"}],
    }
    bodies = {"slow": {"ContentType": "TEXT_HTML", "Content": "<p>slow down"}}
    action = {"Block": {"CustomResponse": custom}}

    decision = acl(rule(byte_match("/"), action), custom_response_bodies=bodies).decide(Request())

    assert decision.reply == Reply(429, "text/html", "<p>slow down", (("retry-after", "60"),))


def test_headers_are_inserted_into_what_goes_on() -> None:
    def inserting(name: str) -> Json:
        return {"CustomRequestHandling": {"InsertHeaders": [{"Name": name, "Value": "yes"}]}}

    counts = rule(byte_match("/"), {"Count": inserting("Counted")}, name="counts")
    web_acl = acl(counts, default_action={"Allow": inserting("Default")})

    assert web_acl.decide(Request()).insert == (
        ("x-amzn-waf-counted", "yes"),
        ("x-amzn-waf-default", "yes"),
    )


def test_own_labels_have_the_web_acls_namespace() -> None:
    labels = rule(byte_match("/"), {"Allow": {}}, RuleLabels=[{"Name": "team:a"}])

    assert acl(labels).decide(Request()).labels == (f"{OWN}team:a",)


@pytest.mark.parametrize(
    ("refused", "because"),
    [
        (rule(byte_match("/"), {"Captcha": {}}), "the action Captcha"),
        (rule(byte_match("/"), {"Challenge": {}}), "the action Challenge"),
        (rule(byte_match("/"), {"Block": {}, "Allow": {}}), "2 kinds at once"),
        (rule(byte_match("/"), OverrideAction={"None": {}}), "OverrideAction"),
        (rule(byte_match("/"), CaptchaConfig={}), "CaptchaConfig"),
        (
            rule(byte_match("/"), {"Block": {"CustomResponse": {"ResponseCode": 418}}}),
            "ResponseCode 418",
        ),
        (
            rule(
                byte_match("/"),
                {"Block": {"CustomResponse": {"ResponseCode": 403, "CustomResponseBodyKey": "x"}}},
            ),
            "CustomResponseBodyKey x",
        ),
        (group("AWSManagedRulesBotControlRuleSet"), "AWSManagedRulesBotControlRuleSet"),
        (group(CORE, ManagedRuleGroupConfigs=[{}]), "ManagedRuleGroupConfigs"),
        (group(CORE, Version="Version_1.17"), "Version"),
        (group(CORE, override="Block"), "OverrideAction"),
        (
            group(CORE, RuleActionOverrides=[{"Name": "No", "ActionToUse": {"Count": {}}}]),
            "no rule No",
        ),
        (group(CORE) | {"Action": {"Block": {}}}, "takes an OverrideAction"),
    ],
)
def test_what_is_not_done_is_refused_by_name(refused: Json, because: str) -> None:
    with pytest.raises(UnsupportedError) as error:
        acl(refused)

    assert because in str(error.value)
    assert f"the rule {refused['Name']}: " in str(error.value)


def test_two_rules_of_one_priority_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="one Priority"):
        acl(rule(byte_match("/a")), rule(byte_match("/b"), name="other"))


def test_a_default_action_that_counts_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="DefaultAction"):
        acl(default_action={"Count": {}})


# As "Baseline rule groups" and "SQL database managed rule group" list them (November 2026).
AWS_RULES: dict[str, set[str]] = {
    CORE: {
        "NoUserAgent_HEADER",
        "UserAgent_BadBots_HEADER",
        "SizeRestrictions_QUERYSTRING",
        "SizeRestrictions_Cookie_HEADER",
        "SizeRestrictions_BODY",
        "SizeRestrictions_URIPATH",
        "EC2MetaDataSSRF_BODY",
        "EC2MetaDataSSRF_COOKIE",
        "EC2MetaDataSSRF_URIPATH",
        "EC2MetaDataSSRF_QUERYARGUMENTS",
        "GenericLFI_QUERYARGUMENTS",
        "GenericLFI_URIPATH",
        "GenericLFI_BODY",
        "RestrictedExtensions_URIPATH",
        "RestrictedExtensions_QUERYARGUMENTS",
        "GenericRFI_QUERYARGUMENTS",
        "GenericRFI_BODY",
        "GenericRFI_URIPATH",
        "CrossSiteScripting_COOKIE",
        "CrossSiteScripting_QUERYARGUMENTS",
        "CrossSiteScripting_BODY",
        "CrossSiteScripting_URIPATH",
    },
    "AWSManagedRulesKnownBadInputsRuleSet": {
        "JavaDeserializationRCE_HEADER",
        "JavaDeserializationRCE_BODY",
        "JavaDeserializationRCE_URIPATH",
        "JavaDeserializationRCE_QUERYSTRING",
        "Host_localhost_HEADER",
        "PROPFIND_METHOD",
        "ExploitablePaths_URIPATH",
        "Log4JRCE_HEADER",
        "Log4JRCE_QUERYSTRING",
        "Log4JRCE_BODY",
        "Log4JRCE_URIPATH",
        "ReactJSRCE_BODY",
    },
    SQL: {
        "SQLi_QUERYARGUMENTS",
        "SQLiExtendedPatterns_QUERYARGUMENTS",
        "SQLi_BODY",
        "SQLiExtendedPatterns_BODY",
        "SQLi_COOKIE",
        "SQLi_URIPATH",
    },
}


@pytest.mark.parametrize("name", GROUPS)
def test_a_managed_group_has_the_rules_that_aws_lists(name: str) -> None:
    members = GROUPS[name]

    assert {member.name for member in members} == AWS_RULES[name]
    assert len({member.label for member in members}) == len(members)
    assert all(member.label.startswith("awswaf:managed:aws:") for member in members)


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"headers": ()}, "NoUserAgent_HEADER"),
        ({"query": "q=" + "x" * 2047}, "SizeRestrictions_QUERYSTRING"),
        ({"path": "/" + "x" * 1024}, "SizeRestrictions_URIPATH"),
        ({"body": b"x", "body_is_cut": True}, "SizeRestrictions_BODY"),
        ({"headers": (AGENT, ("cookie", "x" * 10_241))}, "SizeRestrictions_Cookie_HEADER"),
    ],
)
def test_sizes_and_a_missing_agent_are_restricted(more: dict[str, Any], name: str) -> None:
    within = {
        "query": "q=" + "x" * 2046,
        "path": "/" + "x" * 1023,
        "body": b"x" * 8192,
        "headers": (AGENT, ("cookie", "x" * 10_240)),
    }

    assert acl(group(CORE)).decide(Request(**within)).rule is None  # type: ignore[arg-type]
    assert acl(group(CORE)).decide(Request(**{"headers": (AGENT,), **more})).rule == name


def test_a_serialized_object_is_found_by_its_bytes() -> None:
    bad = acl(group("AWSManagedRulesKnownBadInputsRuleSet"))
    serialized = Request(headers=(AGENT,), body=b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap")

    assert bad.decide(serialized).rule == "JavaDeserializationRCE_BODY"


def test_the_labs_own_addresses_are_not_taken_for_localhost() -> None:
    bad = acl(group("AWSManagedRulesKnownBadInputsRuleSet"))

    def rule_for(host: str) -> str | None:
        return bad.decide(Request(headers=(("host", host), AGENT))).rule

    assert rule_for("127.9.40.1:8080") is None
    assert rule_for("localhost:8080") == "Host_localhost_HEADER"
