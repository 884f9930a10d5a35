"""Evidence that a fragment of SQL is an injection: shapes of what it goes on with. Pure.

Patterns are ours.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.lab.edge.waf.sql_grammar import Reach
from deploy.lab.edge.waf.sql_shapes import (
    AFTER_QUOTE,
    ALONE,
    ANYWHERE,
    ARITHMETIC,
    ASKING_CONDITION,
    BARE_COMMENTS,
    BEHIND,
    CATALOGUES,
    COLUMN_CONDITION,
    CONSTANT_ALONE,
    CONSTANT_CONDITION,
    DANGEROUS,
    LETTERS,
    LIKENESS,
    LIMITING,
    LIMITS,
    NEAR,
    NEXT,
    ODD_OPERATOR,
    PACKAGES,
    POSSESSIVE,
    PROCEDURES,
    SORTING,
    SUBSELECT,
    TRUTH_ALONE,
    WITH_ANYTHING,
    WORDY,
)
from deploy.lab.edge.waf.sql_tokens import Kind, Token

K = Kind


@dataclass(frozen=True)
class Reading:
    """A value read in one context."""

    reached: Reach
    quoted: bool
    sensitive: bool
    # What stands before the quote that closes the application's string.
    lead: str = ""

    @property
    def body(self) -> Sequence[Token]:
        """The tokens that are grammatical."""
        return self.reached.body

    @property
    def letters(self) -> str:
        """The same, a letter for each, and one for whatever came then."""
        read = "".join(LETTERS[token.kind] for token in self.body)
        return read if self.reached.whole else read + "?"

    @property
    def closed(self) -> bool:
        """Whether what the application adds behind the value would still be SQL."""
        if not self.reached.complete:
            return False
        ends = self.body[-1].kind in {K.OPEN_STRING, K.COMMENT, K.SEMICOLON}
        return ends or not self.quoted or self.sensitive


def is_strong(reading: Reading) -> bool:
    """Evidence that needs nothing behind it."""
    letters = reading.letters
    if not reading.quoted and not reading.closed:
        return False
    if CONSTANT_CONDITION.search(letters) and not ARITHMETIC.match(letters):
        return True
    if reading.quoted and (CONSTANT_ALONE.search(letters) or ASKING_CONDITION.search(letters)):
        return True
    return any(
        _selects_more(reading, at) or _begins_statement(reading, at) or _calls(reading, at)
        for at in range(len(reading.body))
    ) or _reads_catalogue(reading)


def _selects_more(reading: Reading, at: int) -> bool:
    """UNION and the like with a SELECT that could be one."""
    body = reading.body
    if body[at].kind is not K.UNION:
        return False
    rest = [token for token in body[at + 1 : at + NEAR] if token.kind is not K.LEFT]
    if rest and rest[0].text in {"all", "distinct", "distinctrow"}:
        rest = rest[1:]
    if len(rest) < 2 or rest[0].text not in {"select", "values", "table"}:  # noqa: PLR2004
        return False
    first, following = rest[1], rest[2] if len(rest) > 2 else None  # noqa: PLR2004
    if first.kind is not K.WORD:
        return True
    if following is None:
        return reading.quoted or body[0].kind is not K.UNION
    return following.kind in {K.COMMA, K.CLAUSE, K.COMMENT, K.SEMICOLON, K.DOT}


def _begins_statement(reading: Reading, at: int) -> bool:
    """Another statement after a semicolon, or without one where a database allows it."""
    body, token = reading.body, reading.body[at]
    if token.kind is not K.VERB:
        return False
    before = body[at - 1].kind if at else None
    stacked = before is K.SEMICOLON
    # Dinner; call me: prose has verbs after semicolons too.
    if stacked and not reading.quoted and not _is_no_prose(reading, at):
        return False
    direct = reading.quoted if at == 0 else before in {K.RIGHT, K.NUMBER, K.STRING}
    allowed = AFTER_QUOTE if reading.quoted else ANYWHERE
    if not stacked and not (direct and token.text in allowed):
        return False
    following = {later.text for later in body[at + 1 : at + 2]}
    if token.text in NEXT:
        return bool(following & NEXT[token.text])
    if token.text == "update":
        return any(later.text == "set" for later in body[at + 1 : at + NEAR])
    return token.text in ALONE or (token.text in WITH_ANYTHING and bool(following))


def _is_no_prose(reading: Reading, at: int) -> bool:
    """Whether a number or the like is before the semicolon, or no word is after the verb."""
    body = reading.body
    if body[0].kind in {K.VERB, K.CLAUSE}:
        return False
    following = body[at + 1].kind if at + 1 < len(body) else None
    precise = following not in {K.WORD, None} or body[at].text in NEXT or body[-1].kind is K.COMMENT
    return precise or body[0].kind is not K.WORD


def _calls(reading: Reading, at: int) -> bool:
    """A function that nobody calls in a value."""
    body, token = reading.body, reading.body[at]
    if token.kind is not K.FUNCTION:
        return PROCEDURES.match(token.text) is not None and at > 0 and token.kind is K.WORD
    owner = body[at - 2].text if at > 1 and body[at - 1].kind is K.DOT else ""
    return owner in PACKAGES or (token.text in DANGEROUS and not owner)


def _reads_catalogue(reading: Reading) -> bool:
    read = reading.body
    if not any(token.kind in {K.VERB, K.UNION} for token in read):
        return False
    named = " ".join(token.text for token in read if token.kind not in {K.STRING, K.OPEN_STRING})
    return CATALOGUES.search(named) is not None


def is_weak(reading: Reading) -> bool:
    """Evidence that counts when all that follows is SQL as well."""
    letters, body = reading.letters, reading.body
    if not reading.reached.whole:
        return False
    if _has_clause(reading):
        return True
    if not reading.closed:
        return False
    if reading.quoted:
        return (
            COLUMN_CONDITION.search(letters) is not None
            or ODD_OPERATOR.search(letters) is not None
            or SUBSELECT.search(letters) is not None
            or _ends_in_comment(reading)
        )
    if TRUTH_ALONE.search(letters) or (LIKENESS.search(letters) and body[1].text.isalpha()):
        return True
    leads = letters[0] in "1k)&(+"
    return (
        (
            leads
            and (
                ASKING_CONDITION.search(letters) is not None
                or (letters[0] != "&" and COLUMN_CONDITION.search(letters) is not None)
                or SUBSELECT.search(letters) is not None
            )
        )
        or (letters[0] in "1)" and _ends_in_comment(reading))
        or (reading.sensitive and letters[0] == "E" and _is_statement(body))
    )


def _has_clause(reading: Reading) -> bool:
    """ORDER BY 5, HAVING 1=1, LIMIT 1, INTO OUTFILE: what would come behind a value."""
    body = reading.body
    cut_off = body[0].kind is K.CLAUSE and body[-1].text.strip() in BARE_COMMENTS
    continuing = reading.quoted or cut_off or body[0].kind in {K.NUMBER, K.CONSTANT, K.RIGHT}
    if not continuing:
        return False
    plain = {K.WORD} if reading.quoted or body[-1].kind is K.COMMENT else set()
    for at, token in enumerate(body[:-1]):
        following = body[at + 1]
        behind = body[at + 2].kind if at + 2 < len(body) else None
        if token.text in SORTING and following.text == "by":
            if behind in {K.NUMBER, K.FUNCTION, K.LEFT} | plain:
                return True
        elif following.text in BEHIND.get(token.text, ()) or (
            token.text == "into" and following.kind is K.VARIABLE
        ):
            return True
        elif token.text in LIMITING and following.kind in LIMITS:
            return reading.quoted or behind not in {K.WORD, K.CLAUSE}
    return False


def _ends_in_comment(reading: Reading) -> bool:
    """`admin'--`: only closing parentheses and the end of a statement before the comment."""
    *before, last = reading.body
    if last.kind is not K.COMMENT:
        return reading.quoted and last.kind is K.SEMICOLON and reading.sensitive
    allowed = {K.RIGHT, K.SEMICOLON} | (set() if reading.quoted else {K.NUMBER})
    if any(token.kind not in allowed for token in before):
        return False
    if not reading.quoted and last.text.strip() not in BARE_COMMENTS:
        return any(token.kind is K.RIGHT for token in before) and len(last.text.split()) < WORDY
    if reading.sensitive:
        return True
    said = len(re.findall(r"[^\W\d_]+", last.text))
    return said < WORDY and not (said and POSSESSIVE.search(reading.lead))


def _is_statement(body: Sequence[Token]) -> bool:
    """A whole statement where a value should be; only the sensitive level minds."""
    named = {token.text for token in body[1:]}
    return bool(named & {"from", "into", "set", "table", "database"})
