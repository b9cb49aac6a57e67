"""What an expression lets through: a text judged, a text made at random. Needs no JSON library's help."""

from __future__ import annotations

from random import Random

from pagelm.structured.automaton import Automaton
from pagelm.structured.expressions import Expression

CLOSING = b'"}]'


def fits(automaton: Automaton, text: str | bytes) -> bool:
    """Whether the whole text is one that the automaton accepts."""
    state = automaton.read(automaton.start(), text.encode() if isinstance(text, str) else text)
    return state is not None and state.accepts


def automaton_of(expression: Expression) -> Automaton:
    return Automaton(expression, "the expression")


def random_text(automaton: Automaton, random: Random, *, patience: int = 120) -> bytes:
    """A text that the automaton accepts; from `patience` bytes on it looks for the end.

    Fails where the automaton is stuck: no byte may follow and the text may not end.
    """
    state = automaton.start()
    text = bytearray()
    while True:
        branches = automaton.branches(state)
        if state.accepts and (not branches or len(text) > patience or random.random() < 0.2):
            return bytes(text)
        assert branches, f"stuck after {bytes(text)!r}"
        members, target = random.choice(branches)
        byte = random.choice([byte for byte in range(256) if members >> byte & 1])
        if len(text) > patience and random.random() < 0.5:
            for closing in CLOSING:
                ends = [end for others, end in branches if others >> closing & 1]
                if ends:
                    byte, target = closing, ends[0]
                    break
        text.append(byte)
        state = target
