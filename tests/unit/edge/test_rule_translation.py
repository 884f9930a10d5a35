import re
from typing import Any

import pytest

from deploy.lab.edge.rules import UnsupportedError, act, match, weights, wildcard
from deploy.lab.edge.stickiness import of_forward
from deploy.lab.edge.wanted import Json


def forward(action: Json) -> dict[str, Any]:
    return {"route": {"clusters": weights(action)}}


def regex(condition: dict[str, Any]) -> str:
    [header] = match([condition])["headers"]
    return str(header["string_match"]["safe_regex"]["regex"])


def test_no_condition_matches_every_request() -> None:
    assert match([]) == {"prefix": "/"}


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/img/*", "/img/a/b.png", True),
        ("/img/*", "/img", False),
        ("/a?c", "/abc", True),
        ("/a?c", "/ac", False),
        ("*.jpg", "/photo?as=x.jpg", False),
        ("*.jpg", "/photo.jpg?as=png", True),
        ("/a.c", "/abc", False),
        ("/a$+(x)", "/a$+(x)", True),
        (r"/a\*", "/a*", True),
        (r"/a\*", "/ab", False),
    ],
)
def test_a_path_pattern_is_compared_with_the_path_alone(
    pattern: str, path: str, *, matches: bool
) -> None:
    condition = {"Field": "path-pattern", "Values": [pattern]}

    assert bool(re.fullmatch(regex(condition), path)) is matches


def test_values_are_read_from_the_condition_or_from_its_config() -> None:
    plain = {"Field": "host-header", "Values": ["a.test"]}
    config = {"Field": "host-header", "HostHeaderConfig": {"Values": ["a.test"]}}

    assert match([plain]) == match([config])


def test_alternatives_do_not_leak_into_each_other() -> None:
    condition = {"Field": "path-pattern", "Values": ["/a", "/b/*"]}

    assert [bool(re.fullmatch(regex(condition), p)) for p in ("/a", "/b/x", "/a/b/x", "/ab")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_query_value_without_a_key_matches_any_key() -> None:
    condition = {"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "v?"}]}}

    assert re.fullmatch(regex(condition), "/a?x=1&b=V2&c=3")
    assert not re.fullmatch(regex(condition), "/a?x=1&b=v22")
    assert not re.fullmatch(regex(condition), "/v1")


def test_a_wildcard_stays_within_what_it_may_cover() -> None:
    assert re.fullmatch(wildcard("*.example.com"), "a.b.example.com")
    assert not re.fullmatch(wildcard("a*c", any_="[^/]"), "a/c")


@pytest.mark.parametrize(
    "condition",
    [
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}},
        {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/a"]}},
        {"Field": "something-new"},
    ],
)
def test_a_condition_that_cannot_be_translated_is_refused(condition: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError):
        match([condition])


def test_forward_takes_a_group_or_weighted_groups() -> None:
    weighted = {"TargetGroups": [{"TargetGroupArn": "a", "Weight": 9}, {"TargetGroupArn": "b"}]}

    assert weights({"Type": "forward", "TargetGroupArn": "a"}) == {"a": 1}
    assert act([{"Type": "forward", "ForwardConfig": weighted}], forward) == {
        "route": {"clusters": {"a": 9, "b": 1}}
    }


def test_a_forward_says_for_how_long_it_keeps_its_clients() -> None:
    def forwards(**config: object) -> float | None:
        kept = {"TargetGroupStickinessConfig": config}
        return of_forward({"Type": "forward", "ForwardConfig": kept})

    assert forwards(Enabled=True, DurationSeconds=20) == 20
    assert forwards(Enabled="true", DurationSeconds="20") == 20
    assert forwards(Enabled=False, DurationSeconds=20) is None
    assert of_forward({"Type": "forward", "TargetGroupArn": "a"}) is None


@pytest.mark.parametrize(
    "actions",
    [
        [{"Type": "authenticate-cognito"}],
        [{"Type": "authenticate-oidc", "Order": 1}, {"Type": "forward", "Order": 2}],
        [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Host": "x.#{host}"}}],
        [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Query": "a=#{query}"}}],
    ],
)
def test_an_action_that_cannot_be_translated_is_refused(actions: list[dict[str, Any]]) -> None:
    with pytest.raises(UnsupportedError):
        act(actions, forward)


def test_a_redirect_says_only_what_changes() -> None:
    config = {"StatusCode": "HTTP_301", "Protocol": "HTTPS", "Port": "443", "Host": "#{host}"}
    made = act([{"Type": "redirect", "RedirectConfig": config}], forward)

    assert made["redirect"] == {
        "response_code": "MOVED_PERMANENTLY",
        "scheme_redirect": "https",
        "port_redirect": 443,
    }
