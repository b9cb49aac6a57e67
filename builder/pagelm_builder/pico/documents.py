"""Writes pico's own documents: general text means nothing to a model that only calculates and spells.

`calibration.jsonl` holds training conversations, `evaluation.jsonl` held-out problems with their replies, so
that no problem is in both. Knows the problems, and of documents only the file format (docs/contracts.md,
"Documents"). `python -m pagelm_builder.pico.documents` writes both beside the checkpoint's config.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random

from pagelm_builder.documents import CALIBRATION, EVALUATION
from pagelm_builder.embedded_model import embedded_checkpoint
from pagelm_builder.pico.conversations import THINKING_SHARE, draw_conversation
from pagelm_builder.pico.problems import (
    Message,
    Turn,
    draw_any_sum,
    draw_count,
    draw_follow_up,
    draw_reversal,
    to_messages,
)
from pagelm_builder.pico.split import is_held_out

CALIBRATION_SEED, CALIBRATION_CHATS = 1, 240
EVALUATION_SEED, EVALUATION_CHATS = 2, 120
# as in the problems that pico is graded on
_SUMS, _COUNTS, _REVERSALS = 0.60, 0.13, 0.13


def calibration_lines() -> list[str]:
    """Conversations as pico was trained with."""
    random = Random(CALIBRATION_SEED)
    conversations = (draw_conversation(random) for _ in range(CALIBRATION_CHATS))
    return [_to_line(drawn.messages, drawn.last, drawn.enable_thinking) for drawn in conversations]


def evaluation_lines() -> list[str]:
    """Conversations that end with a held-out problem."""
    random = Random(EVALUATION_SEED)
    lines: list[str] = []
    while len(lines) < EVALUATION_CHATS:
        turns = _draw_turns(random)
        if is_held_out(turns[-1].key if len(turns) == 1 else turns[-1].chain):
            lines.append(_to_line(to_messages(turns), turns[-1], random.random() < THINKING_SHARE))
    return lines


def _draw_turns(random: Random) -> list[Turn]:
    kind = random.random()
    if kind < _SUMS:
        return [draw_any_sum(random)]
    if kind < _SUMS + _COUNTS:
        return [draw_count(random)]
    if kind < _SUMS + _COUNTS + _REVERSALS:
        return [draw_reversal(random)]
    first = draw_any_sum(random)
    assert first.number is not None
    return [first, draw_follow_up(random, first, first.number)]


def _to_line(messages: tuple[Message, ...], last: Turn, enable_thinking: bool) -> str:
    reply: Message = {"role": "assistant", "content": last.answer}
    if enable_thinking:
        reply["reasoning_content"] = last.thinking
    chat = {"messages": [*messages, reply], "enable_thinking": enable_thinking}
    return json.dumps(chat, ensure_ascii=False)


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    _write(embedded_checkpoint() / CALIBRATION, calibration_lines())
    _write(embedded_checkpoint() / EVALUATION, evaluation_lines())
