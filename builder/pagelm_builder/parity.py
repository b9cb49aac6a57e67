"""The last step of an export: reads the bundle back as a runtime would and measures what its graphs compute.

All graphs are compared with the contract; the two that a CPU can run, `native` and `wasm`, run one fixed
sequence of ids as one prefill and as prefill + decode. Whether the model is any good is not asked: only
whether the graphs agree with themselves and with each other. Figures: docs/contracts.md, "Parity".

    native ─ prefill 32 ≈ prefill 20 + decode 12 ─┐
    wasm   ─ prefill 32 ≈ prefill 20 + decode 12 ─┴─ divergence at 13 positions
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagelm.bundle_files import read_verified
from pagelm.manifest import load_manifest
from pagelm.manifest_values import Manifest
from pagelm_builder.config import JsonValue
from pagelm_builder.decoder_session import REMEDY, DecoderSession, Step
from pagelm_builder.distributions import kl_divergence, log_softmax
from pagelm_builder.errors import VerificationError
from pagelm_builder.external_data import external_data
from pagelm_builder.graph_structure import find_faults

TOKENS = 32
PREFILL_TOKENS = 20
REFERENCE = "native"
GRAPHS = (REFERENCE, "wasm")
# Deviations are standard deviations over the vocabulary, as shares of that of the reference's logits: so a
# bound means the same for a flat and for a sharp model, for a small and for a large vocabulary.
# Both graphs round activations, and one ulp before rounding may be a whole step after it: deeper models come
# further from themselves. Measured: 0 to 0.013; a prefill that answers for another token gave 1 and more.
LARGEST_PREFILL_DECODE_DEVIATION = 0.25
# Measured 0.03 (random weights) and 0.04 (pico); one matrix lost or read from a wrong place gave 0.47 or more
LARGEST_DEVIATION = 0.25
# nats. Measured 0.003 (pico) and 0.0002 (random weights); a real model whose activations were quantized per
# tensor gave 2.9.
LARGEST_KL_DIVERGENCE = 0.25

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class _Run:
    """One graph's logits over the fixed sequence.

    Attributes:
        rows: `[positions, vocab_size]`, after the prefill and after each decoded token.
        whole: `[1, vocab_size]`, after one prefill of everything; should be the last row.
    """

    rows: NDArray[np.float64]
    whole: NDArray[np.float64]


def measure_parity(
    folder: Path, progress: Progress | None = None, *, external: Path | None = None
) -> dict[str, JsonValue]:
    """Check a bundle that is written whole.

    Memory: one session at a time. At its highest, while `wasm` loads, some 2 bytes for each weight:
    onnxruntime's copies of its int8 value. Nothing grows with the context.

    Args:
        folder: The bundle.
        progress: Called with ("verify", graphs done, graphs in all).
        external: Folder that `external_data` gave for `GRAPHS`; by default one is made meanwhile.

    Returns:
        The manifest's `parity`.

    Raises:
        VerificationError: a graph breaks the contract or a bound.
        pagelm.errors.BundleError: what is on disk is not what was written.
    """
    report = progress or (lambda stage, done, total: None)
    manifest = load_manifest(folder)
    for name in manifest.graphs:
        _check_structure(folder, manifest, name)
    model = manifest.model
    token_ids = sequence_of_ids(model.vocab_size, model.max_position_embeddings)
    runs: dict[str, _Run] = {}
    with nullcontext(external) if external else external_data(folder, manifest, GRAPHS) as files:
        for name in GRAPHS:
            report("verify", len(runs), len(GRAPHS))
            runs[name] = _run_graph(folder, manifest, name, files, token_ids)
    report("verify", len(runs), len(runs))
    return {
        "tokens": len(token_ids),
        "positions": len(runs[REFERENCE].rows),
        **{name: _compare_with_itself(name, run) for name, run in runs.items()},
        "wasm_to_native": _compare_with_reference(runs[REFERENCE], runs["wasm"]),
    }


def sequence_of_ids(vocab_size: int, max_position_embeddings: int) -> list[int]:
    """32 ids (fewer if the context is shorter) from all over the vocabulary; a function of its size alone."""
    count = min(TOKENS, max_position_embeddings)
    # Knuth's multiplicative hash: 2^32 over the golden ratio spreads consecutive numbers evenly
    return [(index * 2654435761 % 2**32) * vocab_size >> 32 for index in range(1, count + 1)]


def _check_structure(folder: Path, manifest: Manifest, name: str) -> None:
    entry = manifest.graph(name)
    faults = find_faults(read_verified(folder, entry.file), manifest, entry)
    if faults:
        found, expected = faults[0]
        more = f", and {len(faults) - 1} more" if faults[1:] else ""
        raise VerificationError(f"graph {name}: {found}{more}", expected=expected, remedy=REMEDY)


def activation_noise(parity: Mapping[str, JsonValue]) -> float:
    """How far `wasm` is from `native`: what rounding activations does to this model."""
    compared = parity["wasm_to_native"]
    assert isinstance(compared, dict)
    noise = compared["deviation_mean"]
    assert isinstance(noise, float)
    return noise


def _run_graph(folder: Path, manifest: Manifest, name: str, external: Path, token_ids: Sequence[int]) -> _Run:
    session = DecoderSession(folder, manifest, name, external)
    whole = session.run(token_ids)
    session.reset()
    steps = [session.run(token_ids[:PREFILL_TOKENS])]
    steps += [session.run([token_id]) for token_id in token_ids[PREFILL_TOKENS:]]
    for step in (whole, *steps):
        _check_step(name, step)
    rows = np.stack([step.logits for step in steps]).astype(np.float64)
    return _Run(rows, whole.logits[None].astype(np.float64))


def _check_step(name: str, step: Step) -> None:
    """Logits are numbers, and the candidates are the greatest of them, ties by lower id."""
    if not np.isfinite(step.logits).all():
        count = int((~np.isfinite(step.logits)).sum())
        raise VerificationError(
            f"graph {name}: {count} of {step.logits.size} logits are not finite",
            expected="none",
            remedy=REMEDY,
        )
    expected = np.argsort(-step.logits, kind="stable")[: step.candidate_ids.size]
    wrong = (step.candidate_ids != expected) | (step.candidate_logits != step.logits[expected])
    if wrong.any():
        raise VerificationError(
            f"graph {name}: {int(wrong.sum())} of {wrong.size} candidates are not the greatest logits",
            expected="all of them, descending, ties by lower id",
            remedy=REMEDY,
        )


def _compare_with_itself(name: str, run: _Run) -> JsonValue:
    difference = float(np.abs(run.rows[-1:] - run.whole).max())
    deviation = float(deviations(run.whole, run.rows[-1:])[0])
    check_bound(
        f"graph {name}: logits after prefill + decode deviate from those after prefill",
        deviation,
        LARGEST_PREFILL_DECODE_DEVIATION,
    )
    return {
        "logits_deviation": _rounded(float(run.rows.std(axis=1).mean())),
        "prefill_decode_difference_max": _rounded(difference),
        "prefill_decode_deviation": _rounded(deviation),
    }


def _compare_with_reference(reference: _Run, found: _Run) -> JsonValue:
    divergences = kl_divergence(log_softmax(reference.rows), log_softmax(found.rows))
    deviation = float(deviations(reference.rows, found.rows).mean())
    what = "graph wasm: against graph native"
    check_bound(f"{what}, logits deviate", deviation, LARGEST_DEVIATION)
    check_bound(f"{what}, distributions diverge", float(divergences.mean()), LARGEST_KL_DIVERGENCE)
    agreement = (reference.rows.argmax(axis=1) == found.rows.argmax(axis=1)).mean()
    return {
        "kl_divergence_mean": _rounded(float(divergences.mean())),
        "kl_divergence_max": _rounded(float(divergences.max())),
        "deviation_mean": _rounded(deviation),
        "top_1_agreement": _rounded(float(agreement)),
    }


def deviations(reference: NDArray[np.float64], found: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each row `[rows, vocab_size]` of logits is off, as a share of its spread; `[rows]`.

    A constant added to a row changes nothing. A row without spread is off by 0 or by infinity.
    """
    difference, spread = (found - reference).std(axis=1), reference.std(axis=1)
    without_spread = np.where(difference == 0, 0.0, np.inf)
    shares: NDArray[np.float64] = np.divide(difference, spread, out=without_spread, where=spread > 0)
    return shares


def check_bound(what: str, measured: float, bound: float) -> None:
    """Refuse a deviation.

    Raises:
        VerificationError: it is above the bound, or no number.
    """
    # so written that NaN breaks it
    if not measured <= bound:
        raise VerificationError(f"{what} by {measured:.3g}", expected=f"at most {bound:.3g}", remedy=REMEDY)


def _rounded(value: float) -> float:
    """Three digits: more would differ from processor to processor."""
    return float(f"{value:.3g}")
