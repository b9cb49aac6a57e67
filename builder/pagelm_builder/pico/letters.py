"""Writes the working of the two word tasks, letter by letter, and draws the words they are about.

`words.txt` holds lowercase English words of 3 to 10 letters from SCOWL (Debian's wamerican-small
2020.12.07), which is free to use, copy, modify and distribute, copyright 2000-2011 Kevin Atkinson, see
NOTICE. Knows no wording of questions.

    r in berry                        stressed

    Count r: b1 e2 r3=1 r4=2 y5       Spell: s1 t2 r3 e4 s5 s6 e7 d8
    Found 2                           Back: d8 e7 s6 s5 e4 r3 t2 s1
                                      desserts
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random

_VOWELS = "aeiou"
_CONSONANTS = "bcdfghjklmnpqrstvwxyz"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def write_count(letter: str, word: str) -> str:
    """The word spelled with numbered letters, `letter` counted wherever it occurs, then the count."""
    count, spelled = 0, []
    for number, character in enumerate(word, start=1):
        count += character == letter
        spelled.append(f"{character}{number}" + (f"={count}" if character == letter else ""))
    return f"Count {letter}: {' '.join(spelled)}\nFound {count}"


def write_reversal(word: str) -> str:
    """The word spelled with numbered letters, the numbers walked down, then the reversed word."""
    numbered = [f"{character}{number}" for number, character in enumerate(word, start=1)]
    return f"Spell: {' '.join(numbered)}\nBack: {' '.join(reversed(numbered))}\n{word[::-1]}"


@cache
def dictionary_words() -> tuple[str, ...]:
    """The committed English words."""
    return tuple((Path(__file__).parent / "words.txt").read_text(encoding="utf-8").split())


def draw_word(random: Random) -> str:
    """Mostly an English word, else random letters, so that spelling is not learned by heart."""
    kind = random.random()
    if kind < 0.5:
        return random.choice(dictionary_words())
    if kind < 0.6:
        stem = random.choice(dictionary_words())[: random.randint(2, 6)]
        return stem + "".join(random.choices(_LETTERS, k=random.randint(1, 4)))
    length = random.randint(3, 10)
    if kind < 0.75:
        pairs = [random.choice(_CONSONANTS) + random.choice(_VOWELS) for _ in range(5)]
        return "".join(pairs)[random.randint(0, 1) :][:length]
    alphabet = random.sample(_LETTERS, k=random.randint(2, 8))
    return "".join(random.choices(alphabet, k=length))


def draw_letter(random: Random, word: str) -> str:
    """A letter to count: mostly one the word has, and mostly one it has more than once if there is one."""
    repeated = sorted({character for character in word if word.count(character) > 1})
    if repeated and random.random() < 0.4:
        return random.choice(repeated)
    return random.choice(sorted(set(word))) if random.random() < 0.85 else random.choice(_LETTERS)
