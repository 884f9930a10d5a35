"""SQL injection, seen by its structure: does a value go on as SQL where a value should end?

An injected value is written to be read inside somebody's statement: bare, or after a quote
that the application opened. It is read in each of these contexts. Prose, names and code have
quotes and keywords too, but hardly ever go on as a *grammatical* expression that also does
something: joins a condition that is a constant, reads another table, begins another statement,
sleeps, or comments the rest away. Patterns are ours; AWS does not publish its own.
"""

import re
from collections.abc import Iterator
from itertools import chain

from deploy.lab.edge.waf.sql_evidence import Reading, is_strong, is_weak
from deploy.lab.edge.waf.sql_grammar import reach
from deploy.lab.edge.waf.sql_tokens import Kind, tokens

# What a bare value begins with when it goes on behind an operand of the application's.
CONTINUING = {
    Kind.LOGIC,
    Kind.UNION,
    Kind.RIGHT,
    Kind.SEMICOLON,
    Kind.COMMENT,
    Kind.CLAUSE,
}


def is_injection(value: str, *, sensitive: bool = False) -> bool:
    """Whether a value is SQL that breaks out of its place; `sensitive` is AWS's level HIGH."""
    return any(
        is_strong(reading) or (is_weak(reading) and not (reading.quoted and _is_prose(value)))
        for reading in _readings(value, sensitive=sensitive)
    )


def _readings(value: str, *, sensitive: bool) -> Iterator[Reading]:
    if "\\'" in value or '\\"' in value:
        # Somebody escaped the quotes for a database that does not read backslashes.
        yield from _readings(re.sub(r"(?<!\\)\\+(?=['\"])", "", value), sensitive=sensitive)
    contexts = [("", True)]
    for quote in "'\"`":
        if quote in value:
            contexts.append((quote, True))
            if quote * 2 in value:
                contexts.append((quote, False))
    for quote, doubled in contexts:
        read = tokens(value, quote=quote, doubled=doubled)
        first = next(read, None)
        if first is None or (quote and first.kind is Kind.OPEN_STRING):
            continue
        rest = read if quote else chain([first], read)
        reached = reach(rest, after_operand=bool(quote) or first.kind in CONTINUING)
        if reached.body:
            yield Reading(reached, bool(quote), sensitive, first.text if quote else "")


# ---- prose ----

_QUOTED = re.compile(
    r"(?:^|(?<=[\s(\[{,:;=]))(['\"`])(?=\S)([^'\"`]*?)(?<=\S)\1(?=$|[\s)\]},.:;!?])"
)


def _is_prose(value: str) -> bool:
    """Whether every quote is a quotation mark of a text, with words outside them."""
    outside, quotations = _QUOTED.subn(" ", value)
    if not quotations:
        return False
    outside = re.sub(r"(?<=\w)'(?=\w)", "", outside)
    return not re.search(r"['\"`]", outside) and re.search(r"[^\W\d_]", outside) is not None
