"""What one reply may say next, reasoning and answer together: the answer follows a grammar, the rest is free.

    opening ── <think> ─► reasoning ── </think> ─► answer (after two newlines, as Qwen3 writes them)
       └────────────────────────────────────────────► answer ── <tool_call> in place of one ─► free

While it reasons a reply may not end, and an answer may end where the grammar says so. Knows no logits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from pagelm.errors import GrammarError
from pagelm.structured.automaton import State
from pagelm.structured.token_grammar import TokenGrammar
from pagelm.thinking import Section

_AFTER_REASONING = b"\n\n"


class AnswerConstraint:
    """A `TokenConstraint` for one reply.

    Args:
        grammar: Of the answer.
        eos_token_ids: They end the reply.
        begins_in: Where the prompt leaves off.
        think_open_id: May begin the reply; None: it may not reason.
        think_close_id: Ends the reasoning.
        call_id: May stand in place of an answer, and frees all that follows; None: nothing may.
    """

    def __init__(
        self,
        grammar: TokenGrammar,
        eos_token_ids: Collection[int],
        *,
        begins_in: Section = "text",
        think_open_id: int | None = None,
        think_close_id: int | None = None,
        call_id: int | None = None,
    ) -> None:
        self._grammar = grammar
        self._eos_token_ids = frozenset(eos_token_ids)
        self._think_open_id = think_open_id
        self._think_close_id = think_close_id
        self._call_id = call_id
        self._phase: Literal["reasoning", "answer", "free"] = (
            "reasoning" if begins_in == "reasoning" else "answer"
        )
        self._start = self._state = grammar.start()
        self._begun = False

    @property
    def free(self) -> bool:
        return self._phase == "free"

    @property
    def finished(self) -> bool:
        return self._phase == "answer" and self._state.accepts and not self._state.members

    @property
    def only(self) -> int | None:
        # a state of many bytes has many tokens, and most states have: so it costs next to nothing to ask
        if self._phase != "answer" or self._state.members.bit_count() > 1:
            return None
        listed = self.listed()
        return listed[0] if listed and len(listed) == 1 else None

    def allows(self, token_id: int) -> bool:
        if self._phase == "free":
            return True
        if token_id in self._eos_token_ids:
            return self._phase == "answer" and self._state.accepts
        if self._phase == "reasoning" or token_id in self._openings:
            return True
        return self._grammar.after(self._state, token_id) is not None

    def listed(self) -> Sequence[int] | None:
        listed = self._grammar.listed(self._state) if self._phase == "answer" else None
        if listed is None:
            return None
        endings = self._eos_token_ids if self._state.accepts else ()
        return sorted({*listed, *self._openings, *endings})

    def forced(self) -> Sequence[int]:
        # one run for all of a key, in place of one for each token that the model may not have thought of
        if self._phase != "answer" or self._state.members.bit_count() != 1:
            return ()
        return self._grammar.forced(self._state, until=self._start)

    def accept(self, token_id: int) -> None:
        if self._phase == "reasoning":
            if token_id == self._think_close_id:
                self._phase = "answer"
                self._start = self._grammar.start()
                self._state = self._grammar.start(_AFTER_REASONING)
        elif self._phase == "answer":
            self._continue_answer(token_id)

    def _continue_answer(self, token_id: int) -> None:
        if token_id in self._openings:
            self._phase = "reasoning" if token_id == self._think_open_id else "free"
            self._think_open_id = None  # once a reply
            return
        self._begun |= self._state is self._start
        self._state = self._after(token_id)

    @property
    def _openings(self) -> tuple[int, ...]:
        """Tokens that may stand where the answer would begin."""
        if self._begun or self._state is not self._start:
            return ()
        return tuple(token_id for token_id in (self._think_open_id, self._call_id) if token_id is not None)

    def _after(self, token_id: int) -> State:
        state = self._grammar.after(self._state, token_id)
        if state is None:
            raise GrammarError(
                f"token {token_id} was put into an answer that it does not fit",
                expected="tokens that the response format allows",
                remedy="Put nothing into an answer that follows a response format.",
            )
        return state
