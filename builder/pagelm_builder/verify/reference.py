"""The same graphs on CPython's onnxruntime: what they say by themselves, and to the tokens that a page ran.

WebGPU computes in float32. The bundle's `native` graph may quantize activations to be faster, so its own
figures are no reference for WebGPU: `open_exact` runs the same file with that turned off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx

from pagelm._backend_native import NativeBackend
from pagelm.backend import Backend, Candidates
from pagelm.bundle_files import read_verified
from pagelm.manifest_values import Manifest
from pagelm_builder.decoder_session import make_session
from pagelm_builder.external_data import external_data
from pagelm_builder.verify.agreement import ReferenceStep
from pagelm_builder.verify.continuation import Continuation, Step

NATIVE = "native"
"""Of MatMulNBits: 0 computes in the type of its input."""
EXACT_LEVEL = 0


@contextmanager
def open_exact(bundle: Path, manifest: Manifest) -> Iterator[NativeBackend]:
    """The `native` graph, computed in float32 whatever it asks for."""
    with external_data(bundle, manifest, [NATIVE]) as folder:
        session = make_session(exact_graph(bundle, manifest), folder, threads=0)
    yield NativeBackend(session, manifest, NATIVE)


def exact_graph(bundle: Path, manifest: Manifest) -> bytes:
    """The `native` graph as a file that computes in float32."""
    model = _read_native(bundle, manifest)
    for attribute in _accuracy_levels(model):
        attribute.i = EXACT_LEVEL
    serialized: bytes = model.SerializeToString()
    return serialized


def is_exact(bundle: Path, manifest: Manifest) -> bool:
    """Whether the `native` graph computes in float32 by itself."""
    return all(attribute.i == EXACT_LEVEL for attribute in _accuracy_levels(_read_native(bundle, manifest)))


def _read_native(bundle: Path, manifest: Manifest) -> onnx.ModelProto:
    return onnx.load_model_from_string(read_verified(bundle, manifest.graph(NATIVE).file))


def _accuracy_levels(model: onnx.ModelProto) -> Iterator[onnx.AttributeProto]:
    for node in model.graph.node:
        yield from (attribute for attribute in node.attribute if attribute.name == "accuracy_level")


async def continue_greedily(
    backend: Backend, prompt_ids: Sequence[int], tokens: int, eos_token_ids: Sequence[int]
) -> Continuation:
    """The `tokens` likeliest tokens after a prompt, fewer where one of them ends the reply."""
    backend.truncate(0)
    room = min(tokens, backend.capabilities.max_positions - len(prompt_ids))
    candidates = await backend.prefill(prompt_ids, 0)
    steps = [_step((), candidates)]
    while len(steps) < room and (token_id := steps[-1].ids[0]) not in eos_token_ids:
        steps.append(_step((token_id,), await backend.decode(token_id)))
    return Continuation(tuple(prompt_ids), tuple(steps))


async def follow(backend: Backend, continuation: Continuation) -> list[ReferenceStep]:
    """What a graph says at each step of a continuation that another one made."""
    backend.truncate(0)
    steps = [await _observe(backend, continuation.prompt_ids)]
    for step in continuation.steps[1:]:
        steps.append(await _observe(backend, step.appended))
    return steps


async def _observe(backend: Backend, input_ids: Sequence[int]) -> ReferenceStep:
    candidates = await backend.prefill(input_ids, backend.length)
    logits = np.array(await backend.logits())
    return ReferenceStep(candidates, float(logits.std()))


def _step(appended: tuple[int, ...], candidates: Candidates) -> Step:
    return Step(appended, tuple(map(int, candidates.ids[:2])), tuple(map(float, candidates.values[:2])))
