"""How far a fragment of SQL is grammatical, from where a value was expected. Pure.

Strict about expressions, where prose gives itself away; lenient inside statements, whose
dialects are many.
"""

from collections.abc import Sequence
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
    """How many tokens are grammatical, and whether the fragment could end there."""

    tokens: int
    complete: bool


def reach(body: Sequence[Token], *, after_operand: bool) -> Reach:
    """Read on from a place where an operand has just ended, or where one is expected."""
    strict = _Strict(after_operand=after_operand)
    for at, token in enumerate(body):
        if _begins_statement(body, at, strict):
            return _lenient(body, at)
        if not strict.takes(token, body[at + 1] if at + 1 < len(body) else None):
            return Reach(at, complete=False)
    return Reach(len(body), complete=strict.after_operand)


class _Strict:
    """An expression: operands and what joins them take turns."""

    def __init__(self, *, after_operand: bool) -> None:
        self.after_operand = after_operand
        self._operator = ""

    def takes(self, token: Token, following: Token | None) -> bool:
        if self.after_operand:
            return self._takes_joint(token)
        return self._takes_operand(token, following)

    def _takes_joint(self, token: Token) -> bool:
        match token.kind:
            case K.OPERATOR:
                self._operator = token.text
                self.after_operand = token.text in POSTFIX
            case K.UNARY:  # x not like y
                self._operator = "not"
                self.after_operand = False
            case K.LOGIC | K.COMMA | K.STAR | K.DOT:
                self._operator = token.text
                self.after_operand = False
            case K.RIGHT | K.SEMICOLON | K.COMMENT:
                pass
            case _:
                return False
        return True

    def _takes_operand(self, token: Token, following: Token | None) -> bool:
        operator, self._operator = self._operator, ""
        match token.kind:
            case K.OPERATOR if operator == "not" or token.text in SIGNS:
                self._operator = token.text
            case K.UNARY:
                self._operator = operator
            case K.CONSTANT if operator == "is":
                self.after_operand = token.text in IS
                return self.after_operand
            case K.LEFT:
                pass
            case K.FUNCTION if operator != "is":
                self.after_operand = False
                return following is not None
            case K.RIGHT:  # a call without arguments
                self.after_operand = True
            case kind if kind in VALUES and operator not in {"is", "in"}:
                self.after_operand = True
                return token.text not in PROSE
            case K.STAR:
                self.after_operand = True
            case _:
                return False
        return True


def _begins_statement(body: Sequence[Token], at: int, strict: _Strict) -> bool:
    token = body[at]
    if token.kind in {K.UNION, K.VERB}:
        return strict.after_operand or at == 0 or body[at - 1].kind in {K.LEFT, K.SEMICOLON}
    if token.kind is K.CLAUSE:
        return strict.after_operand or at == 0 or token.text in OPENING
    return False


def _lenient(body: Sequence[Token], start: int) -> Reach:
    row = 0
    for at in range(start, len(body)):
        token = body[at]
        row = row + 1 if token.kind is K.WORD else 0
        if row > MOST_WORDS or token.kind is K.OTHER or token.text in PROSE:
            return Reach(at, complete=False)
    return Reach(len(body), complete=True)
