"""Token ids of one reply to its events: reasoning and answer in pieces, and the count of both.

It refuses to know messages, sampling and backends.
"""

from __future__ import annotations

from collections.abc import Sequence

from pagelm.detokenizer import StreamingDetokenizer
from pagelm.engine import Finished, Prefilled
from pagelm.events import Done, ReasoningDelta, TextDelta, Usage
from pagelm.thinking import CLOSE_TAG, OPEN_TAG, Tag, ThinkingEvent, ThinkingSplitter, open_section
from pagelm.tokenizer import Tokenizer

_NO_TOKEN = -1


class ReplyStream:
    """The events of one reply.

    Args:
        tokenizer: Of the model.
        prompt: Ids before the reply; they say whether it begins inside reasoning.
        context_size: How many tokens the context holds.

    Attributes:
        prefilled: Set it when the prompt has been read; `done` tells what it says.
    """

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int], context_size: int) -> None:
        open_id = tokenizer.special_ids.get(OPEN_TAG, _NO_TOKEN)
        close_id = tokenizer.special_ids.get(CLOSE_TAG, _NO_TOKEN)
        self._tags: dict[int, Tag] = {open_id: OPEN_TAG, close_id: CLOSE_TAG}
        self._detokenizer = StreamingDetokenizer(tokenizer)
        self._splitter = ThinkingSplitter(
            open_section(prompt, think_open_id=open_id, think_close_id=close_id)
        )
        self._context_size = context_size
        self._reasoning_tokens = 0
        self._answer_tokens = 0
        self.prefilled = Prefilled(len(prompt), 0, 0.0, 0)

    def push(self, token_id: int) -> list[ReasoningDelta | TextDelta]:
        """The events that one more token gives."""
        before = self._splitter.section
        events = self._split(token_id)
        if before == "reasoning" or self._splitter.section == "reasoning":
            self._reasoning_tokens += 1
        else:
            self._answer_tokens += 1
        return [_delta(event) for event in events]

    def _split(self, token_id: int) -> list[ThinkingEvent]:
        if tag := self._tags.get(token_id):
            return [*self._splitter.push(self._detokenizer.finish()), *self._splitter.push_tag(tag)]
        return self._splitter.push(self._detokenizer.push(token_id))

    def finish(self) -> list[ReasoningDelta | TextDelta]:
        """What was held back, when no more tokens follow."""
        events = [*self._splitter.push(self._detokenizer.finish()), *self._splitter.finish()]
        return [_delta(event) for event in events]

    def done(self, finished: Finished) -> Done:
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
            seed=prefilled.seed,
        )
        return Done(finished.finish_reason, usage)


def _delta(event: ThinkingEvent) -> ReasoningDelta | TextDelta:
    return ReasoningDelta(event.text) if event.kind == "reasoning" else TextDelta(event.text)
