import json
from typing import Any

import pytest

from deploy.lab.edge.waf.requests import Request, UnsupportedError
from deploy.lab.edge.wanted import Json
from tests.unit.edge.waf_rules import NONE, OWN, acl, blocks, byte_match, group, rule

BODY: Json = {"Body": {"OversizeHandling": "CONTINUE"}}


@pytest.mark.parametrize(
    ("position", "text", "path", "matches"),
    [
        ("EXACTLY", "/a", "/a", True),
        ("EXACTLY", "/a", "/ab", False),
        ("STARTS_WITH", "/a", "/ab", True),
        ("STARTS_WITH", "/a", "/b/a", False),
        ("ENDS_WITH", ".php", "/x.php", True),
        ("ENDS_WITH", ".php", "/x.php5", False),
        ("CONTAINS", "b", "/abc", True),
        ("CONTAINS", "B", "/abc", False),
        ("CONTAINS_WORD", "admin", "/admin/x", True),
        ("CONTAINS_WORD", "admin", "/administrator", False),
        ("CONTAINS", "é", "/caf\u00e9", True),
    ],
)
def test_a_byte_match_has_its_position(position: str, text: str, path: str, matches: bool) -> None:  # noqa: FBT001
    assert blocks(byte_match(text, {"UriPath": {}}, position), Request(path=path)) is matches


REQUEST = Request(
    method="POST",
    path="/a/b",
    query="Name=one&other=two&flag",
    headers=(
        ("user-agent", "agent"),
        ("x-one", "first"),
        ("cookie", "session=abc; theme=dark"),
    ),
    body=b'{"key": {"deep": ["x", 7]}, "not": "y"}',
)


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ({"Method": {}}, "POST"),
        ({"UriPath": {}}, "/a/b"),
        ({"QueryString": {}}, "Name=one&other=two&flag"),
        ({"AllQueryArguments": {}}, "two"),
        ({"AllQueryArguments": {}}, "other"),
        ({"SingleQueryArgument": {"Name": "name"}}, "one"),
        ({"SingleHeader": {"Name": "X-One"}}, "first"),
        (BODY, '{"key": {"deep": ["x", 7]}, "not": "y"}'),
    ],
)
def test_a_statement_looks_where_it_is_told_to(field: Json, found: str) -> None:
    assert blocks(byte_match(found, field, "EXACTLY"), REQUEST)
    assert not blocks(byte_match("absent", field), REQUEST)


def pairs(kind: str, pattern: Json, scope: str, oversize: str = "CONTINUE") -> dict[str, Any]:
    return {kind: {"MatchPattern": pattern, "MatchScope": scope, "OversizeHandling": oversize}}


@pytest.mark.parametrize(
    ("field", "found", "not_found"),
    [
        (pairs("Headers", {"All": {}}, "ALL"), ["x-one", "first"], ["absent"]),
        (pairs("Headers", {"All": {}}, "KEY"), ["x-one"], ["first"]),
        (pairs("Headers", {"All": {}}, "VALUE"), ["first"], ["x-one"]),
        (pairs("Headers", {"IncludedHeaders": ["X-One"]}, "ALL"), ["first"], ["agent"]),
        (pairs("Headers", {"ExcludedHeaders": ["X-One"]}, "ALL"), ["agent"], ["first"]),
        (pairs("Cookies", {"All": {}}, "ALL"), ["session", "dark"], ["first"]),
        (pairs("Cookies", {"IncludedCookies": ["theme"]}, "VALUE"), ["dark"], ["abc", "theme"]),
        (pairs("Cookies", {"ExcludedCookies": ["theme"]}, "VALUE"), ["abc"], ["dark"]),
    ],
)
def test_headers_and_cookies_are_chosen_by_name_and_side(
    field: Json, found: list[str], not_found: list[str]
) -> None:
    assert all(blocks(byte_match(text, field, "EXACTLY"), REQUEST) for text in found)
    assert not any(blocks(byte_match(text, field, "EXACTLY"), REQUEST) for text in not_found)


@pytest.mark.parametrize(
    ("pattern", "scope", "found", "not_found"),
    [
        ({"All": {}}, "ALL", ["key", "deep", "x", "7", "not", "y"], ["[", "{"]),
        ({"All": {}}, "VALUE", ["x", "y"], ["key"]),
        ({"All": {}}, "KEY", ["key", "deep"], ["x"]),
        ({"IncludedPaths": ["/key/deep/0"]}, "VALUE", ["x"], ["7", "y"]),
        ({"IncludedPaths": ["/key", "/not"]}, "VALUE", ["x", "y"], []),
        ({"IncludedPaths": ["/nowhere/9"]}, "ALL", [], ["x", "nowhere"]),
    ],
)
def test_json_is_taken_apart(
    pattern: Json, scope: str, found: list[str], not_found: list[str]
) -> None:
    field = {"JsonBody": {"MatchPattern": pattern, "MatchScope": scope}}

    assert all(blocks(byte_match(text, field, "EXACTLY"), REQUEST) for text in found)
    assert not any(blocks(byte_match(text, field, "EXACTLY"), REQUEST) for text in not_found)


@pytest.mark.parametrize(
    ("fallback", "matches"),
    [("EVALUATE_AS_STRING", True), ("MATCH", True), ("NO_MATCH", False), (None, False)],
)
def test_what_is_no_json_is_treated_as_told(fallback: str | None, matches: bool) -> None:  # noqa: FBT001
    given: dict[str, Any] = {"MatchPattern": {"All": {}}, "MatchScope": "ALL"}
    if fallback:
        given["InvalidFallbackBehavior"] = fallback

    statement = byte_match("broken", {"JsonBody": given})

    assert blocks(statement, Request(body=b'{"broken')) is matches


@pytest.mark.parametrize(
    ("handling", "attack", "plain"),
    [("CONTINUE", True, False), ("MATCH", True, True), ("NO_MATCH", False, False)],
)
def test_a_body_above_the_limit_is_treated_as_told(
    handling: str,
    attack: bool,  # noqa: FBT001
    plain: bool,  # noqa: FBT001
) -> None:
    statement = byte_match("attack", {"Body": {"OversizeHandling": handling}})

    assert blocks(statement, Request(body=b"attack", body_is_cut=True)) is attack
    assert blocks(statement, Request(body=b"plain", body_is_cut=True)) is plain
    assert not blocks(statement, Request(body=b"plain"))


@pytest.mark.parametrize(("handling", "matches"), [("MATCH", True), ("NO_MATCH", False)])
def test_more_headers_than_are_looked_at_are_treated_as_told(
    handling: str,
    matches: bool,  # noqa: FBT001
) -> None:
    field = pairs("Headers", {"All": {}}, "ALL", handling)
    many = tuple((f"x-{number}", "a") for number in range(201))
    large = (("x-one", "a" * 8200),)

    assert blocks(byte_match("absent", field), Request(headers=many)) is matches
    assert blocks(byte_match("absent", field), Request(headers=large)) is matches


@pytest.mark.parametrize(
    ("names", "sent", "text"),
    [
        (["URL_DECODE"], "%41+b", "A b"),
        (["URL_DECODE", "URL_DECODE"], "%2541", "A"),
        (["URL_DECODE_UNI"], "%u0041", "A"),
        (["HTML_ENTITY_DECODE"], "&lt;a&#62;&amp;", "<a>&"),
        (["LOWERCASE"], "ABC", "abc"),
        (["COMPRESS_WHITE_SPACE"], "a \t\n b", "a b"),
        (["REPLACE_COMMENTS"], "a/*x*/b/*y", "a b "),
        (["CMD_LINE"], 'c^at "/etc/x;y', "cat/etc/x y"),
        (["BASE64_DECODE"], "YXR0YWNr", "attack"),
        (["BASE64_DECODE"], "not base64!", "not base64!"),
        (["BASE64_DECODE_EXT"], "YXR0.YWNr", "attack"),
        (["HEX_DECODE"], "616263", "abc"),
        (["HEX_DECODE"], "no hex", "no hex"),
        (["JS_DECODE"], "\\u0041\\x42\\n\\q", "AB\nq"),
        (["CSS_DECODE"], "\\41 b\\z", "Abz"),
        (["NORMALIZE_PATH"], "/a/./b/../../c//d", "/c/d"),
        (["NORMALIZE_PATH_WIN"], "\\a\\..\\b", "/b"),
        (["REMOVE_NULLS"], "a\0b", "ab"),
        (["REPLACE_NULLS"], "a\0b", "a b"),
        (["URL_DECODE", "LOWERCASE"], "%41", "a"),
    ],
)
def test_transformations_undo_disguises_in_their_order(
    names: list[str], sent: str, text: str
) -> None:
    statement = byte_match(text, BODY, "EXACTLY", *names)

    assert blocks(statement, Request(body=sent.encode()))


def test_a_regular_expression_is_searched_for() -> None:
    looks = {"FieldToMatch": {"UriPath": {}}, "TextTransformations": NONE}
    statement = {"RegexMatchStatement": {"RegexString": "^/v[0-9]+/", **looks}}

    assert blocks(statement, Request(path="/v12/a"))
    assert not blocks(statement, Request(path="/a/v12/"))


@pytest.mark.parametrize(
    ("operator", "sizes"),
    [
        ("EQ", {4}),
        ("NE", {3, 5}),
        ("LE", {3, 4}),
        ("LT", {3}),
        ("GE", {4, 5}),
        ("GT", {5}),
    ],
)
def test_sizes_are_compared_in_bytes(operator: str, sizes: set[int]) -> None:
    looks = {"FieldToMatch": {"UriPath": {}}, "TextTransformations": NONE}
    # As a parameter of a template gives it.
    given = {"ComparisonOperator": operator, "Size": "4", **looks}
    statement = {"SizeConstraintStatement": given}

    paths = {3: "/ab", 4: "/a\u00e9", 5: "/abcd"}

    assert {size for size, path in paths.items() if blocks(statement, Request(path=path))} == sizes


def test_statements_are_combined() -> None:
    a, b = byte_match("a"), byte_match("b")
    both = {"AndStatement": {"Statements": [a, b]}}
    either = {"OrStatement": {"Statements": [a, b]}}
    neither = {"NotStatement": {"Statement": either}}

    def matched(statement: Json) -> list[str]:
        paths = ["/ab", "/a", "/b", "/c"]
        return [path for path in paths if blocks(statement, Request(path=path))]

    assert matched(both) == ["/ab"]
    assert matched(either) == ["/ab", "/a", "/b"]
    assert matched(neither) == ["/c"]


@pytest.mark.parametrize("level", [None, "LOW", "HIGH"])
def test_sql_injection_is_found_at_either_level(level: str | None) -> None:
    given: dict[str, Any] = {"FieldToMatch": BODY, "TextTransformations": NONE}
    if level:
        given["SensitivityLevel"] = level
    statement = {"SqliMatchStatement": given}

    assert blocks(statement, Request(body=b"' or '1'='1"))
    assert not blocks(statement, Request(body=b"O'Brien"))
    assert blocks(statement, Request(body=b"select name from users")) is (level == "HIGH")


def test_scripts_are_found() -> None:
    given = {
        "FieldToMatch": {"QueryString": {}},
        "TextTransformations": [{"Priority": 0, "Type": "URL_DECODE"}],
    }
    statement = {"XssMatchStatement": given}

    assert blocks(statement, Request(query="q=%3Cscript%3E"))
    assert not blocks(statement, Request(query="q=%3Cb%3Ebold"))


def test_labels_of_earlier_rules_are_matched_in_full_by_name_and_by_namespace() -> None:
    def label(key: str, scope: str = "LABEL") -> dict[str, Any]:
        return {"LabelMatchStatement": {"Scope": scope, "Key": key}}

    labels = rule(byte_match("/a"), {"Count": {}}, name="labels", RuleLabels=[{"Name": "team:a"}])
    core = group("AWSManagedRulesCommonRuleSet", priority=2, override="Count")
    request = Request(path="/a")

    for statement, matches in (
        (label("team:a"), True),
        (label(OWN + "team:a"), True),
        (label("a"), True),
        (label("m:a"), False),
        (label("NoUserAgent_Header"), False),
        (label("team:", "NAMESPACE"), True),
        (label("team:b"), False),
        (label("awswaf:managed:aws:core-rule-set:NoUserAgent_Header"), True),
        (label("awswaf:managed:aws:core-rule-set:", "NAMESPACE"), True),
        (label("awswaf:managed:aws:sql-database:", "NAMESPACE"), False),
    ):
        decision = acl(labels, core, rule(statement, priority=3)).decide(request)
        assert (decision.reply is not None) is matches, statement


LOOKS = {"FieldToMatch": {"UriPath": {}}, "TextTransformations": NONE}


@pytest.mark.parametrize(
    ("statement", "because"),
    [
        ({"GeoMatchStatement": {"CountryCodes": ["DE"]}}, "GeoMatchStatement"),
        ({"IPSetReferenceStatement": {"ARN": "a"}}, "IPSetReferenceStatement"),
        ({"RegexPatternSetReferenceStatement": {"ARN": "a"}}, "RegexPatternSetReferenceStatement"),
        ({"RuleGroupReferenceStatement": {"ARN": "a"}}, "RuleGroupReferenceStatement"),
        ({"AsnMatchStatement": {"AsnList": [1]}}, "AsnMatchStatement"),
        (byte_match("a", {"JA3Fingerprint": {}}), "JA3Fingerprint"),
        (byte_match("a", {"HeaderOrder": {}}), "HeaderOrder"),
        (byte_match("a", None, "CONTAINS", "MD5"), "MD5"),
        (byte_match("a", None, "SOMEWHERE"), "SOMEWHERE"),
        (byte_match("a", {"Body": {"OversizeHandling": "GUESS"}}), "GUESS"),
        ({"RegexMatchStatement": {"RegexString": "(", **LOOKS}}, "RegexString"),
        (
            {"SqliMatchStatement": {"SensitivityLevel": "MEDIUM", **LOOKS}},
            "SensitivityLevel",
        ),
        (
            {"SizeConstraintStatement": {"ComparisonOperator": "IS", "Size": 1, **LOOKS}},
            "ComparisonOperator",
        ),
        ({"RateBasedStatement": {"Limit": 9, "AggregateKeyType": "IP"}}, "Limit"),
        (
            {
                "RateBasedStatement": {
                    "Limit": 10,
                    "EvaluationWindowSec": 61,
                    "AggregateKeyType": "IP",
                }
            },
            "EvaluationWindowSec",
        ),
        ({"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "FORWARDED_IP"}}, "FORWARDED_IP"),
        (
            {"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "IP", "CustomKeys": []}},
            "CustomKeys",
        ),
        ({}, "a Statement of 0 kinds"),
        ({"XssMatchStatement": {**LOOKS, "Extra": 1}}, "Extra"),
        ({"XssMatchStatement": {"FieldToMatch": {"UriPath": {}}}}, "TextTransformations"),
    ],
)
def test_what_is_not_done_is_refused_by_name(statement: Json, because: str) -> None:
    with pytest.raises(UnsupportedError, match="the rule rule: ") as refused:
        acl(rule(statement))

    assert because in str(refused.value)


def test_bytes_that_are_no_text_are_looked_at_and_do_no_harm() -> None:
    body = b"\xff\xfe' or 1=1--\x00" + json.dumps({"a": "b"}).encode()

    assert blocks(byte_match("or 1=1", BODY), Request(body=body))
    assert acl(group("AWSManagedRulesSQLiRuleSet")).decide(Request(body=body)).rule == "SQLi_BODY"
