"""AWS's managed rule groups by their names, and our own patterns under them.

Names, order and limits are those of "Baseline rule groups" and "Use-case specific rule groups"
in the AWS WAF developer guide (November 2026). What AWS's rules look for it keeps to itself;
what these look for is ours, so a request may be blocked here and not there, or the other way
round.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from deploy.lab.edge.waf import inclusion, sqli, xss
from deploy.lab.edge.waf.components import (
    arguments,
    body,
    cookies,
    headers,
    path,
    query,
    whole_body,
)
from deploy.lab.edge.waf.requests import (
    BODY_LIMIT_BYTES,
    Evaluation,
    Request,
    UnsupportedError,
    size,
)
from deploy.lab.edge.waf.words import words

Test = Callable[[str], bool]
Look = Callable[[Request], Iterable[str]]


@dataclass(frozen=True)
class Member:
    """A rule of a managed rule group; all of them block."""

    name: str
    label: str
    matches: Callable[[Evaluation], bool]


def group(vendor: str, name: str) -> tuple[Member, ...]:
    """The rules of a managed rule group, in AWS's order.

    Raises:
        UnsupportedError: The lab does not have it.
    """
    if vendor != "AWS" or name not in GROUPS:
        raise UnsupportedError(
            f"the managed rule group {vendor} {name}: the lab has AWS's {', '.join(sorted(GROUPS))}"
        )
    return GROUPS[name]


def _any(look: Look, test: Test) -> Callable[[Evaluation], bool]:
    return lambda evaluation: any(test(part) for part in evaluation.parts(look))


def _matches(*patterns: str, needs: Iterable[str] = ("",)) -> Test:
    """Search for any of the patterns, where there is one of the texts that they all need.

    Both are in lower case. Looking for a text is many times as fast as for a pattern.
    """
    compiled, needed = re.compile("|".join(patterns)), tuple(needs)

    def test(part: str) -> bool:
        lowered = part.lower()
        return any(one in lowered for one in needed) and compiled.search(lowered) is not None

    return test


# ---- what some of the rules look for ----

SCANNERS = _matches(
    r"\b(nessus|nmap|sqlmap|nikto|masscan|zgrab|nuclei|acunetix|netsparker|w3af|arachni|dirbuster|"
    r"gobuster|dirb|wpscan|openvas|havij|zmeu|jorgee|whatweb|skipfish|wfuzz|ffuf|feroxbuster|"
    r"burpcollaborator|qualys|appscan|webinspect|morfeus|fimap|commix|xsstrike|joomscan|"
    r"hydra|brutus|blackwidow|grendel-scan|paros|webshag|vega|golismero|struts-pwn)\b"
)
RESTRICTED = _matches(
    r"\.(?:log|ini|conf|cfg|config|bak|backup|old|orig|swp|swo|sav|tmp|temp|dump|sql|sqlite3?|mdb|"
    r"db|dbf|dll|exe|cmd|bat|sys|pem|key|pfx|p12|jks|htaccess|htpasswd|env|dat|cs|vb|"
    r"vbproj|csproj|resx|resources|licx|asa|asax|ascx|backup\d*|bkp|reg|rdb|cert?|axd|pol|printer)/?$"
)
EXPLOITABLE = _matches(
    r"(?:^|/)(?:web-inf|meta-inf|\.git|\.svn|\.hg|\.bzr|\.aws|\.ssh|\.docker|\.kube|\.vscode|"
    r"\.idea|\.env(?:\.\w+)?|\.htaccess|\.htpasswd|\.ds_store|\.npmrc|\.bash_history|cgi-bin|"
    r"server-(?:status|info)|phpmyadmin|pma|adminer(?:-[\d.]+)?\.php|wp-config\.php\S*|xmlrpc\.php|"
    r"phpinfo\.php|eval-stdin\.php|shell\.php|cmd\.jsp|jmx-console|web-console|invoker|"
    r"manager/html|host-manager|_ignition|telescope|hnap1|boaform|goform|solr/admin|druid/index\.html|"
    r"actuator/(?:env|heapdump|gateway|jolokia|threaddump|logfile|shutdown)|jolokia|"
    r"console/(?:images|css)/|_async/asyncresponseservice|wls-wsat|autodiscover/autodiscover\.json|"
    r"owa/auth|ecp/|remote/fgt_lang|dana-na|vpns?/\.\.|tmui/|mgmt/tm/|cgi/mainfunction\.cgi|"
    r"vendor/phpunit|struts2?-showcase|elmah\.axd|trace\.axd|setup\.cgi|geoserver/web)(?:/|$|\?|;)",
)
DESERIALIZATION = _matches(
    r"\bro0ab[a-z0-9+/]",
    # Bytes that are no text are as `requests.text` reads them.
    r"\udcac\udced\x00\x05|\\xac\\xed\\x00\\x05|aced0005",
    r"java\.lang\.(?:runtime|processbuilder|class|system|thread)\b\s*[.()@]",
    r"\bgetruntime\s*\(\s*\)|\bprocessbuilder\s*\(",
    r"class\.module\.classloader|class\[.?module|\bclassloader\.(?:resources|urls)",
    r"org\.apache\.(?:commons\.(?:collections|beanutils|fileupload)|xalan|tomcat\.util|struts2?)\.\w",
    r"com\.sun\.(?:rowset|org\.apache|jndi)\.\w|javax\.(?:script\.scriptengine|management|naming)\w*[.(]",
    r"org\.springframework\.(?:context\.support\.\w+xmlapplicationcontext|expression\.spel|"
    r"beans\.factory\.(?:objectfactory|config\.\w+factorybean))",
    r"org\.(?:codehaus\.groovy\.runtime|hibernate\.(?:engine|property)|mozilla\.javascript)\.\w",
    r"#_memberaccess|@ognl\.|#context\[|(?:\$|%|#|\*)\{[^}]{0,200}(?:t\s*\(\s*java|new\s+java|@java|getclass\s*\(|forname\s*\()",
    r"freemarker\.template\.utility\.execute|\bysoserial\b|<java\s[^>]{0,200}xmldecoder|java\.beans\.xmldecoder",
    r"\.getclass\s*\(\s*\)\s*\.(?:forname|getclassloader|protectiondomain)",
    needs=words(
        "ro0ab \udcac\udced \\xac aced0005 java getruntime processbuilder classloader class[ { "
        "org. com.sun #_memberaccess @ognl #context[ freemarker ysoserial getclass"
    ),
)
REACT = _matches(
    r"\$\d+:(?:__proto__|constructor)",
    r"\"_prefix\"\s*:.{0,999}\"_response\"|\"_response\"\s*:.{0,999}\"_prefix\"",
)
EXTENDED = _matches(
    r"\binformation_schema\s*\.\s*\w",
    r"\b(?:exec(?:ute)?\s+(?:master\s*\.+\s*)?)?xp_(?:cmdshell|dirtree|regread|fileexist)\b",
    r"\bwaitfor\s+delay\s*'|\binto\s+(?:out|dump)file\s*['\"]",
    r"\b(?:load_file|pg_sleep|pg_read_file|extractvalue|updatexml)\s*\(\s*[\w'\"]",
    r"\bbenchmark\s*\(\s*[\de]+\s*,|\bdbms_(?:pipe\.receive_message|lock\.sleep)\s*\(",
    r"\bunion(?:\s|/\*.{0,40}?\*/|\(){1,20}(?:all|distinct)?(?:\s|/\*.{0,40}?\*/|\(){0,20}select\b[\s(]*(?:null|@@|0x|\d+\s*,|char\()",
    r"\b(?:select|union|from|where|or|and)/\*[^*]{0,40}\*/[\w'\"(]",
    r"@@version\b|\bselect\b.{0,60}\bsqlite_(?:master|schema)\b",
    needs=words(
        "information_schema xp_ waitfor outfile dumpfile load_file pg_sleep pg_read_file "
        "extractvalue updatexml benchmark dbms_ union @@version /* sqlite_"
    ),
)
LOCALHOST = _matches(r"^localhost(?::\d+)?$")


def _core() -> Iterator[Member]:
    add = partial(_member, "core-rule-set")
    yield add("NoUserAgent_HEADER", "NoUserAgent_Header", _has_no_agent)
    yield add("UserAgent_BadBots_HEADER", "BadBots_Header", _any(headers("user-agent"), SCANNERS))
    for name, label, look, limit in (
        ("QUERYSTRING", "QueryString", lambda request: [request.query], 2048),
        ("Cookie_HEADER", "Cookie_Header", headers("cookie"), 10_240),
    ):
        yield add(f"SizeRestrictions_{name}", f"SizeRestrictions_{label}", _larger(look, limit))
    yield add("SizeRestrictions_BODY", "SizeRestrictions_Body", _has_large_body)
    yield add(
        "SizeRestrictions_URIPATH",
        "SizeRestrictions_URIPath",
        _larger(lambda request: [request.path], 1024),
    )
    everywhere = (("BODY", "Body", body), ("URIPATH", "URIPath", path))
    with_arguments = (*everywhere, ("QUERYARGUMENTS", "QueryArguments", arguments))
    with_cookies = (*with_arguments, ("COOKIE", "Cookie", cookies))
    for kind, test, places in (
        ("EC2MetaDataSSRF", inclusion.is_metadata, with_cookies),
        ("GenericLFI", inclusion.is_local_file, with_arguments),
        ("RestrictedExtensions", _is_restricted, with_arguments[1:]),
        ("GenericRFI", inclusion.is_remote_file, with_arguments),
        ("CrossSiteScripting", xss.is_script, with_cookies),
    ):
        for name, label, look in places:
            steps = kind == "GenericLFI" and look is path
            looked_for = inclusion.leaves_the_root if steps else test
            yield add(f"{kind}_{name}", f"{kind}_{label}", _any(look, looked_for))


def _known_bad() -> Iterator[Member]:
    add = partial(_member, "known-bad-inputs")
    places = (
        ("HEADER", "Header", headers()),
        ("BODY", "Body", body),
        ("URIPATH", "URIPath", path),
        ("QUERYSTRING", "QueryString", lambda request: [*query(request), *arguments(request)]),
    )
    for name, label, look in places:
        yield add(
            f"JavaDeserializationRCE_{name}",
            f"JavaDeserializationRCE_{label}",
            _any(look, DESERIALIZATION),
        )
    # The lab's addresses are 127.x, so only the name itself can be meant.
    yield add("Host_localhost_HEADER", "Host_Localhost_Header", _any(headers("host"), LOCALHOST))
    yield add("PROPFIND_METHOD", "Propfind_Method", lambda e: e.request.method == "PROPFIND")
    yield add("ExploitablePaths_URIPATH", "ExploitablePaths_URIPath", _any(path, EXPLOITABLE))
    for name, label, look in places:
        yield add(f"Log4JRCE_{name}", f"Log4JRCE_{label}", _any(look, inclusion.is_jndi))
    yield add("ReactJSRCE_BODY", "ReactJSRCE_Body", _any(whole_body, REACT))


def _sql() -> Iterator[Member]:
    add = partial(_member, "sql-database")
    yield add("SQLi_QUERYARGUMENTS", "SQLi_QueryArguments", _any(arguments, sqli.is_injection))
    yield add(
        "SQLiExtendedPatterns_QUERYARGUMENTS",
        "SQLiExtendedPatterns_QueryArguments",
        _any(arguments, EXTENDED),
    )
    yield add("SQLi_BODY", "SQLi_Body", _any(body, sqli.is_injection))
    yield add("SQLiExtendedPatterns_BODY", "SQLiExtendedPatterns_Body", _any(body, EXTENDED))
    yield add("SQLi_COOKIE", "SQLi_Cookie", _any(cookies, sqli.is_injection))
    yield add("SQLi_URIPATH", "SQLi_URIPath", _any(path, sqli.is_injection))


def _member(namespace: str, name: str, label: str, matches: Callable[[Evaluation], bool]) -> Member:
    return Member(name, f"awswaf:managed:aws:{namespace}:{label}", matches)


def _has_no_agent(evaluation: Evaluation) -> bool:
    return not evaluation.request.header("user-agent")


def _has_large_body(evaluation: Evaluation) -> bool:
    return evaluation.request.body_is_cut or len(evaluation.request.body) > BODY_LIMIT_BYTES


def _larger(look: Look, limit: int) -> Callable[[Evaluation], bool]:
    return lambda evaluation: any(size(part) > limit for part in look(evaluation.request))


def _is_restricted(part: str) -> bool:
    return " " not in part and RESTRICTED(part)


GROUPS = {
    "AWSManagedRulesCommonRuleSet": tuple(_core()),
    "AWSManagedRulesKnownBadInputsRuleSet": tuple(_known_bad()),
    "AWSManagedRulesSQLiRuleSet": tuple(_sql()),
}
