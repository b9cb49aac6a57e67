"""What every backend is timed on: one long prompt, then a reply of some tokens; each run its own prompt."""

from __future__ import annotations

from collections.abc import Sequence

RUNS = 5
DECODED_TOKENS = 48


def long_prompt(run: int) -> list[dict[str, str]]:
    """A chat of a few hundred tokens whose first tokens differ from run to run, so that no cache helps."""
    messages = [{"role": "system", "content": f"Conversation number {run}. You are a helpful assistant."}]
    for number in range(12):
        messages.append({"role": "user", "content": f"What is {run}{number} + {number}{run}?"})
        messages.append({"role": "assistant", "content": f"{run}{number} + {number}{run} = 0"})
    return [*messages, {"role": "user", "content": "Reverse the word strawberry"}]


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
