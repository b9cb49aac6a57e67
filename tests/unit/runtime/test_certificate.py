"""pagelm.certificate: what a good one gives, and that every bad one is refused by the name of its key."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from fakes import VOCAB_SIZE, manifest, manifest_value
from pagelm.certificate import Certificate, CertifiedGraph, CertifiedPrompt, CertifiedReply
from pagelm.errors import ManifestError
from pagelm.manifest import parse_manifest

REPLY = {"ids": [65, 66], "margins": [1.5, 0]}
GOOD: dict[str, Any] = {
    "files_sha256": manifest().files_sha256(),
    "versions": {"pagelm": "0.1.0"},
    "prompts": [{"text": "One?", "enable_thinking": False, "input_ids": [1, 2]}],
    "graphs": {"native": {"near_tie": 0.25, "replies": [REPLY]}, "wasm": {"not_run": "no browser"}},
    "figures": {"anything": [1, {}]},
    "of tomorrow": None,
}


def parsed(certificate: object) -> Certificate | None:
    return parse_manifest(json.dumps(manifest_value() | {"certificate": certificate})).certificate


def test_values_are_read() -> None:
    assert parsed(GOOD) == Certificate(
        versions={"pagelm": "0.1.0"},
        prompts=(CertifiedPrompt("One?", False, (1, 2)),),
        graphs={
            "native": CertifiedGraph(None, 0.25, (CertifiedReply((65, 66), (1.5, 0)),)),
            "wasm": CertifiedGraph("no browser", 0.0, ()),
        },
        figures={"anything": [1, {}]},
    )


def test_a_bundle_need_not_have_one() -> None:
    assert manifest().certificate is None


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("files_sha256", "0" * 64, "has other files than those that were verified"),
        ("versions.pagelm", 1, "certificate.versions.pagelm is a number"),
        ("prompts.0.input_ids", [VOCAB_SIZE], f"certificate.prompts[0].input_ids is [{VOCAB_SIZE}]"),
        ("prompts.0.input_ids", [], "one or more ids"),
        ("graphs.native.replies", [], "certificate.graphs.native.replies are 0 (expected 1,"),
        ("graphs.native.replies.0.margins", [1.5], "certificate.graphs.native.replies[0].margins are 1"),
        ("graphs.native.replies.0.margins", [1.5, "x"], "margins[1] is a string"),
        ("graphs.native.near_tie", -1, "certificate.graphs.native.near_tie is -1"),
        ("graphs.wasm.not_run", False, "certificate.graphs.wasm.not_run is a boolean"),
        (
            "graphs.webgpu-f32",
            {"not_run": "x"},
            "certificate.graphs.webgpu-f32 is certified, but not in the bundle",
        ),
        ("figures", [], "certificate.figures is an array"),
    ],
)
def test_a_bad_value_is_refused_by_its_path(path: str, value: object, message: str) -> None:
    certificate = copy.deepcopy(GOOD)
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    owner: Any = certificate
    for key in parents:
        owner = owner[key]
    owner[last] = value
    with pytest.raises(ManifestError) as refused:
        parsed(certificate)
    assert message in str(refused.value)


@pytest.mark.parametrize("key", ["files_sha256", "versions", "prompts", "graphs", "figures"])
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(ManifestError, match=f"certificate.{key} is missing"):
        parsed({name: value for name, value in GOOD.items() if name != key})
