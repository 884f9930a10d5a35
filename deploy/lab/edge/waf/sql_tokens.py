"""A tokeniser for SQL as several databases read it, made for fragments. Pure.

It never fails: what no database knows is a token of its own kind, and a string that is not
closed runs to the end. Comments in the middle go, as databases drop them; MySQL's executable
ones are read as what is in them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from deploy.lab.edge.waf.words import words


class Kind(Enum):
    """What a token is to the grammar."""

    WORD = "word"  # an identifier, or anything else that is spelt like one
    NUMBER = "number"
    STRING = "string"
    OPEN_STRING = "open string"  # runs to the end of the input
    VARIABLE = "variable"
    CONSTANT = "constant"  # null, true, false, current_user
    FUNCTION = "function"  # a word directly before a parenthesis
    LOGIC = "logic"
    UNARY = "unary"  # not, !, ~
    COMPARISON = "comparison"
    ARITHMETIC = "arithmetic"
    UNION = "union"
    VERB = "verb"  # begins a statement
    CLAUSE = "clause"  # any other keyword
    LEFT = "("
    RIGHT = ")"
    COMMA = ","
    DOT = "."
    SEMICOLON = ";"
    COMMENT = "comment"  # runs to the end of the input
    OTHER = "other"


@dataclass(frozen=True)
class Token:
    """A piece of the input; `text` is in lower case."""

    kind: Kind
    text: str


LOGIC = words("and or xor")
UNARY = words("not binary")
CONSTANTS = words(
    "null true false unknown current_user session_user current_timestamp current_date sysdate "
    "rownum"
)
COMPARISONS = words(
    "like ilike rlike regexp glob similar sounds between in is escape overlaps isnull notnull"
)
ARITHMETIC = words("div mod collate")
UNIONS = words("union except intersect minus")
VERBS = words(
    "select insert update delete drop create alter truncate exec execute declare grant revoke "
    "shutdown waitfor call merge replace handler load rename backup restore attach pragma copy "
    "kill begin bulk dbcc reconfigure use set if do"
)
CLAUSES = words(
    "from where group order by having limit offset into values as on join left right inner outer "
    "cross natural full all any some distinct distinctrow asc desc case when then else end "
    "procedure outfile dumpfile infile top table database schema view index trigger function user "
    "login role column delay time for returning with recursive rows row only fetch first next "
    "using to exists interval cascade add data local primary key default cursor xml path auto "
    "window over partition sql_calc_found_rows straight_join high_priority temporary "
    "constraint nolock lateral explain analyze program stdin stdout master"
)

_SCAN = re.compile(
    r"""
    (?P<space>[\s\x00\xa0]+)
  | (?P<executable>/\*!\d*|\*/)
  | (?P<inner>/\*.*?\*/)
  | (?P<comment>/\*.*|--(?![0-9]).*|\#.*)
  | (?P<number>0x[0-9a-f]+|0b[01]+|(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)
  | (?P<variable>@@?[\w.$]*|:\w+(?!:)|\$\d+)
  | (?P<prefixed>(?:n|x|b|e|q|u&|_utf8|_latin1|_binary|_ucs2)(?='[^']*'|"[^"]*"))
  | (?P<word>[^\W\d][\w$]*|\\n)
  | (?P<quote>['"`\[])
  | (?P<logic>&&|\|\|)
  | (?P<comparison><=>|<>|!=|==|<=|>=|@>|<@|!~\*?|~\*|:=|[=<>](?![<>]))
  | (?P<arithmetic>::|->>?|\#>>?|<<|>>|[+\-*/%^|&])
  | (?P<unary>[!~])
  | (?P<left>\() | (?P<right>\)) | (?P<comma>,) | (?P<dot>\.) | (?P<semicolon>;)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d][\w$]*")
_CALL = re.compile(r"\s{0,99}(?:/\*.{0,99}?\*/\s{0,99})?\(")
_PLAIN = {
    "logic": Kind.LOGIC,
    "comparison": Kind.COMPARISON,
    "arithmetic": Kind.ARITHMETIC,
    "unary": Kind.UNARY,
    "variable": Kind.VARIABLE,
    "left": Kind.LEFT,
    "right": Kind.RIGHT,
    "comma": Kind.COMMA,
    "dot": Kind.DOT,
    "semicolon": Kind.SEMICOLON,
    "comment": Kind.COMMENT,
    "other": Kind.OTHER,
}
_CLOSING = {"'": "'", '"': '"', "`": "`", "[": "]"}
# Kinds by the word lists above.
_WORDS = {
    **dict.fromkeys(CLAUSES, Kind.CLAUSE),
    **dict.fromkeys(VERBS, Kind.VERB),
    **dict.fromkeys(UNIONS, Kind.UNION),
    **dict.fromkeys(COMPARISONS, Kind.COMPARISON),
    **dict.fromkeys(ARITHMETIC, Kind.ARITHMETIC),
    **dict.fromkeys(CONSTANTS, Kind.CONSTANT),
    **dict.fromkeys(UNARY, Kind.UNARY),
    **dict.fromkeys(LOGIC, Kind.LOGIC),
    "\\n": Kind.CONSTANT,
}
# Words that are followed by a parenthesis and are no functions.
_BEFORE_PARENTHESIS = words(
    "and or xor not in select from where union all any some exists as "
    "by on when then else case having values between like rlike regexp is join using over "
    "distinct limit into with copy exec execute call declare div mod minus "
    "except intersect binary end table"
)


def tokens(fragment: str, *, quote: str = "", doubled: bool = True) -> Iterator[Token]:
    """Read a fragment, up to and with a comment that runs to its end.

    Args:
        fragment: What somebody sent.
        quote: The quote that the application opened before it, if any; the first token is then
            the string up to where the fragment closes it.
        doubled: Whether a doubled quote inside that string is one of its characters.
    """
    at = 0
    if quote:
        first, at = _string(fragment, 0, quote, doubled=doubled)
        yield first
    while found := _SCAN.match(fragment, at):
        kind, raw, at = str(found.lastgroup), found[0].lower(), found.end()
        if kind in {"space", "inner", "executable", "prefixed"}:
            continue
        if kind == "quote":
            token, at = _string(fragment, at, _CLOSING[raw], doubled=True)
            yield token
        elif kind == "number":
            token, at = _number(fragment, raw, at)
            yield token
        elif kind == "word":
            yield Token(_kind_of(raw, fragment, at), raw)
        else:
            yield Token(_PLAIN[kind], raw)


def _string(fragment: str, start: int, closing: str, *, doubled: bool) -> tuple[Token, int]:
    at = start
    while at < len(fragment):
        end = fragment.find(closing, at)
        if end < 0:
            break
        if doubled and fragment.startswith(closing * 2, end):
            at = end + 2
            continue
        kind = Kind.STRING if closing in "'\"" else Kind.WORD
        return Token(kind, fragment[start:end].lower()), end + 1
    return Token(Kind.OPEN_STRING, fragment[start:].lower()), len(fragment)


def _number(fragment: str, raw: str, end: int) -> tuple[Token, int]:
    """A number, unless letters follow that are no keyword: 1or is 1 or, 90s is a word."""
    letters = _LETTERS.match(fragment, end)
    if letters and letters[0].lower() not in _WORDS:
        return Token(Kind.WORD, raw + letters[0].lower()), letters.end()
    return Token(Kind.NUMBER, raw), end


def _kind_of(word: str, fragment: str, end: int) -> Kind:
    if word not in _BEFORE_PARENTHESIS and _CALL.match(fragment, end):
        return Kind.FUNCTION
    return _WORDS.get(word, Kind.WORD)
