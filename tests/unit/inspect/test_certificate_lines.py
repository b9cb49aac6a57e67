"""The certificate for people: what was run, what was not, and figures of any version."""

from __future__ import annotations

from pagelm.certificate import Certificate, CertifiedGraph, CertifiedPrompt, CertifiedReply
from pagelm_builder.inspect.certificate_lines import certificate_lines

REPLIES = (CertifiedReply((1, 2, 3), (1.0, 1.0, 1.0)),)
GRAPHS = {
    "native": CertifiedGraph(None, 0.5, REPLIES),
    "wasm": CertifiedGraph(None, 0.5, REPLIES),
    "webgpu-f16": CertifiedGraph("no shader-f16", 0.0, ()),
}
KERNELS = {"TopK": {"dispatches_per_token": 1.0, "storage_buffers": 3, "largest_binding_bytes": 2048}}
FIGURES = {
    "agreement": {"wasm": {"tokens": 3, "near_ties": 1, "difference_max": 0.04, "tolerance_max": 0.25}},
    "same_replies": {"prompts": 1, "wasm": 1},
    "fusion": {
        "graph": "webgpu-f32",
        "adapter": "software",
        "dispatches_per_token": 41.0,
        "storage_buffers": 10,
        "largest_binding_bytes": 524288,
        "kernels": KERNELS,
    },
    "evaluation": {"native": {"positions": 9}},
}


def certificate(figures: dict[str, object]) -> Certificate:
    return Certificate({"pagelm": "0.1.0"}, (CertifiedPrompt("One?", True, (1,)),), GRAPHS, figures)


def test_every_graph_and_every_figure_has_a_line() -> None:
    assert list(certificate_lines(certificate(FIGURES))) == [
        "certificate       1 prompts, with pagelm 0.1.0",
        "  native          3 tokens on CPython",
        "  wasm            3 tokens as on CPython, 1 of them near ties; logits within 0.04 deviations "
        "(bound 0.25)",
        "  webgpu-f16      not run: no shader-f16",
        "same replies      as native, of 1 prompts: wasm 1",
        "fusion            webgpu-f32 on software: 41 dispatches a token, at most 10 storage buffers, "
        "largest binding 524.3 kB",
        "  kernel                      dispatches/token   buffers     binding",
        "  TopK                                       1         3      2.0 kB",
        "evaluation native positions 9",
    ]


def test_figures_of_another_version_break_nothing() -> None:
    odd: dict[str, object] = {
        "agreement": [],
        "fusion": {"kernels": {"TopK": 3}},
        "evaluation": {"native": 1},
    }
    assert "  wasm            3 tokens on CPython" in list(certificate_lines(certificate(odd)))


def test_without_one_it_says_how_to_get_it() -> None:
    assert list(certificate_lines(None)) == [
        "certificate       none; to run every graph in Chromium: pagelm verify BUNDLE"
    ]
