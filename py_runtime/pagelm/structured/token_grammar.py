"""A grammar over one vocabulary: after any state, which tokens may follow, remembered by state.

Knows bytes and ordinary tokens; what ends a reply, and what reasoning is, is `answer_constraint`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from pagelm.structured.automaton import Automaton, State
from pagelm.structured.expressions import Expression
from pagelm.structured.vocabulary_index import VocabularyIndex

MAX_LISTED = 256
"""States that more tokens may follow list none."""
_MANY_BYTES = 128
_MAX_KNOWN_LISTS = 4096


class TokenGrammar:
    """One expression over one vocabulary; many replies may use it.

    Args:
        expression: What an answer may be.
        vocabulary: Of the model.
        name: What the expression is, for messages.

    Raises:
        GrammarError: No text fits the expression.
    """

    def __init__(self, expression: Expression, vocabulary: VocabularyIndex, name: str) -> None:
        self._automaton = Automaton(expression, name)
        self._vocabulary = vocabulary
        self._lists: dict[State, tuple[int, ...] | None] = {}

    def start(self, prefix: bytes = b"") -> State:
        """Before the answer; with `prefix`, before these bytes, which have to precede it."""
        return self._automaton.start(prefix)

    def after(self, state: State, token_id: int) -> State | None:
        """The state after one more token; None when it may not follow."""
        data = self._vocabulary.bytes_of(token_id)
        return self._automaton.read(state, data) if data else None

    def forced(self, state: State, until: State | None = None) -> list[int]:
        """The tokens of the text that has to follow, whatever else does; no further than to a state.

        As the tokenizer would write it, which is how the model has seen such text. The last of them is left
        open where more may follow, as it may be part of a longer one.
        """
        text = bytearray()
        while state.members.bit_count() == 1 and not state.accepts and state is not until:
            byte = state.members.bit_length() - 1
            following = self._automaton.advance(state, byte)
            assert following is not None
            text.append(byte)
            state = following
        token_ids = self._vocabulary.spell(bytes(text)) if text else []
        return token_ids if state.accepts and not state.members else token_ids[:-1]

    def listed(self, state: State) -> Sequence[int] | None:
        """All ordinary tokens that may follow; None when they are many."""
        if state in self._lists:
            return self._lists[state]
        found: tuple[int, ...] | None = None
        if state.members.bit_count() < _MANY_BYTES:
            found = tuple(islice(self._vocabulary.allowed(self._automaton, state), MAX_LISTED + 1))
        if len(self._lists) >= _MAX_KNOWN_LISTS:
            self._lists.clear()
        listed = self._lists[state] = found if found is None or len(found) <= MAX_LISTED else None
        return listed
