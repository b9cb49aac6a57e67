"""A verification as the manifest's `certificate`: ids and margins for programs, figures for people.

It measures nothing and writes nothing. Specified in docs/contracts.md, "Certificate"; read by
`pagelm.certificate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version

from pagelm_builder.config import JsonValue
from pagelm_builder.evaluate.comparison import Comparison
from pagelm_builder.site.npm_packages import ONNXRUNTIME_WEB
from pagelm_builder.verify.agreement import Agreement
from pagelm_builder.verify.continuation import Continuation
from pagelm_builder.verify.fusion import DecodeCosts
from pagelm_builder.verify.reference import NATIVE
from pagelm_builder.verify.rounding import rounded
from pagelm_builder.verify.verification import Verification

CERTIFICATE = "certificate"


def make_certificate(
    verification: Verification, *, evaluations: Mapping[str, Comparison] | None = None
) -> dict[str, JsonValue]:
    """The value of `certificate`.

    Args:
        evaluations: By graph, where the bundle was compared with its checkpoint.
    """
    return {
        "files_sha256": verification.manifest.files_sha256(),
        "versions": {
            "pagelm": version("pagelm"),
            "onnxruntime": version("onnxruntime"),
            "onnxruntime-web": ONNXRUNTIME_WEB.version,
            "chromium": verification.chromium,
        },
        "prompts": [prompt.entry() for prompt in verification.prompts],
        "graphs": _graphs(verification),
        "figures": _figures(verification, evaluations or {}),
    }


def _graphs(verification: Verification) -> dict[str, JsonValue]:
    graphs: dict[str, JsonValue] = {NATIVE: _graph(verification.native, verification.native_near_tie)}
    for name, result in verification.results.items():
        agreement = result.agreement
        near_tie = agreement.tolerance.largest * agreement.deviation
        graphs[name] = _graph(result.run.continuations, near_tie)
    return graphs | {name: {"not_run": reason} for name, reason in verification.not_run.items()}


def _graph(continuations: Sequence[Continuation], near_tie: float) -> JsonValue:
    replies: list[JsonValue] = [_reply(continuation) for continuation in continuations]
    return {"near_tie": rounded(near_tie), "replies": replies}


def _reply(continuation: Continuation) -> JsonValue:
    steps = continuation.greedy()
    return {
        "ids": [step.ids[0] for step in steps],
        "margins": [rounded(step.margin) for step in steps],
    }


def _figures(verification: Verification, evaluations: Mapping[str, Comparison]) -> dict[str, JsonValue]:
    figures: dict[str, JsonValue] = {
        "agreement": {name: _agreement(result.agreement) for name, result in verification.results.items()},
        "same_replies": _same_replies(verification),
    }
    for name, result in verification.results.items():
        if result.run.costs is not None and "fusion" not in figures:
            figures["fusion"] = {"graph": name, "adapter": result.run.adapter, **_fusion(result.run.costs)}
    if evaluations:
        figures["evaluation"] = {
            name: {key: rounded(value, 6) for key, value in asdict(comparison).items()}
            for name, comparison in evaluations.items()
        }
    return figures


def _agreement(agreement: Agreement) -> JsonValue:
    return {
        "tokens": agreement.tokens,
        "near_ties": agreement.near_ties,
        "difference_max": rounded(agreement.difference_max, 3),
        "difference_mean": rounded(agreement.difference_mean, 3),
        "tolerance_max": rounded(agreement.tolerance.largest, 3),
        "tolerance_mean": rounded(agreement.tolerance.mean, 3),
    }


def _same_replies(verification: Verification) -> JsonValue:
    """How many prompts get the native graph's ids; other arithmetic may rightly lead elsewhere."""
    native = [[step.ids[0] for step in continuation.greedy()] for continuation in verification.native]
    same: dict[str, JsonValue] = {"prompts": len(native)}
    for name, result in verification.results.items():
        found = [[step.ids[0] for step in continuation.greedy()] for continuation in result.run.continuations]
        same[name] = sum(ids == others for ids, others in zip(found, native, strict=True))
    return same


def _fusion(costs: DecodeCosts) -> dict[str, JsonValue]:
    return {
        "dispatches_per_token": rounded(sum(costs.dispatches.values())),
        "read_back_bytes_per_token": rounded(costs.read_back_bytes),
        "storage_buffers": max(costs.storage_buffers.values(), default=0),
        "largest_binding_bytes": max(costs.largest_bindings.values(), default=0),
        "kernels": {
            name: {
                "dispatches_per_token": rounded(costs.dispatches.get(name, 0)),
                "storage_buffers": buffers,
                "largest_binding_bytes": costs.largest_bindings[name],
            }
            for name, buffers in costs.storage_buffers.items()
        },
    }
