"""The last step: the written graph, run from its files, against the `native` graph on the same bytes.

`native` takes its activations in float32 here, as the written graph does. Both compute one fixed sequence of
ids, the written one also as one prefill that keeps the logits of every token. Whether the model is any good
is not asked.

    native          prefill 20 + decode 12 ─┐
    transformers.js prefill 20 + decode 12 ─┤ the same logits at 13 positions
    transformers.js prefill 32, all kept   ─┘
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from pagelm_builder.config import ModelConfig
from pagelm_builder.decoder import build_decoder
from pagelm_builder.decoder_session import REMEDY, Past, Session, make_feeds, make_session
from pagelm_builder.errors import VerificationError
from pagelm_builder.parity import PREFILL_TOKENS, check_bound, deviations, sequence_of_ids
from pagelm_builder.variant import NATIVE, Variant
from pagelm_builder.weights import Region

# of the spread of a position's logits; the arithmetic is the same but for the order of sums: measured 1e-6
LARGEST_DEVIATION = 1e-3
NAME = "transformers.js"
EXACT_NATIVE = replace(NATIVE, accuracy_level=0)

Feeds = Callable[[Sequence[int], int], Past]


def serialize(config: ModelConfig, variant: Variant, regions: dict[str, Region]) -> bytes:
    """One graph as ONNX."""
    model = ir.to_proto(build_decoder(config, variant, regions))
    return bytes(model.SerializeToString(deterministic=True))


def check_agreement(
    config: ModelConfig,
    graph: bytes,
    regions: dict[str, Region],
    folder: Path,
    report: Callable[[int, int], None],
) -> None:
    """Run the graph and compare.

    Args:
        graph: The file's content.
        regions: Where the weights lie in the files of `folder`.
        report: Called with runs done and to be done.

    Raises:
        VerificationError: onnxruntime refuses the graph, or its logits deviate.
    """
    token_ids = sequence_of_ids(config.vocab_size, config.max_position_embeddings)
    report(0, 2)
    native = _open(serialize(config, EXACT_NATIVE, regions), folder, "native")
    expected = _Sequence(native, config, _native_feeds).steps(token_ids)
    del native
    report(1, 2)
    session = _open(graph, folder, NAME)
    steps = _Sequence(session, config, _kept_feeds(1)).steps(token_ids)
    every = _Sequence(session, config, _kept_feeds(0)).run(token_ids)
    report(2, 2)
    _compare("after prefill and decode", expected, steps)
    _compare("of all tokens at once", expected, every[-len(expected) :])


def _compare(what: str, expected: NDArray[np.float64], found: NDArray[np.float64]) -> None:
    worst = float(deviations(expected, found).max())
    check_bound(f"graph {NAME}: logits {what} deviate from graph native's", worst, LARGEST_DEVIATION)


def _open(graph: bytes, folder: Path, name: str) -> Session:
    try:
        return make_session(graph, folder, threads=1)
    except Exception as error:  # onnxruntime's own classes derive from nothing narrower
        raise VerificationError(
            f"graph {name}: onnxruntime refuses it: {error}", expected="a graph that loads", remedy=REMEDY
        ) from error


class _Sequence:
    """One sequence on one session, with tensors that grow."""

    def __init__(self, session: Session, config: ModelConfig, feeds: Feeds) -> None:
        shape = (1, config.num_key_value_heads, 0, config.head_dim)
        layers = range(config.num_hidden_layers)
        self._session = session
        self._feeds = feeds
        self._past: Past = {
            f"past_key_values.{layer}.{part}": np.zeros(shape, np.float32)
            for layer in layers
            for part in ("key", "value")
        }
        self._length = 0

    def run(self, token_ids: Sequence[int]) -> NDArray[np.float64]:
        """Append tokens; the logits that come back, `[tokens, vocab_size]`."""
        outputs = ["logits", *(name.replace("past_key_values", "present") for name in self._past)]
        feeds = self._feeds(token_ids, self._length) | self._past
        logits, *present = self._session.run(outputs, feeds)
        self._past = dict(zip(self._past, present, strict=True))
        self._length += len(token_ids)
        return logits.astype(np.float64).reshape(-1, logits.shape[-1])

    def steps(self, token_ids: Sequence[int]) -> NDArray[np.float64]:
        """After a prefill, and after each token decoded then, `[steps, vocab_size]`."""
        rows = [self.run(token_ids[:PREFILL_TOKENS])]
        rows += [self.run([token_id]) for token_id in token_ids[PREFILL_TOKENS:]]
        return np.concatenate(rows)


def _native_feeds(token_ids: Sequence[int], position: int) -> Past:
    return make_feeds(token_ids, position, {})


def _kept_feeds(count: int) -> Feeds:
    def feeds(token_ids: Sequence[int], position: int) -> Past:
        return {
            "input_ids": np.array([token_ids], np.int64),
            "attention_mask": np.ones((1, position + len(token_ids)), np.int64),
            "num_logits_to_keep": np.array(count, np.int64),
        }

    return feeds
