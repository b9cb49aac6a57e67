"""How long the first token of each turn takes as a conversation grows: by what is new, not by its length.

Each turn thinks, so that the cache has to be cut where the template drops the reasoning of the turn before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.workload import median
from pagelm_builder.verify.model_client import ModelClient

TURNS = 16
SHOWN = (1, 2, 4, 8, 16)
CONVERSATIONS = 3


@dataclass(frozen=True, slots=True)
class TurnCost:
    """Medians over conversations.

    Attributes:
        turn: From 1 on.
        prompt_tokens: Of the whole conversation up to here.
        new_tokens: How many of them were not in the cache.
        first_token_ms: Until the first token could be chosen.
    """

    turn: int
    prompt_tokens: float
    new_tokens: float
    first_token_ms: float


def measure_turns(model: ModelClient) -> list[TurnCost]:
    """Hold conversations; the costs of the turns that are shown."""
    conversations = [_converse(model, number) for number in range(CONVERSATIONS)]
    return [_cost(turn, [usages[turn - 1] for usages in conversations]) for turn in SHOWN]


def _converse(model: ModelClient, number: int) -> list[dict[str, Any]]:
    messages: list[dict[str, object]] = []
    usages = []
    for turn in range(TURNS):
        messages.append({"role": "user", "content": f"What is {number + 2}{turn} + {turn}{number}?"})
        reply = model.reply(messages, enable_thinking=True)
        messages.append({"role": "assistant", "content": reply.text, "reasoning_content": reply.reasoning})
        usages.append(reply.usage)
    return usages


def _cost(turn: int, usages: list[dict[str, Any]]) -> TurnCost:
    return TurnCost(
        turn,
        median([usage["promptTokens"] for usage in usages]),
        median([usage["promptTokens"] - usage["cachedTokens"] for usage in usages]),
        median([usage["prefillMs"] for usage in usages]),
    )
