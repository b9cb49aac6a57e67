"""What a decoded token costs is what a longer reply adds, divided by the tokens it adds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pagelm_builder.errors import VerificationError
from pagelm_builder.verify.fusion import DecodeCosts, measure_decode_costs
from pagelm_builder.verify.in_chromium import _costs
from pagelm_builder.verify.prompts import Prompt


class CountingModel:
    """A page whose prefill takes 5 dispatches and each decoded token 2; replies end after `longest` tokens.

    The first prefill, of what is not cached yet, costs more.
    """

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.runs = 0
        self.mapped_bytes = 0
        self.dispatches: Counter[str] = Counter()

    def reply(self, messages: object, *, enable_thinking: bool, sampling: dict[str, float]) -> None:
        decoded = min(int(sampling["maxNewTokens"]), self.longest) - 1
        self.dispatches += Counter({"Prefill": 5 if self.runs else 50, "MatMulNBits": 2 * decoded})
        self.mapped_bytes += 768 * (1 + decoded)
        self.runs += 1 + decoded

    def statistics(self) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "mappedBytes": self.mapped_bytes,
            "dispatches": dict(self.dispatches),
            "storageBuffers": {"Prefill": 3, "MatMulNBits": 4},
            "largestBindings": {"Prefill": 64, "MatMulNBits": 4096},
        }


def test_the_prefill_does_not_count() -> None:
    model: Any = CountingModel(longest=100)
    costs = measure_decode_costs(model, [], enable_thinking=False, tokens=(1, 9))
    assert costs == DecodeCosts(
        dispatches={"MatMulNBits": 2.0},
        read_back_bytes=768.0,
        storage_buffers={"Prefill": 3, "MatMulNBits": 4},
        largest_bindings={"Prefill": 64, "MatMulNBits": 4096},
    )


def test_a_reply_that_ends_early_counts_for_what_it_had() -> None:
    model: Any = CountingModel(longest=4)
    costs = measure_decode_costs(model, [], enable_thinking=False, tokens=(1, 9))
    assert costs is not None
    assert costs.dispatches == {"MatMulNBits": 2.0}


def test_replies_of_one_token_cannot_be_counted() -> None:
    model: Any = CountingModel(longest=1)
    assert measure_decode_costs(model, [], enable_thinking=False, tokens=(1, 9)) is None
    with pytest.raises(VerificationError, match="every reply in Chromium is a single token"):
        _costs(model, [Prompt("One?", False, (1,))])
