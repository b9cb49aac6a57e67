"""What a bundle's graphs say first, on CPython: for a page to compare its own first tokens with.

A GPU that computes wrongly does so without an error. So each export says which tokens follow one prompt, in
the arithmetic of each graph that a page may run, and how far ahead they are:

    webgpu-f32, webgpu-f16   native in float32         the same int4 weights
    wasm                     wasm                      the same W8A8 arithmetic

It has not seen a browser; `pagelm verify` has. Specified in docs/contracts.md, "First tokens".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from pagelm.errors import TemplateError
from pagelm.manifest import load_manifest
from pagelm.manifest_values import Manifest
from pagelm_builder.config import JsonValue
from pagelm_builder.decoder_session import DecoderSession, Step
from pagelm_builder.verify.prompts import Prompt, make_long_prompt
from pagelm_builder.verify.reference import NATIVE, exact_graph
from pagelm_builder.verify.rounding import rounded
from pagelm_builder.verify.tolerance import FLOAT16, FLOAT32, Tolerance, rounded_activations

FIRST_TOKENS = "first_tokens"
# of the prompt: enough for the kernels that WebGPU keeps for many rows, which one row would not test
PROMPT_TOKENS = 32
# after it, as many as a page takes the time for
TOKENS = 5
WASM = "wasm"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class _Reply:
    """The likeliest tokens, by how many logits each is ahead, and the logits' mean standard deviation."""

    ids: tuple[int, ...]
    margins: tuple[float, ...]
    deviation: float

    def entry(self, tolerance: Tolerance) -> JsonValue:
        reply: JsonValue = {"ids": list(self.ids), "margins": [rounded(margin) for margin in self.margins]}
        return {"near_tie": rounded(tolerance.largest * self.deviation), "replies": [reply]}


def find_first_tokens(
    bundle: Path, external: Path, noise: float, progress: Progress | None = None
) -> dict[str, JsonValue]:
    """The manifest entries to add: one, or none where the template refuses a question.

    Memory: one session at a time.

    Args:
        external: Folder that `external_data` gave for `native` and `wasm`.
        noise: How far `wasm` is from `native`, of the parity check.
        progress: Called with ("first tokens", graphs run, graphs to run).

    Raises:
        VerificationError: onnxruntime refuses a graph, or fails.
    """
    report = progress or (lambda stage, done, total: None)
    manifest = load_manifest(bundle)
    try:
        prompt = make_long_prompt(bundle, manifest, PROMPT_TOKENS)
    except TemplateError:
        return {}
    input_ids = prompt.input_ids[: max(1, manifest.model.max_position_embeddings - TOKENS)]
    report("first tokens", 0, 2)
    exact = _continue(
        DecoderSession(bundle, manifest, NATIVE, external, model_bytes=exact_graph(bundle, manifest)),
        input_ids,
        manifest,
    )
    report("first tokens", 1, 2)
    rounded = _continue(DecoderSession(bundle, manifest, WASM, external), input_ids, manifest)
    report("first tokens", 2, 2)
    graphs: dict[str, JsonValue] = {
        "webgpu-f32": exact.entry(FLOAT32),
        "webgpu-f16": exact.entry(FLOAT16),
        WASM: rounded.entry(rounded_activations(noise)),
    }
    asked = Prompt(prompt.text, prompt.enable_thinking, input_ids).entry()
    return {FIRST_TOKENS: {"prompts": [asked], "graphs": graphs}}


def _continue(session: DecoderSession, input_ids: Sequence[int], manifest: Manifest) -> _Reply:
    """The likeliest tokens one after the other, up to one that ends the reply."""
    steps: list[Step] = [session.run(input_ids)]
    while len(steps) < TOKENS and (token_id := _likeliest(steps[-1])) not in manifest.eos_token_ids:
        steps.append(session.run([token_id]))
    return _Reply(
        tuple(map(_likeliest, steps)),
        tuple(map(_margin, steps)),
        mean(float(step.logits.std()) for step in steps),
    )


def _likeliest(step: Step) -> int:
    return int(step.candidate_ids[0])


def _margin(step: Step) -> float:
    values = step.candidate_logits
    return float(values[0] - values[1]) if len(values) > 1 else 0.0
