"""Verifies a bundle: its files, its graphs offline, then each in Chromium beside the same on CPython.

It knows the order of the steps; each is another file's. Nothing is written. What is compared with what:

    wasm        in Chromium ── wasm on CPython                       the same W8A8 arithmetic
    webgpu-f32  in Chromium ── native on CPython, in float32         the same int4 weights
    webgpu-f16  in Chromium ── the same, where the adapter has shader-f16
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from pagelm._backend_native import NativeBackend
from pagelm.bundle_files import verify_bundle_files
from pagelm.manifest_values import Manifest
from pagelm_builder.parity import activation_noise, measure_parity
from pagelm_builder.site import build_site
from pagelm_builder.verify.agreement import Agreement, ReferenceStep, compare
from pagelm_builder.verify.chromium import open_chromium
from pagelm_builder.verify.continuation import Continuation
from pagelm_builder.verify.in_chromium import PageRun, adapter_features, run_in_chromium
from pagelm_builder.verify.prompts import Prompt, make_prompts
from pagelm_builder.verify.reference import NATIVE, continue_greedily, follow, is_exact, open_exact
from pagelm_builder.verify.served_site import serve_site
from pagelm_builder.verify.tolerance import FLOAT16, FLOAT32, rounded_activations

Progress = Callable[[str, int, int], None]

TOKENS = 16
WASM = "wasm"
IN_CHROMIUM = (WASM, "webgpu-f32", "webgpu-f16")


@dataclass(frozen=True, slots=True)
class Environment:
    """Which browser, and how the page gets into it.

    Attributes:
        chromium: Path of one; None: the one that is found.
        node_modules: Where npm put what the page is made of.
        hardware: Whether WebGPU runs on this machine's GPU.
    """

    chromium: Path | None
    node_modules: Path
    hardware: bool = False


@dataclass(frozen=True, slots=True)
class GraphResult:
    """One graph that was run: what it said in Chromium, and how far that is from the reference."""

    run: PageRun
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Verification:
    """All that was found.

    Attributes:
        native: What the `native` graph says on CPython to each prompt.
        native_near_tie: By how many of its logits another machine may see two tokens in the other order.
        results: Of the graphs that ran in Chromium, by name.
        not_run: Why the others did not.
        chromium: Its version.
    """

    manifest: Manifest
    prompts: tuple[Prompt, ...]
    native: tuple[Continuation, ...]
    native_near_tie: float
    results: dict[str, GraphResult]
    not_run: dict[str, str]
    chromium: str


def verify_bundle(
    bundle: Path, environment: Environment, *, tokens: int = TOKENS, progress: Progress | None = None
) -> Verification:
    """Run everything.

    Args:
        bundle: What `pagelm export` wrote.
        tokens: Most tokens after each prompt to compare.
        progress: Called with a stage, steps done and steps in all.

    Raises:
        pagelm.errors.BundleError: a file is missing or altered.
        VerificationError: a graph breaks the contract, does not run, or says something else than its
            reference.
        BrowserError: there is no Chromium, or none with WebGPU.
        SiteError: the page cannot be put together.
    """
    report = progress or (lambda stage, done, total: None)
    manifest = verify_bundle_files(bundle)
    noise = activation_noise(measure_parity(bundle, report))
    tolerances = {WASM: rounded_activations(noise), "webgpu-f32": FLOAT32, "webgpu-f16": FLOAT16}
    prompts = make_prompts(bundle, manifest)
    chromium, runs, not_run = _run_pages(bundle, manifest, prompts, environment, tokens, report)
    names = [prompt.text for prompt in prompts]
    results = {}
    for done, (graph, run) in enumerate(runs.items()):
        report("compare", done, len(runs))
        reference = _follow_all(_open_reference(bundle, manifest, graph), run.continuations)
        agreement = compare(graph, run.continuations, reference, tolerance=tolerances[graph], names=names)
        results[graph] = GraphResult(run, agreement)
    native = _continue_all(bundle, manifest, prompts, tokens)
    deviations = [step.deviation for steps in _follow_all(_native(bundle, NATIVE), native) for step in steps]
    report("compare", len(runs), len(runs))
    own = FLOAT32 if is_exact(bundle, manifest) else tolerances[WASM]
    near_tie = own.largest * mean(deviations)
    return Verification(manifest, prompts, native, near_tie, results, not_run, chromium)


def _run_pages(
    bundle: Path,
    manifest: Manifest,
    prompts: Sequence[Prompt],
    environment: Environment,
    tokens: int,
    report: Progress,
) -> tuple[str, dict[str, PageRun], dict[str, str]]:
    """Chromium's version, what each graph said, and why others were not run."""
    runs, not_run = {}, {}
    with (
        TemporaryDirectory(prefix="pagelm-verify.") as scratch,
        open_chromium(environment.chromium, hardware=environment.hardware) as browser,
    ):
        site = build_site(
            Path(scratch) / "site", [bundle], node_modules=environment.node_modules, progress=report
        )
        with serve_site(site) as url:
            features = adapter_features(browser, url)
            for graph in (name for name in IN_CHROMIUM if name in manifest.graphs):
                lacking = [name for name in manifest.graph(graph).required_features if name not in features]
                if lacking:
                    not_run[graph] = f"no {' and no '.join(lacking)}; its structure was checked"
                    continue

                def progress(done: int, total: int, graph: str = graph) -> None:
                    report(f"{graph} in Chromium", done, total)

                runs[graph] = run_in_chromium(browser, url, graph, prompts, tokens, progress)
        return browser.version, runs, not_run


def _native(bundle: Path, graph: str) -> AbstractContextManager[NativeBackend]:
    return nullcontext(NativeBackend.load(bundle, graph="wasm" if graph == WASM else "native"))


def _open_reference(bundle: Path, manifest: Manifest, graph: str) -> AbstractContextManager[NativeBackend]:
    return _native(bundle, WASM) if graph == WASM else open_exact(bundle, manifest)


def _follow_all(
    opened: AbstractContextManager[NativeBackend], continuations: Sequence[Continuation]
) -> list[list[ReferenceStep]]:
    async def run(backend: NativeBackend) -> list[list[ReferenceStep]]:
        try:
            return [await follow(backend, continuation) for continuation in continuations]
        finally:
            await backend.close()

    with opened as backend:
        return asyncio.run(run(backend))


def _continue_all(
    bundle: Path, manifest: Manifest, prompts: Sequence[Prompt], tokens: int
) -> tuple[Continuation, ...]:
    async def run(backend: NativeBackend) -> tuple[Continuation, ...]:
        try:
            replies = [
                await continue_greedily(backend, prompt.input_ids, tokens, manifest.eos_token_ids)
                for prompt in prompts
            ]
        finally:
            await backend.close()
        return tuple(replies)

    with _native(bundle, NATIVE) as backend:
        return asyncio.run(run(backend))
