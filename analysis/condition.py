"""The language of successCondition and failureCondition: the part of expr-lang that conditions are made of.

Text becomes parts once, with Invalid naming the column; `holds` asks them of a result. Read as expr-lang
v1.17 reads it, precedence included, which an oracle checks; what is left out is named, never misread.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isinf
from typing import Any, NamedTuple

import msgspec

from analysis.expression import (
    FUNCTIONS,
    PREDICATES,
    Both,
    Call,
    Cannot,
    Choice,
    Each,
    Either,
    Index,
    Instead,
    Items,
    Literal,
    Name,
    Negative,
    Not,
    Operation,
    Part,
    Slice,
    kind,
)
from crds.errors import Invalid, NotMeasured

LONGEST = 4096
WORDS: dict[str, Any] = {"true": True, "false": False, "nil": None}
BINDS = {
    **dict.fromkeys(("or", "||"), 10),
    **dict.fromkeys(("and", "&&"), 15),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not in"), 20),
    **dict.fromkeys(("+", "-"), 30),
    **dict.fromkeys(("*", "/", "%"), 60),
    **dict.fromkeys(("^", "**"), 100),
    "??": 500,
}
"""How tightly an operator holds its sides together; `^` alone groups from the right."""
BINDS_ALONE = {"not": 50, "!": 50, "-": 90, "+": 90}
KNOWN = f"known: result, {', '.join(WORDS)}, {', '.join(FUNCTIONS)}, {', '.join(PREDICATES)}"

_TOKEN = re.compile(
    r"""(?P<number>0x[0-9a-fA-F]+(?!\w)|(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?!\w))
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>\?\?|\*\*|&&|\|\||==|!=|<=|>=|[-+*/%^<>!?:.,()\[\]{}\#])""",
    re.VERBOSE,
)
_TEXT = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""")
_WORDS_LEFT_OUT = (
    *("matches", "contains", "startsWith", "endsWith", "let", "if", "type", "int", "float", "string", "get"),
    *("find", "findIndex", "findLast", "findLastIndex", "groupBy", "sort", "sortBy", "reduce", "reverse"),
    *("concat", "flatten", "uniq", "take", "keys", "values", "join", "split", "trim", "upper", "lower"),
    *("replace", "repeat", "indexOf", "hasPrefix", "hasSuffix", "now", "duration", "date", "timezone"),
    *("toJSON", "fromJSON", "toPairs", "fromPairs", "toBase64", "fromBase64", "bitand", "bitor", "bitxor"),
)
_LEFT_OUT = re.compile(rf"\b(?:{'|'.join(_WORDS_LEFT_OUT)})\b|\?\.|\.\.|;|(?<!\|)\|(?!\|)|#acc|#index|\$env")
"""What expr-lang knows and is not read here."""
_SPACE = re.compile(r"\s*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class Undecided(msgspec.Struct, frozen=True):
    """A condition that has no answer for this result, and why."""

    why: str


class Condition(msgspec.Struct, frozen=True):
    text: str
    part: Part


@lru_cache(maxsize=512)
def parse(text: str, path: str) -> Condition:
    """Invalid names `path`, where the condition stands, and the column."""
    try:
        return Condition(text, _read(_Reader(_tokens(text, path), path)))
    except RecursionError:
        raise Invalid(path, "is nested too deeply; simplify it") from None
    except Invalid as mistake:
        if left_out := _LEFT_OUT.search(_TEXT.sub("''", text)):
            problem = f"{left_out[0]} is expr-lang's and not acted on here; {mistake.problem}"
            raise NotMeasured(path, problem) from None
        raise


def _read(reader: _Reader) -> Part:
    part = reader.expression()
    if reader.here.sort:
        raise reader.wrong("an operator, or the end, was expected")
    return part


def holds(condition: Condition, result: Any) -> bool | Undecided:
    """Whether it is true of `result`: None, numbers, text, and lists and mappings of them."""
    try:
        found = condition.part.value({"result": result})
    except Cannot as problem:
        return Undecided(f"{condition.text}: {problem}")
    except ArithmeticError:
        return Undecided(f"{condition.text}: a number is too large")
    except RecursionError:
        return Undecided(f"{condition.text}: is nested too deeply; simplify it")
    if not isinstance(found, bool):
        return Undecided(f"{condition.text}: expected true or false, got {kind(found)}")
    return found


class _Token(NamedTuple):
    """`sort` is number, text, name or sign; "" at the end."""

    sort: str
    text: str
    column: int


def _tokens(text: str, path: str) -> list[_Token]:
    if len(text) > LONGEST:
        raise Invalid(path, f"is longer than {LONGEST} characters; shorten it")
    tokens, at = [], _space(text, 0)
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Invalid(path, f"column {at + 1}: {text[at : at + 10]!r} cannot be read")
        tokens.append(_Token(str(found.lastgroup), found[0], at + 1))
        at = _space(text, found.end())
    return [*tokens, _Token("", "", len(text) + 1)]


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


class _Reader:
    """Goes through the tokens once; each method reads what its name says, and stands behind it then."""

    def __init__(self, tokens: list[_Token], path: str) -> None:
        self._tokens, self._path = tokens, path
        self._at = 0
        self._in_predicate = False

    @property
    def here(self) -> _Token:
        return self._tokens[self._at]

    def wrong(self, problem: str) -> Invalid:
        if self.here.sort:
            return Invalid(self._path, f"column {self.here.column}: {self.here.text!r}: {problem}")
        cut = any(token.text in PREDICATES for token in self._tokens)
        fix = "; quote the condition, for to YAML a bare # begins a comment" if cut else ""
        return Invalid(self._path, f"column {self.here.column}: the end: {problem}{fix}")

    def expression(self) -> Part:
        part = self._operation(0)
        if not self._take("?"):
            return part
        then = self.expression()
        self._must(":")
        return Choice(part, then, self.expression())

    def _operation(self, tightest: int) -> Part:
        left, before = self._single(), ""
        while (sign := self._operator()) and BINDS[sign] >= tightest:
            if before == "??" != sign:
                raise self.wrong("cannot stand beside ??; put one of the two in brackets")
            before = sign
            self._at += 1 + (sign == "not in")
            right = self._operation(BINDS[sign] + (sign not in ("^", "**")))
            left = _joined(sign, left, right)
        return left

    def _operator(self) -> str:
        """The operator that stands here, if one does."""
        text = self.here.text if self.here.sort in ("sign", "name") else ""
        if text == "not" and self._tokens[self._at + 1].text == "in":
            return "not in"
        return text if text in BINDS else ""

    def _single(self) -> Part:
        sign = self.here.text if self.here.sort in ("sign", "name") else ""
        if sign not in BINDS_ALONE:
            return self._followed(self._first())
        self._at += 1
        of = self._operation(BINDS_ALONE[sign])
        if sign in ("not", "!"):
            return Not(of)
        return Negative(of if sign == "-" else Negative(of))

    def _followed(self, part: Part) -> Part:
        """What is picked out of it: `[0]`, `.field`."""
        while True:
            if self._take("["):
                part = self._picked(part)
            elif self._take("."):
                part = Index(part, Literal(self._field()))
            else:
                return part

    def _picked(self, part: Part) -> Part:
        """`[0]`, or `[1:3]` with either end left out."""
        nothing = Literal(None)
        start = nothing if self.here.text == ":" else self.expression()
        if not self._take(":"):
            self._must("]")
            return Index(part, start)
        end = nothing if self.here.text == "]" else self.expression()
        self._must("]")
        return Slice(part, start, end)

    def _first(self) -> Part:
        token = self.here
        match token.sort:
            case "number" | "text":
                self._at += 1
                return Literal(self._number(token) if token.sort == "number" else _unquoted(token.text))
            case "name":
                return self._named()
            case "sign" if token.text in ("#", ".") and self._in_predicate:
                return self._item()
            case _:
                return self._bracketed()

    def _number(self, token: _Token) -> int | float:
        text = token.text.replace("_", "")
        number = int(text, 0 if "x" in text else 10) if re.fullmatch(r"\d+|0x.*", text) else float(text)
        if number >= 2**63 if isinstance(number, int) else isinf(number):
            raise Invalid(self._path, f"column {token.column}: {token.text} is too large")
        return number

    def _named(self) -> Part:
        name, calls = self.here.text, self._tokens[self._at + 1].text == "("
        if calls and name in (*FUNCTIONS, *PREDICATES):
            self._at += 2
            return self._each(name) if name in PREDICATES else self._call(name)
        if calls or name not in ("result", *WORDS):
            raise self.wrong(f"is not known; {KNOWN}")
        self._at += 1
        return Literal(WORDS[name]) if name in WORDS else Name(name)

    def _call(self, name: str) -> Part:
        arguments = self._list(")")
        wanted = FUNCTIONS[name][0]
        if wanted not in (None, len(arguments)):
            raise self.wrong(f"before it, {name}() has {len(arguments)} arguments; it takes {wanted}")
        return Call(name, arguments)

    def _each(self, name: str) -> Part:
        over = self.expression()
        self._must(",")
        if self._in_predicate:
            raise NotMeasured(self._path, self.wrong("a predicate within a predicate; write it flat").problem)
        self._in_predicate = True
        braced = self._take("{")
        predicate = self.expression()
        if braced:
            self._must("}")
        self._in_predicate = False
        self._must(")")
        return Each(name, over, predicate)

    def _item(self) -> Part:
        """`#`, or `.field` for `#.field`."""
        if self._take("#"):
            return Name("#")
        self._must(".")
        return Index(Name("#"), Literal(self._field()))

    def _field(self) -> str:
        token = self.here
        if token.sort != "name":
            raise self.wrong("a field's name was expected")
        self._at += 1
        return token.text

    def _bracketed(self) -> Part:
        if self._take("("):
            part = self.expression()
            self._must(")")
            return part
        if self._take("["):
            return Items(self._list("]"))
        raise self.wrong("a value was expected")

    def _list(self, end: str) -> tuple[Part, ...]:
        parts: list[Part] = []
        while not self._take(end):
            parts.append(self.expression())
            if self._take(end):
                break
            self._must(",")
        return tuple(parts)

    def _take(self, sign: str) -> bool:
        found = self.here.sort == "sign" and self.here.text == sign
        self._at += found
        return found

    def _must(self, sign: str) -> None:
        if not self._take(sign):
            raise self.wrong(f"{sign!r} was expected")


def _joined(sign: str, left: Part, right: Part) -> Part:
    match sign:
        case "and" | "&&":
            return Both(left, right)
        case "or" | "||":
            return Either(left, right)
        case "??":
            return Instead(left, right)
        case "not in":
            return Not(Operation("in", left, right))
        case _:
            return Operation(sign, left, right)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
