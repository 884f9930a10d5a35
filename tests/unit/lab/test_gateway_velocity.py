"""Mapping templates: the rules of Velocity 1.7 and of API Gateway's variables."""

import json

import pytest

from deploy.lab.cloud.gateway.velocity import (
    BodyError,
    Overrides,
    Variables,
    VelocityError,
    render,
)

PETS = json.dumps({"pets": [{"name": "Rex", "price": 249.99}, {"name": "Tom"}], "open": True})


def text(template: str, body: str = "", **context: object) -> str:
    return render(template, Variables(body=body, context=context)).text


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$input.json('$.pets[0]')", '{"name":"Rex","price":249.99}'),
        ("$input.json('$.open')", "true"),
        ("$input.json('$.pets[1].name')", '"Tom"'),
        ("$input.json('$.missing')", '""'),
        ("$input.json('$..name')", '["Rex","Tom"]'),
        ("$input.path('$.pets[0].price')", "249.99"),
        ("$input.path('$.pets').size()", "2"),
        ("$input.path('$').keySet()", "[pets, open]"),
        ("[$input.path('$.missing')]", "[]"),
        # Seen on AWS: a map as Java prints it, an array inside it as JSON.
        ("$input.path('$')", '{pets=[{"name":"Rex","price":249.99},{"name":"Tom"}], open=true}'),
        ("#foreach($p in $input.path('$.pets'))$p.name#if($foreach.hasNext), #end#end", "Rex, Tom"),
        ("#foreach($p in $input.path('$.pets'))$foreach.index/$foreach.count;#end", "0/1;1/2;"),
        ("$input.path('$.pets')[1]['name']", "Tom"),
        ("${input.path('$.pets[0]').get('name')}s", "Rexs"),
    ],
)
def test_a_template_takes_values_out_of_the_body(template: str, expected: str) -> None:
    assert text(template, PETS) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        # Nothing there: as written, or nothing when quiet; $context's unknown names are empty.
        ("$none $!none $!{none} ${none.of.it}", "$none   ${none.of.it}"),
        ("[$context.authorizer.nobody] $context.stage", "[] live"),
        # Velocity 1.7: only null and false are false; setting null changes nothing.
        ('#if("")a#end#if($none)b#end#if(!$none)c#end', "ac"),
        ("#set($x = 1)#set($x = $none)$x", "1"),
        ('#if(1 == "1" && $context.stage == "live" || $none)yes#{else}no#end', "yes"),
        ("#if($none)a#elseif($context.stage != 'live')b#{else}c#end", "c"),
        ("#set($a = 1 + 2 * 3)$a #set($b = 7 / -2)$b #set($c = 'n' + 1)$c", "7 -3 n1"),
        ("#set($m = {'k': [1, 'two']})$m $m.k[1] #set($m.new = 2)$m.size()", "{k=[1, two]} two 2"),
        ("#foreach($i in [3..1])$i#end", "321"),
        # A directive takes the rest of its line with it.
        ("#if(true)\nA\n#else\nB\n#end\nC", "A\nC"),
        ("#foreach($i in [1, 2])\n$i\n#end\nend", "1\n2\nend"),
        ("## a comment\nA#* and another *#B", "AB"),
        # A name may hold hyphens, and a string has no escapes.
        ('#set($a-b = "\\n")$a-b', "\\n"),
        ("#set($x = 'it''s $context.stage')$x", "it's $context.stage"),
        ('#set($x = "it is ""$context.stage""")$x', 'it is "live"'),
        ("costs $5, #1, 100%", "costs $5, #1, 100%"),
        ("before#stop after", "before"),
        ("#macro(twice $x)$x$x#end#twice('ab')", "abab"),
        ("#define($late)$x#end#set($x = 3)$late", "3"),
    ],
)
def test_the_language_is_velocity(template: str, expected: str) -> None:
    assert text(template, stage="live") == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$util.urlEncode('a b&c=d/é')", "a+b%26c%3Dd%2F%C3%A9"),
        ("$util.urlDecode('a+b%26c')", "a b&c"),
        ("$util.base64Encode('hé')", "aMOp"),
        ("$util.base64Decode('aMOp')", "hé"),
        ("$util.escapeJavaScript('a\"b')", 'a\\"b'),
        # The cure that AWS's page gives for an escaped quote, which is no JSON.
        ("""$util.escapeJavaScript("it's").replaceAll("\\\\'","'")""", "it's"),
        ("$util.parseJson('{\"a\": [1, 2]}').a[1]", "2"),
        ("$util.unknown('x')", "$util.unknown('x')"),
    ],
)
def test_functions_of_util(template: str, expected: str) -> None:
    assert text(template) == expected


def test_parameters_are_looked_up_in_path_then_query_then_header() -> None:
    seen = Variables(
        parameters={
            "path": {"id": "from-path"},
            "querystring": {"id": "from-query", "q": "1"},
            "header": {"Accept": "text/plain", "q": "2"},
        }
    )

    template = "$input.params('id') $input.params('q') $input.params('accept') [$input.params('z')]"
    assert render(template, seen).text == "from-path 1 text/plain []"
    assert render("$input.params().path.id $input.params('q').length()", seen).text == "from-path 1"


def test_the_template_of_awss_page_hands_on_all_parameters() -> None:
    template = """
#set($allParams = $input.params())
{ #foreach($type in $allParams.keySet())
  #set($params = $allParams.get($type))
  "$type": { #foreach($paramName in $params.keySet())
    "$paramName": "$util.escapeJavaScript($params.get($paramName))" #if($foreach.hasNext),#end
  #end } #if($foreach.hasNext),#end
#end }"""
    parameters = {"path": {"id": "1"}, "querystring": {"q": 'a"b'}, "header": {"X-A": "é", "Y": ""}}

    rendered = render(template, Variables(parameters=parameters)).text

    assert json.loads(rendered) == parameters


def test_overrides_are_handed_out() -> None:
    rendered = render(
        "#set($context.requestOverride.header.X-Name = 'n')"
        "#set($context.requestOverride.path.key = 'k')"
        "#set($context.requestOverride.querystring.q = 1)"
        "#set($context.responseOverride.status = 413)"
        "#set($context.responseOverride.header.Retry-After = '1')",
        Variables(),
    )

    assert rendered.text == ""
    assert rendered.request == Overrides({"X-Name": "n"}, {"key": "k"}, {"q": 1})
    assert rendered.response == Overrides({"Retry-After": "1"}, status=413)


def test_an_override_is_set_once() -> None:
    once = "#set($context.responseOverride.status = 413)"

    with pytest.raises(VelocityError, match="set twice"):
        render(once + once, Variables())

    # The template of the response may set anew what that of the request set.
    before = render(once, Variables())
    seen = "$context.responseOverride.status#set($context.responseOverride.status = 422)"
    after = render(seen, Variables(before=before))
    assert (after.text, after.response.status) == ("413", 422)


@pytest.mark.parametrize("status", ["'413'", "700", "true", "42"])
def test_a_status_that_is_none_is_ignored(status: str) -> None:
    template = f"#set($context.responseOverride.status = {status})"

    assert render(template, Variables()).response.status is None


@pytest.mark.parametrize(
    "evil",
    [
        "$context.stage",
        "#set($x = 1)#stop",
        "&DelaySeconds=900&Action=DeleteQueue",
        "'\"\\\r\n\x00\x1f",
        "😀 \ud800",
        "$input.body",
        "x" * 100_000,
    ],
)
def test_what_a_caller_sends_is_text_and_never_template(evil: str) -> None:
    rendered = text(
        "$input.path('$.text')|$util.urlEncode($input.path('$.text'))",
        json.dumps({"text": evil}),
        stage="live",
    )

    assert rendered.startswith(f"{evil}|")
    assert not set(rendered.removeprefix(f"{evil}|")) & set("&=\"'\\\r\n\x00# $")


def test_python_is_out_of_reach() -> None:
    for name in ("__class__", "__init__", "upper", "_body", "_known"):
        for root in ("$input", "$util", "$context", "$input.path('$.t')", "$stageVariables"):
            written = f"{root}.{name}"
            assert text(written, '{"t": "a"}') in {written, ""}


def test_a_body_that_is_no_json_is_the_callers_error() -> None:
    with pytest.raises(BodyError, match="Could not parse request body into json"):
        text("$input.json('$')", "hello")

    assert text("$input.body", "hello") == "hello"
    assert text("$input.body $input.json('$')") == "{} {}"


@pytest.mark.parametrize(
    "template",
    [
        "#if($x",
        "#foreach($x in $y) no end",
        "#parse('x')",
        "#include('x')",
        "#evaluate($input.body)",
        "x" * (300 * 1024 + 1),
        "$input.path('$.a[?(@.b > 1)]')",
        "#macro(again)#again()#end#again()",
        "${x|'y'}",
    ],
)
def test_a_template_that_cannot_be_evaluated_is_refused(template: str) -> None:
    with pytest.raises(VelocityError):
        text(template)


def test_a_loop_ends_after_a_thousand_turns() -> None:
    body = json.dumps(list(range(1_500)))

    assert text("#foreach($x in $input.path('$'))i#end", body) == "i" * 1_000
