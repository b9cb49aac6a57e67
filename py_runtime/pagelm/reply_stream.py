"""Token ids of one reply to its events: reasoning and answer in pieces, and the count of both.

It refuses to know messages, sampling and backends.
"""

from __future__ import annotations

from collections.abc import Sequence

from pagelm.detokenizer import StreamingDetokenizer
from pagelm.engine_steps import Finished, Prefilled
from pagelm.errors import ToolError
from pagelm.events import Done, Logprobs, ReasoningDelta, TextDelta, TokenLogprob, Usage
from pagelm.logprobs import StepLogprobs
from pagelm.stop_strings import StopStrings
from pagelm.thinking import CLOSE_TAG, OPEN_TAG, Section, Tag, ThinkingEvent, ThinkingSplitter, open_section
from pagelm.thinking_budget import ThinkingBudget
from pagelm.tokenizer import Tokenizer
from pagelm.tool_calls import (
    CLOSE_CALL,
    OPEN_CALL,
    BrokenToolCall,
    ToolCall,
    ToolCallSplitter,
    ToolTag,
)

Piece = ReasoningDelta | TextDelta | ToolCall | BrokenToolCall

_NO_TOKEN = -1


class ReplyStream:
    """The events of one reply.

    Args:
        tokenizer: Of the model.
        prompt: Ids before the reply; they say whether it begins inside reasoning.
        context_size: How many tokens the context holds.
        budget: Ends the reasoning; None lets it go on.
        stop: Ends the answer.
        calls_tools: Whether `<tool_call>` begins a call; else it is text like any other.
        has_tags: Whether `<think>` and `</think>` are more than text.

    Attributes:
        prefilled: Set it when the prompt has been read; `done` tells what it says.
        stopped: Whether the answer came to a stop string: no more tokens are wanted.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        prompt: Sequence[int],
        context_size: int,
        *,
        budget: ThinkingBudget | None = None,
        stop: StopStrings | None = None,
        calls_tools: bool = False,
        has_tags: bool = True,
    ) -> None:
        open_id = tokenizer.special_ids.get(OPEN_TAG, _NO_TOKEN)
        close_id = tokenizer.special_ids.get(CLOSE_TAG, _NO_TOKEN)
        self._tags: dict[int, Tag] = {open_id: OPEN_TAG, close_id: CLOSE_TAG} if has_tags else {}
        self._tokenizer = tokenizer
        self._detokenizer = StreamingDetokenizer(tokenizer)
        self._splitter = ThinkingSplitter(
            open_section(prompt, think_open_id=open_id, think_close_id=close_id) if has_tags else "text"
        )
        self._context_size = context_size
        self._budget = budget
        self._stop = stop or StopStrings()
        self._reasoning_closed = False
        self._call_tags: dict[int, ToolTag] = _call_tags(tokenizer) if calls_tools else {}
        self._calls = ToolCallSplitter()
        self._reasoning_tokens = 0
        self._answer_tokens = 0
        self._replayed_tokens = 0
        self.prefilled = Prefilled(len(prompt), 0, 0.0, 0)

    def push(self, token_id: int) -> list[Piece]:
        """The events that one more token gives."""
        before = self._splitter.section
        tag = self._call_tags.get(token_id)
        in_call = tag if before == "text" else None
        events = self._split_call(in_call) if in_call else self._deltas(self._split(token_id))
        if before == "reasoning" or self._splitter.section == "reasoning":
            self._reasoning_tokens += 1
        else:
            self._answer_tokens += 1
        return events

    def replay(self, token_id: int) -> None:
        """Take a token whose events were told before the reply was interrupted."""
        self._replayed_tokens += 1
        self.push(token_id)

    def describe(self, token_id: int, logprobs: StepLogprobs) -> Logprobs:
        """The event that tells how likely a token was."""

        def token(id: int, logprob: float) -> TokenLogprob:
            return TokenLogprob(id, self._tokenizer.token_bytes(id), logprob)

        return Logprobs(
            token(token_id, logprobs.logprob), tuple(token(id, logprob) for id, logprob in logprobs.top)
        )

    @property
    def section(self) -> Section:
        """Where the reply is after the tokens so far."""
        return self._splitter.section

    @property
    def stopped(self) -> bool:
        return self._stop.stopped

    def interject(self) -> Sequence[int]:
        """Ids that have to follow, to close a reasoning that has used its budget up."""
        if self._budget is None or self._reasoning_closed or self._splitter.section != "reasoning":
            return ()
        closing = self._budget.close(self._reasoning_tokens)
        if closing:
            self._reasoning_closed = True
            # A block that opens now would have no end: a tag in the answer is text.
            self._tags = {token_id: tag for token_id, tag in self._tags.items() if tag != OPEN_TAG}
        return closing

    def _split(self, token_id: int) -> list[ThinkingEvent]:
        if tag := self._tags.get(token_id):
            return [*self._splitter.push(self._detokenizer.finish()), *self._splitter.push_tag(tag)]
        return self._splitter.push(self._detokenizer.push(token_id))

    def _split_call(self, tag: ToolTag) -> list[Piece]:
        """The tag of a call, in the answer."""
        events = self._deltas(self._splitter.push(self._detokenizer.finish()))
        if tag == OPEN_CALL:
            # what the splitter holds back before a call is white space
            self._splitter.finish()
            # no stop string goes on behind a call
            if held := self._stop.finish():
                events.append(TextDelta(held))
        call = self._calls.push_tag(tag)
        return [*events, call] if call else events

    def finish(self) -> list[Piece]:
        """What was held back, when no more tokens follow."""
        events = self._deltas([*self._splitter.push(self._detokenizer.finish()), *self._splitter.finish()])
        rest = self._calls.finish()
        if isinstance(rest, BrokenToolCall):
            return [*events, rest]
        held = self._stop.push(rest) + self._stop.finish()
        return [*events, TextDelta(held)] if held else events

    def _deltas(self, events: Sequence[ThinkingEvent]) -> list[Piece]:
        """Stop strings hold for the answer alone: what a person does not see must not end it."""
        deltas: list[Piece] = []
        for event in events:
            if event.kind == "reasoning":
                deltas.append(ReasoningDelta(event.text))
            elif shown := self._stop.push(self._calls.push(event.text)):
                deltas.append(TextDelta(shown))
        return deltas

    def done(self, finished: Finished, key_value_bytes: int) -> Done:
        """The last event."""
        prefilled = self.prefilled
        usage = Usage(
            prompt_tokens=prefilled.prompt_tokens,
            cached_tokens=prefilled.cached_tokens,
            reasoning_tokens=self._reasoning_tokens,
            answer_tokens=self._answer_tokens,
            prefill_ms=prefilled.prefill_ms,
            decode_ms=finished.decode_ms,
            context_used=prefilled.prompt_tokens + self._reasoning_tokens + self._answer_tokens,
            context_size=self._context_size,
            key_value_bytes=key_value_bytes,
            seed=prefilled.seed,
            reasoning_cut=self._reasoning_closed,
            steps=finished.steps,
            replayed_tokens=self._replayed_tokens,
        )
        return Done("stop" if self.stopped else finished.finish_reason, usage)


def _call_tags(tokenizer: Tokenizer) -> dict[int, ToolTag]:
    open_id, close_id = (tokenizer.special_ids.get(tag) for tag in (OPEN_CALL, CLOSE_CALL))
    if open_id is None or close_id is None:
        raise ToolError(
            f"the tokenizer has no tokens {OPEN_CALL} and {CLOSE_CALL}",
            expected="a model that was trained to call tools in Qwen's way",
            remedy="Ask without tools, or load another model.",
        )
    return {open_id: OPEN_CALL, close_id: CLOSE_CALL}
