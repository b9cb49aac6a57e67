"""Regular expressions to expressions over bytes: what Python's `re` and ECMAScript mean alike.

Literals, `.`, classes, `\\d \\w \\s` (ASCII), groups, alternatives and repetitions; `^` and `$` at the two
ends. What looks around, refers back or asks for a mode is refused by name. `.` is any character but the line
ends of ECMAScript. A lazy repetition means what a greedy one does.
"""

from __future__ import annotations

import re
from typing import NoReturn

from pagelm.errors import GrammarError
from pagelm.structured.characters import (
    ANY,
    CharacterSet,
    Spelling,
    character_set,
    characters,
    complement,
    spell_plainly,
)
from pagelm.structured.expressions import EMPTY, Expression, Repeat, chain, choice, is_nullable

MAX_PATTERN_CHARACTERS = 4096
MAX_REPEAT = 10_000
"""Greatest bound of a repetition, and greatest product of the bounds of those that hold each other."""
MAX_EMPTY_ROUNDS = 64
MAX_GROUPS_DEEP = 64

DIGITS = character_set([(0x30, 0x39)])
WORD = character_set([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
SPACE = characters(" \t\n\r\f\v")
NOT_LINE_END = complement(characters("\n\r\u2028\u2029"))
_CLASSES = {"d": DIGITS, "w": WORD, "s": SPACE}
_CLASSES |= {name.upper(): complement(members) for name, members in _CLASSES.items()}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_HEX_DIGITS = {"x": 2, "u": 4}
_HEX = re.compile("[0-9A-Fa-f]{1,4}")
_COUNTS = re.compile(r"\{(?P<least>[0-9]{1,9})(?:(?P<comma>,)(?P<most>[0-9]{1,9})?)?\}")
_UP_TO = re.compile(r"\{,[0-9]*\}")
_SHORT_REPEATS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_GROUP_NAME = re.compile(r"P?<[A-Za-z_]\w*>")
_LOOKS = {"=": "a lookahead", "!": "a lookahead", "<=": "a lookbehind", "<!": "a lookbehind"}


def parse_pattern(
    pattern: str, *, name: str, spelling: Spelling = spell_plainly, anchored: bool = True
) -> Expression:
    """What the whole text has to be.

    Args:
        pattern: Of at most 4,096 characters.
        name: Where it stands, for messages.
        spelling: How the text says a character.
        anchored: Whether the pattern describes the whole text, `^` and `$` or not. Else, as in JSON Schema,
            anything may stand before a pattern without `^` and after one without `$`.

    Raises:
        GrammarError: It is no pattern, or has something that is not supported; the message names it.
    """
    return _Parser(pattern, name, spelling).parse(anchored)


class _Parser:
    """Recursive descent; each level returns an expression and the greatest product of bounds inside it."""

    def __init__(self, pattern: str, name: str, spelling: Spelling) -> None:
        self._pattern = pattern
        self._name = name
        self._spell = spelling
        self._at = 0
        self._deep = 0
        if len(pattern) > MAX_PATTERN_CHARACTERS:
            self._refuse("is too long", f"at most {MAX_PATTERN_CHARACTERS} characters")

    def parse(self, anchored: bool) -> Expression:
        anything = Repeat(self._spell(ANY), 0, None)
        options: list[Expression] = []
        while not options or self._take("|"):
            starts = self._take("^")
            expression, _ = self._sequence()
            ends = self._take("$")
            before = EMPTY if anchored or starts else anything
            after = EMPTY if anchored or ends else anything
            options.append(chain(before, expression, after))
        if self._at < len(self._pattern):
            self._refuse_next()
        return choice(options)

    def _alternatives(self) -> tuple[Expression, int]:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return choice([expression for expression, _ in options]), max(bound for _, bound in options)

    def _sequence(self) -> tuple[Expression, int]:
        parts: list[Expression] = []
        bounds = [1]
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)^$":
            expression, bound = self._repeated()
            parts.append(expression)
            bounds.append(bound)
        return chain(*parts), max(bounds)

    def _repeated(self) -> tuple[Expression, int]:
        expression, bound = self._atom()
        start = self._at
        self._refuse_up_to()
        if match := _COUNTS.match(self._pattern, self._at):
            self._at = match.end()
            minimum = int(match["least"])
            maximum = int(match["most"]) if match["most"] else (None if match["comma"] else minimum)
        elif self._at < len(self._pattern) and self._pattern[self._at] in _SHORT_REPEATS:
            minimum, maximum = _SHORT_REPEATS[self._pattern[self._at]]
            self._at += 1
        else:
            return expression, bound
        bound *= max(1, minimum, maximum or 0)
        if bound > MAX_REPEAT:
            self._refuse(
                f"repeats {bound} times at character {start}", f"at most {MAX_REPEAT}, nested ones multiplied"
            )
        if maximum is not None and maximum < minimum:
            self._refuse(
                f"repeats {match and match.group()} at character {start}", "the smaller number first"
            )
        if self._take("+"):
            self._refuse(f"has a possessive repetition at character {start}", "one without the second +")
        if maximum != 1 and bound > MAX_EMPTY_ROUNDS and maximum is not None and is_nullable(expression):
            self._refuse(
                f"repeats up to {maximum} times at character {start} what may be empty",
                f"at most {MAX_EMPTY_ROUNDS} rounds of it, or * and +",
            )
        self._take("?")
        if self._at < len(self._pattern) and self._pattern[self._at] in "*+?":
            self._refuse(f"has two repetitions at character {start}", "a group between them")
        return Repeat(expression, minimum, maximum), bound

    def _atom(self) -> tuple[Expression, int]:
        self._refuse_up_to()
        if self._pattern[self._at] == "(":
            return self._group()
        if self._pattern[self._at] in "*+?" or _COUNTS.match(self._pattern, self._at):
            self._refuse(f"has nothing to repeat at character {self._at}", "something before it")
        if self._take("["):
            members = self._class()
        elif self._take("."):
            members = NOT_LINE_END
        else:
            members = self._character_or_class(inside="")
        return self._spell(members), 1

    def _group(self) -> tuple[Expression, int]:
        start = self._at
        self._at += 1
        if self._take("?"):
            for look, meaning in _LOOKS.items():
                if self._pattern.startswith(look, self._at):
                    self._refuse(f"has {meaning} at character {start}", "a pattern without one")
            if name := _GROUP_NAME.match(self._pattern, self._at):
                self._at = name.end()
            elif not self._take(":"):
                self._refuse(
                    f"has (?{self._pattern[self._at : self._at + 1]} at character {start}",
                    "(?:…) or (?<name>…)",
                )
        self._deep += 1
        if self._deep > MAX_GROUPS_DEEP:
            self._refuse("has too many groups inside each other", f"at most {MAX_GROUPS_DEEP}")
        inside = self._alternatives()
        self._deep -= 1
        if not self._take(")"):
            if self._at < len(self._pattern):
                self._refuse_next()
            self._refuse(f"has a group that never ends at character {start}", "a )")
        return inside

    def _class(self) -> CharacterSet:
        start = self._at - 1
        negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        begun = False
        while not (begun and self._take("]")):
            if self._at >= len(self._pattern) or (not begun and self._pattern[self._at] == "]"):
                self._refuse(
                    f"has a set that never ends, or is empty, at character {start}", "a ], after something"
                )
            begun = True
            ranges += self._class_range()
        members = character_set(ranges)
        return complement(members) if negated else members

    def _class_range(self) -> CharacterSet:
        start = self._at
        first = self._character_or_class(inside="b")
        if self._pattern[self._at : self._at + 1] != "-" or self._pattern[self._at + 1 : self._at + 2] in (
            "]",
            "",
        ):
            return first
        self._at += 1
        last = self._character_or_class(inside="b")
        ends = [*first, *last]
        if len(ends) != 2 or any(low != high for low, high in ends) or first > last:
            self._refuse(f"has a range at character {start} whose ends are no two characters in order", "a-z")
        return character_set([(first[0][0], last[0][0])])

    def _character_or_class(self, *, inside: str) -> CharacterSet:
        character = self._pattern[self._at]
        self._at += 1
        return characters(character) if character != "\\" else self._escape(inside)

    def _escape(self, inside: str) -> CharacterSet:
        start = self._at - 1
        letter = self._pattern[self._at : self._at + 1]
        self._at += 1
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter == "0" and self._pattern[self._at : self._at + 1].isdigit():
            self._refuse(f"has an octal escape at character {start}", "\\xHH")
        if letter in _CONTROLS:
            return characters(_CONTROLS[letter])
        if letter in _HEX_DIGITS and (digits := _HEX.match(self._pattern, self._at)):
            text = digits.group()[: _HEX_DIGITS[letter]]
            if len(text) == _HEX_DIGITS[letter]:
                self._at += len(text)
                return self._code_point(int(text, 16), start)
        if letter and not letter.isalnum() and letter.isascii():
            return characters(letter)
        what = "a back reference" if letter.isdigit() or letter == "k" else f"the escape \\{letter}"
        return self._refuse(
            f"has {what} at character {start}", "\\d \\w \\s \\n \\t \\xHH \\uHHHH, or \\ before punctuation"
        )

    def _code_point(self, code: int, start: int) -> CharacterSet:
        members = character_set([(code, code)])
        if not members:
            self._refuse(f"has half of a surrogate pair at character {start}", "the character itself")
        return members

    def _take(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _refuse_up_to(self) -> None:
        if _UP_TO.match(self._pattern, self._at):
            self._refuse(f"has {{,n}} at character {self._at}", "{0,n}, which means the same everywhere")

    def _refuse_next(self) -> NoReturn:
        found = "a ) too many" if self._pattern[self._at] == ")" else "a ^ or $ in the middle"
        self._refuse(f"has {found}, at character {self._at}", "anchors at the ends, and brackets in pairs")

    def _refuse(self, problem: str, expected: str) -> NoReturn:
        raise GrammarError(
            f"{self._name} {problem}: {self._pattern!r:.120}",
            expected=expected,
            remedy="Write the pattern with literals, classes, groups, | and repetitions alone.",
        )
