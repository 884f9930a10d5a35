"""How far a fragment of SQL is grammatical, from where a value was expected. Pure.

Strict about expressions, where prose gives itself away; lenient inside statements, whose
dialects are many.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploy.lab.edge.waf.sql_tokens import Kind, Token
from deploy.lab.edge.waf.words import words

K = Kind
VALUES = frozenset({K.WORD, K.NUMBER, K.STRING, K.OPEN_STRING, K.VARIABLE, K.CONSTANT})
SIGNS = frozenset({"+", "-"})
# Keywords that begin an operand.
OPENING = words("case exists any all some distinct interval row")
# Operators that have no operand behind them, and those whose operand is not any.
POSTFIX = frozenset({"isnull", "notnull"})
NEGATED = frozenset({"not", "is", "sounds"})
# Those that can be called like a function.
CALLED = frozenset({"like", "glob", "regexp"})
IS = frozenset({"null", "true", "false", "unknown"})
# Words that mean prose: no statement has them, and few sentences of some length do not.
PROSE = words(
    "the an of it its my we you he she they this that was were are his her our your me at so "
    "please which who will would should could can about than because there their has have had "
    "what how"
)
# No dialect has more bare words in a row.
MOST_WORDS = 2


@dataclass(frozen=True)
class Reach:
    """The tokens that are grammatical, and what came then.

    `whole` says that nothing else came, `complete` that the fragment could end there.
    """

    body: Sequence[Token]
    whole: bool
    complete: bool


def reach(read: Iterable[Token], *, after_operand: bool) -> Reach:
    """Read on from a place where an operand has just ended, or where one is expected.

    Nothing is read behind the first token that does not fit, so prose costs little.
    """
    body: list[Token] = []
    strict = _Strict(after_operand=after_operand)
    lenient = _Lenient()
    in_statement = False
    for token in read:
        in_statement = in_statement or _begins_statement(token, body, strict)
        if not (lenient if in_statement else strict).takes(token):
            return Reach(body, whole=False, complete=False)
        body.append(token)
    return Reach(body, whole=True, complete=in_statement or strict.after_operand)


class _Strict:
    """An expression: operands and what joins them take turns."""

    def __init__(self, *, after_operand: bool) -> None:
        self.after_operand = after_operand
        self._operator = ""

    def takes(self, token: Token) -> bool:
        if self.after_operand:
            return self._takes_joint(token)
        return self._takes_operand(token)

    def _takes_joint(self, token: Token) -> bool:
        match token.kind:
            case K.COMPARISON | K.ARITHMETIC:
                self._operator = token.text
                self.after_operand = token.text in POSTFIX
            case K.UNARY:  # x not like y
                self._operator = "not"
                self.after_operand = False
            case K.LOGIC | K.COMMA | K.DOT:
                self._operator = token.text
                self.after_operand = False
            case K.RIGHT | K.SEMICOLON | K.COMMENT:
                pass
            case _:
                return False
        return True

    def _takes_operand(self, token: Token) -> bool:
        operator, self._operator = self._operator, ""
        match token.kind:
            case K.COMPARISON if operator in NEGATED or token.text in CALLED:  # x not like y
                self._operator = token.text
            case K.ARITHMETIC if token.text in SIGNS:
                self._operator = token.text
            case K.ARITHMETIC if token.text == "*":  # all columns
                self.after_operand = True
            case K.UNARY:
                self._operator = operator
            case K.CONSTANT if operator == "is":
                self.after_operand = token.text in IS
                return self.after_operand
            case K.LEFT:
                pass
            case K.FUNCTION if operator != "is":
                self.after_operand = False
            case K.RIGHT:  # a call without arguments
                self.after_operand = True
            case kind if kind in VALUES and operator not in {"is", "in"}:
                self.after_operand = True
                return token.text not in PROSE
            case _:
                return False
        return True


def _begins_statement(token: Token, before: Sequence[Token], strict: _Strict) -> bool:
    first = strict.after_operand or not before
    if token.kind in {K.UNION, K.VERB}:
        return first or before[-1].kind in {K.LEFT, K.SEMICOLON}
    return token.kind is K.CLAUSE and (first or token.text in OPENING)


class _Lenient:
    """A statement: anything but prose."""

    def __init__(self) -> None:
        self._row = 0

    def takes(self, token: Token) -> bool:
        self._row = self._row + 1 if token.kind is K.WORD else 0
        return self._row <= MOST_WORDS and token.kind is not K.OTHER and token.text not in PROSE
