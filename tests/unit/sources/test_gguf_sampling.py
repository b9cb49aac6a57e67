"""Sampling defaults and named tokens of a GGUF file's metadata."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagelm.manifest import load_manifest
from pagelm.sampling_options import SamplingOptions
from pagelm_builder.errors import ConfigError
from pagelm_builder.export import export_bundle
from pagelm_builder.sources.open_source import open_source
from tiny_checkpoints import TINY_LLAMA
from tiny_gguf import write_gguf

PLAIN = "{% for m in messages %}{{ '<|im_start|>' + m.role + m.content + '<|im_end|>' }}{% endfor %}"


def advice_of(path: Path) -> SamplingOptions | None:
    with open_source(path) as source:
        return source.sampling


def test_most_files_say_nothing(tmp_path: Path) -> None:
    assert advice_of(write_gguf(tmp_path / "tiny.gguf", TINY_LLAMA)) is None


def test_what_a_file_says_counts_and_the_rest_is_llama_cpps(tmp_path: Path) -> None:
    asked = {"general__sampling__temp": 0.6, "general__sampling__top_k": 20, "general__sampling__min_p": 0.0}
    path = write_gguf(tmp_path / "tiny.gguf", TINY_LLAMA, **asked)
    assert advice_of(path) == SamplingOptions(temperature=0.6, top_k=20, top_p=0.95, min_p=0.0)


@pytest.mark.parametrize(("key", "value"), [("top_p", 1.5), ("temp", -1.0), ("top_k", "20")])
def test_a_value_that_cannot_be_is_named(tmp_path: Path, key: str, value: object) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", TINY_LLAMA, **{f"general__sampling__{key}": value})
    with pytest.raises(ConfigError, match=r"general\.sampling\."):
        advice_of(path)


def test_the_bundle_of_a_model_that_does_not_think_says_so(tmp_path: Path) -> None:
    asked = {"general__sampling__temp": 0.25, "tokenizer__chat_template": PLAIN}
    path = write_gguf(tmp_path / "tiny.gguf", TINY_LLAMA, **asked)
    manifest = load_manifest(export_bundle(path, tmp_path / "bundle"))
    assert not manifest.thinking
    assert manifest.generation.thinking == manifest.generation.non_thinking
    assert manifest.generation.non_thinking.temperature == 0.25
    assert manifest.special_tokens_map["eos_token"] == "<|im_end|>"
