"""A verification becomes a certificate that the runtime reads back, bound to the files that were verified."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from pagelm.certificate import CertifiedReply
from pagelm.errors import ManifestError
from pagelm.manifest import load_manifest, parse_manifest
from pagelm_builder.evaluate.comparison import Comparison
from pagelm_builder.verify.agreement import Agreement
from pagelm_builder.verify.certificate import CERTIFICATE, make_certificate
from pagelm_builder.verify.continuation import Continuation, Step
from pagelm_builder.verify.fusion import DecodeCosts
from pagelm_builder.verify.in_chromium import PageRun
from pagelm_builder.verify.manifest_text import write_key
from pagelm_builder.verify.prompts import Prompt
from pagelm_builder.verify.tolerance import FLOAT32, Tolerance
from pagelm_builder.verify.verification import GraphResult, Verification

PROMPTS = (Prompt("One?", True, (5, 6)), Prompt("One?", False, (5, 7)))
NATIVE = tuple(
    Continuation(prompt.input_ids, (Step((), (9, 2), (4.00004, 3.5)), Step((9,), (8, 2), (3.0, 1.0))))
    for prompt in PROMPTS
)
FOUND = (NATIVE[0], Continuation((5, 7), (Step((), (2, 9), (4.0, 3.9)),)))
COSTS = DecodeCosts(
    {"MatMulNBits": 9.0, "TopK": 1.0}, 768.0, {"MatMulNBits": 4, "TopK": 3}, {"MatMulNBits": 4096, "TopK": 64}
)


ROUNDED = Tolerance(0.25, 0.05)


def verification(bundle: Path) -> Verification:
    results = {
        "wasm": GraphResult(
            PageRun(FOUND, "", None), Agreement(3, 1, 0.04219, 0.01, Tolerance(0.25, 0.05), 2.0)
        ),
        "webgpu-f32": GraphResult(
            PageRun(NATIVE, "software", COSTS), Agreement(4, 0, 4e-6, 1e-6, FLOAT32, 2.0)
        ),
    }
    manifest = load_manifest(bundle)
    return Verification(manifest, PROMPTS, NATIVE, 0.375, results, {"webgpu-f16": "no shader-f16"}, "156.0")


def test_the_runtime_reads_it_back(bundle: Path) -> None:
    text = json.loads((bundle / "manifest.json").read_text()) | {
        CERTIFICATE: make_certificate(verification(bundle))
    }
    certificate = parse_manifest(json.dumps(text)).certificate
    assert certificate is not None
    assert [(prompt.text, prompt.enable_thinking, prompt.input_ids) for prompt in certificate.prompts] == [
        ("One?", True, (5, 6)),
        ("One?", False, (5, 7)),
    ]
    assert certificate.graphs["native"].replies[0] == CertifiedReply((9, 8), (0.5, 2.0))
    assert certificate.graphs["native"].near_tie == 0.375
    assert certificate.graphs["wasm"].replies[1] == CertifiedReply((2,), (0.1,))
    assert certificate.graphs["wasm"].near_tie == 0.5
    assert certificate.graphs["webgpu-f16"].not_run == "no shader-f16"
    assert certificate.graphs["webgpu-f16"].replies == ()
    assert certificate.versions["pagelm"] == version("pagelm")
    assert certificate.versions["chromium"] == "156.0"


def test_figures_are_those_that_were_measured(bundle: Path) -> None:
    figures = make_certificate(
        verification(bundle), evaluations={"native": Comparison(9, 0.123456789, 0.75, 12.5, 11.0)}
    )["figures"]
    assert isinstance(figures, dict)
    agreement = figures["agreement"]
    assert isinstance(agreement, dict)
    assert set(agreement) == {"wasm", "webgpu-f32"}
    assert agreement["wasm"] == {
        "tokens": 3,
        "near_ties": 1,
        "difference_max": 0.0422,
        "difference_mean": 0.01,
        "tolerance_max": 0.25,
        "tolerance_mean": 0.05,
    }
    assert figures["same_replies"] == {"prompts": 2, "wasm": 1, "webgpu-f32": 2}
    fusion = figures["fusion"]
    assert isinstance(fusion, dict)
    assert (fusion["graph"], fusion["adapter"]) == ("webgpu-f32", "software")
    assert (fusion["dispatches_per_token"], fusion["storage_buffers"]) == (10, 4)
    assert (fusion["largest_binding_bytes"], fusion["read_back_bytes_per_token"]) == (4096, 768)
    assert figures["evaluation"] == {
        "native": {
            "positions": 9,
            "kl_divergence_mean": 0.123457,
            "top_1_agreement": 0.75,
            "perplexity": 12.5,
            "reference_perplexity": 11.0,
        }
    }


def test_it_is_refused_beside_other_files(bundle: Path, tmp_path: Path) -> None:
    text = (bundle / "manifest.json").read_text()
    manifest = tmp_path / "manifest.json"
    manifest.write_text(text)
    write_key(manifest, text, CERTIFICATE, make_certificate(verification(bundle)))
    certified = load_manifest(tmp_path)
    assert certified.certificate is not None
    assert replace(certified, certificate=None) == load_manifest(bundle)
    digest = certified.weights.parts[0].sha256
    manifest.write_text(manifest.read_text().replace(digest[16:], digest[:15:-1]))
    with pytest.raises(ManifestError, match=r"certificate\.files_sha256 is .* other files"):
        load_manifest(tmp_path)
