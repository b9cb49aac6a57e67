"""What a reply may say while it calls a tool: the name of one, and arguments of that one's schema.

    outside ── <tool_call>, in the answer ─► a call, by the grammar ── </tool_call>, when whole ─► outside

Outside, another constraint or none holds. A tag inside reasoning begins nothing. Knows no logits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pagelm.errors import GrammarError
from pagelm.structured.automaton import State
from pagelm.structured.token_grammar import TokenGrammar
from pagelm.thinking import Section
from pagelm.token_constraint import TokenConstraint


class ToolCallConstraint:
    """A `TokenConstraint` for one reply.

    Args:
        grammar: Of what stands between the tags.
        open_id: `<tool_call>`.
        close_id: `</tool_call>`.
        section: Where the reply is, before the token that `accept` gets.
        outside: Holds outside of calls; None: nothing does.
    """

    def __init__(
        self,
        grammar: TokenGrammar,
        *,
        open_id: int,
        close_id: int,
        section: Callable[[], Section],
        outside: TokenConstraint | None = None,
    ) -> None:
        self._grammar = grammar
        self._open_id = open_id
        self._close_id = close_id
        self._section = section
        self._outside = outside
        self._call: State | None = None

    @property
    def free(self) -> bool:
        return self._call is None and (self._outside is None or self._outside.free)

    @property
    def finished(self) -> bool:
        return self._call is None and self._outside is not None and self._outside.finished

    @property
    def only(self) -> int | None:
        if self._call is None:
            return self._outside.only if self._outside else None
        if self._call.members.bit_count() > 1:
            return None
        listed = self.listed()
        return listed[0] if listed and len(listed) == 1 else None

    def allows(self, token_id: int) -> bool:
        if self._call is None:
            return self._outside is None or self._outside.allows(token_id)
        if token_id == self._close_id:
            return self._call.accepts
        return self._grammar.after(self._call, token_id) is not None

    def listed(self) -> Sequence[int] | None:
        if self._call is None:
            return self._outside.listed() if self._outside else None
        listed = self._grammar.listed(self._call)
        if listed is None:
            return None
        return sorted({*listed, self._close_id}) if self._call.accepts else listed

    def forced(self) -> Sequence[int]:
        if self._call is None:
            return self._outside.forced() if self._outside else ()
        return self._grammar.forced(self._call)

    def accept(self, token_id: int) -> None:
        if self._call is not None:
            self._call = None if token_id == self._close_id else self._after(self._call, token_id)
            return
        if token_id == self._open_id and self._section() == "text":
            self._call = self._grammar.start()
        if self._outside:
            self._outside.accept(token_id)

    def _after(self, call: State, token_id: int) -> State:
        state = self._grammar.after(call, token_id)
        if state is None:
            raise GrammarError(
                f"token {token_id} was put into a call of a tool that it does not fit",
                expected="tokens that the tool's schema allows",
                remedy="Put nothing into a call.",
            )
        return state
