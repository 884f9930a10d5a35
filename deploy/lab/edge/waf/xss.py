"""Cross-site scripting, seen by its structure: would a browser find a script in this value? Pure.

A value may come to stand between tags, inside an attribute with or without quotes, or inside a
script's string. Patterns are ours; AWS does not publish its own.
"""

import html
import re

from deploy.lab.edge.waf.transformations import KNOWN
from deploy.lab.edge.waf.words import words

# A tag as browsers find one: up to its end, or to the end of the value.
TAG = re.compile(r"<\s{0,2}(/?[a-z!?%][\w:.-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*'|[\"'])*)(?:>|<|$)")
# These run or load something by themselves, given any attribute.
LOADING = words(
    "iframe frame frameset object embed applet base meta link svg math style isindex import "
    "layer ilayer bgsound xml xss form portal fencedframe animate set foreignobject"
)
HANDLER = re.compile(r"(?:^|[\s/\"'`])on[a-z]{3,30}\s*=")
LINKS = (
    r"(?:href|src|srcset|action|formaction|data|poster|background|to|values|from|code|codebase|"
    r"classid|dynsrc|lowsrc|content|url)"
)
SCHEMES = r"(?:javascript|vbscript|livescript|mocha|data:[\w/+.-]*(?:html|svg|xml|javascript))"
SCRIPTED_LINK = re.compile(rf"{LINKS}\s*=\s*[\"'`]?[^\"'`>]{{0,20}}{SCHEMES}\s*[:;,]")
STYLED = re.compile(
    r"style\s*=.{0,300}(?:expression\s*\(|-moz-binding|behaviou?r\s*:|javascript:)", re.DOTALL
)
EVENTS = (
    "abort|activate|after\\w+|animation\\w+|auxclick|before\\w+|begin|blur|bounce|canplay|change|"
    "click|close|contextmenu|copy|cut|dblclick|drag\\w*|drop|durationchange|end|ended|error|"
    "finish|focus\\w*|formdata|fullscreenchange|hashchange|input|invalid|key\\w+|load\\w*|message|"
    "mouse\\w+|offline|online|page\\w+|paste|pause|play\\w*|pointer\\w+|popstate|progress|repeat|"
    "reset|resize|scroll\\w*|search|seek\\w+|select\\w*|show|start|storage|submit|suspend|toggle|"
    "touch\\w+|transition\\w+|unload|unhandledrejection|volumechange|wheel|wait\\w*"
)
# Out of a quoted attribute into a handler; or a handler with a call, wherever it may land.
QUOTES = re.compile("[\"'`]")
HANDLED = re.compile(rf"[\s/\"'`]on(?:{EVENTS})\s{{0,20}}=\s{{0,20}}[\"'`]?\S")
CALLED = re.compile(rf"(?<![\w.])on(?:{EVENTS})\s*=\s*[\"'`]?\s*[\w.$]*\s*[(`\[]")
SINKS = (
    r"(?:alert|confirm|prompt|eval|fetch|print|import|function|settimeout|setinterval|document|"
    r"window|location|top|self|globalthis)"
)
IN_A_STRING = re.compile(
    rf"^[^\s'\"`]{{0,20}}['\"`]\s*[;)}}\]+*/,|&^-]+.*{SINKS}\s*[(`.\[=]", re.DOTALL
)
WHOLE_LINK = re.compile(
    r"^\W*(?:j\s*a\s*v\s*a|v\s*b)\s*s\s*c\s*r\s*i\s*p\s*t\s*:(?=\S)[^\s]*[(`=%/]"
)
IN_A_TEMPLATE = re.compile(r"constructor|\$eval|\$on|\$new|__proto__")
# Wherever it stands: older browsers end a quoted attribute where they like.
SCRIPT = re.compile(r"<\s{0,2}/?(?:\w{1,20}:)?script(?:[\s/>]|$)")
STYLE_SHEET = re.compile(
    r"<style[^>]{0,200}>[^<]{0,999}(?:@import|expression\s*\(|javascript:|"
    r"behaviou?r\s*:|-moz-binding)"
)
UTF_7 = re.compile(r"\+adw-(?:/?\s*script|\w+[^>]*on\w+)")


def is_script(value: str) -> bool:
    """Whether a browser would run something of this value.

    >>> is_script("<img src=x onerror=alert(1)>"), is_script("a < b and c > d")
    (True, False)
    """
    return any(_is_script(reading) for reading in _readings(value))


def _readings(value: str) -> set[str]:
    plain = html.unescape(value).replace("\0", "")
    readings = {plain.lower()}
    if "\\" in value:
        readings.add(KNOWN["JS_DECODE"](plain).lower())
    if "/*" in plain:
        readings.add(_without_comments(plain).lower())
    # Browsers drop these inside a scheme's name, and only there.
    return readings | {re.sub(r"[\t\n\r]", "", reading) for reading in readings}


def _without_comments(value: str) -> str:
    """The value as style sheets read it. A pattern would look for every end anew."""
    kept, at = [], 0
    while (start := value.find("/*", at)) >= 0 and (end := value.find("*/", start + 2)) >= 0:
        kept.append(value[at:start])
        at = end + 2
    return "".join([*kept, value[at:]])


def _is_script(value: str) -> bool:
    if "<" in value and any(_is_dangerous(found) for found in TAG.finditer(value)):
        return True
    patterns = (SCRIPT, STYLE_SHEET, CALLED, IN_A_STRING, WHOLE_LINK, UTF_7)
    return (
        any(pattern.search(value) for pattern in patterns)
        or any(_breaks_out(value, found) for found in HANDLED.finditer(value))
        or _is_in_template(value)
    )


def _breaks_out(value: str, handler: re.Match[str]) -> bool:
    """Whether a quote closes an attribute before the handler, inside the same tag."""
    start = max(value.rfind(mark, 0, handler.start()) for mark in "<>") + 1
    return QUOTES.search(value, start, handler.start() + 1) is not None


def _is_in_template(value: str) -> bool:
    """Whether double braces hold what breaks out of a client-side template."""
    start, end = value.find("{{"), value.rfind("}}")
    return 0 <= start < end and IN_A_TEMPLATE.search(value, start, end) is not None


def _is_dangerous(tag: re.Match[str]) -> bool:
    name, rest = tag[1], tag[2]
    # Without any attribute it does nothing, and List<Object> is no tag.
    if name.rpartition(":")[2] in LOADING and re.search(r"[\w]", rest):
        return True
    if name == "svg" and not rest.strip():
        return True
    return (
        any(pattern.search(rest) for pattern in (HANDLER, SCRIPTED_LINK, STYLED))
        or "srcdoc" in rest
    )
