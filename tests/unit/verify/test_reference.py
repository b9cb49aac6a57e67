"""What CPython says to the tokens of another graph, and by itself."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from altered_bundle import alter_graph
from fakes import scripted
from pagelm._backend_native import NativeBackend
from pagelm.manifest import load_manifest
from pagelm_builder.errors import VerificationError
from pagelm_builder.verify.agreement import compare
from pagelm_builder.verify.continuation import Continuation
from pagelm_builder.verify.reference import continue_greedily, follow, is_exact, open_exact
from pagelm_builder.verify.tolerance import Tolerance

CLOSE = Tolerance(1e-4, 1e-4)
PROMPT = [3, 1, 4, 1, 5, 9, 2, 6]


def greedy(backend: NativeBackend, tokens: int = 6) -> Continuation:
    return asyncio.run(continue_greedily(backend, PROMPT, tokens, ()))


def test_a_graph_agrees_with_itself(bundle: Path) -> None:
    backend = NativeBackend.load(bundle)
    found = greedy(backend)
    assert [step.appended for step in found.steps[1:]] == [step.ids[:1] for step in found.steps[:-1]]
    steps = asyncio.run(follow(backend, found))
    agreement = compare("native", [found], [steps], tolerance=CLOSE, names=["digits"])
    assert (agreement.tokens, agreement.near_ties) == (6, 0)


def test_the_deviation_is_that_of_all_logits(bundle: Path) -> None:
    backend = NativeBackend.load(bundle)
    found = greedy(backend, 1)
    [step] = asyncio.run(follow(backend, found))
    assert step.deviation == pytest.approx(np.std(asyncio.run(backend.logits())))


def test_a_reply_ends_with_its_last_token() -> None:
    backend = scripted("ab")
    found = asyncio.run(continue_greedily(backend, [5], 9, (257,)))
    assert [step.ids[0] for step in found.steps] == [*b"ab", 257]


def test_the_context_bounds_a_reply(bundle: Path) -> None:
    backend = NativeBackend.load(bundle)
    prompt = [7] * (backend.capabilities.max_positions - 2)
    assert len(asyncio.run(continue_greedily(backend, prompt, 9, ())).steps) == 2


def test_exact_is_float32_whatever_the_graph_asks_for(bundle: Path, tmp_path: Path) -> None:
    """A graph that quantizes activations says something else, and says it no more when opened exactly."""

    def set_level(level: int) -> Path:
        def edit(graph: onnx.GraphProto) -> None:
            for node in graph.node:
                for attribute in node.attribute:
                    if attribute.name == "accuracy_level":
                        attribute.i = level

        copy = Path(shutil.copytree(bundle, tmp_path / f"level-{level}"))
        alter_graph(copy, "native", edit)
        return copy

    exact, quantized = set_level(0), set_level(4)
    assert [is_exact(copy, load_manifest(copy)) for copy in (exact, quantized)] == [True, False]
    found = greedy(NativeBackend.load(exact))
    rounded = asyncio.run(follow(NativeBackend.load(quantized), found))
    with pytest.raises(VerificationError):
        compare("native", [found], [rounded], tolerance=CLOSE, names=["digits"])
    with open_exact(quantized, load_manifest(quantized)) as backend:
        steps = asyncio.run(follow(backend, found))
    assert compare("native", [found], [steps], tolerance=CLOSE, names=["digits"]).tokens == 6
