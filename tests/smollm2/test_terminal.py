"""SmolLM2 in the terminal, on this machine's CPU."""

from __future__ import annotations

import json

import pytest

from pagelm.manifest import load_manifest
from pagelm_builder import cli
from smollm2.locations import BUNDLE

pytestmark = pytest.mark.smollm2
CAPITAL = ["chat", str(BUNDLE), "--prompt", "What is the capital of France?", "--temperature", "0"]


def test_it_answers_in_english_and_ends_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*CAPITAL, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "Paris" in said["text"]
    assert (said["reasoning"], said["finish_reason"]) == ("", "stop")


def test_a_budget_for_thinking_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*CAPITAL, "--thinking-budget", "10"]) == 1
    assert "ThinkingError" in capsys.readouterr().err


def test_the_bundle_says_that_it_does_not_think_and_samples_as_llama_cpp_does() -> None:
    manifest = load_manifest(BUNDLE)
    assert not manifest.thinking
    options = manifest.generation.non_thinking
    assert (options.temperature, options.top_k, options.top_p, options.min_p) == (0.8, 40, 0.95, 0.05)
