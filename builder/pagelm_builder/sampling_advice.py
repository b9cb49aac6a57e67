"""How a checkpoint wants to be sampled: read from it where it says so, else what is documented elsewhere.

Names, defaults and meanings of generation_config.json are transformers' (`GenerationConfig`), those of GGUF
metadata llama.cpp's; other keys of either are not used. Specified in docs/contracts.md, "Sampling defaults".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pagelm.errors import SamplingError
from pagelm.sampling_options import SamplingOptions
from pagelm_builder.config import JsonValue
from pagelm_builder.errors import ConfigError
from pagelm_builder.families import Architecture

# Qwen3's own settings for its two modes: https://huggingface.co/Qwen/Qwen3-0.6B#best-practices
QWEN3_THINKING: Final = SamplingOptions(temperature=0.6, top_k=20, top_p=0.95, min_p=0.0)
QWEN3_NON_THINKING: Final = SamplingOptions(temperature=0.7, top_k=20, top_p=0.8, min_p=0.0)
# what llama.cpp samples with unless told otherwise: its tools/server/README.md
UNADVISED: Final = SamplingOptions(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05)

# generation_config.json → what transformers takes where a file that samples leaves the key out
_TRANSFORMERS_DEFAULTS: Final[Mapping[str, float | int]] = {
    "temperature": 1.0,
    "top_k": 50,
    "top_p": 1.0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
}


def read_advice(generation_config: Mapping[str, object]) -> SamplingOptions | None:
    """What generation_config.json asks for; None where it says nothing about sampling.

    Raises:
        ConfigError: A key has a value that cannot be.
    """
    does_sample = generation_config.get("do_sample")
    if does_sample is not None and not isinstance(does_sample, bool):
        raise _refusal(f"do_sample is {does_sample!r}", "true or false")
    given = {key: generation_config.get(key) for key in _TRANSFORMERS_DEFAULTS}
    asked = {key: value for key, value in given.items() if value is not None}
    if does_sample is None and not asked:
        return None
    if does_sample is False:
        asked["temperature"] = 0.0
    try:
        return SamplingOptions(**{**_TRANSFORMERS_DEFAULTS, **asked})  # type: ignore[arg-type]  # refuses other types
    except SamplingError as error:
        raise _refusal(error.problem, error.expected) from error


def generation_entry(
    advice: SamplingOptions | None, architecture: Architecture, *, thinking: bool
) -> dict[str, JsonValue]:
    """`generation` of the manifest.

    Args:
        advice: What the checkpoint asks for.
        thinking: Whether the model thinks.
    """
    if thinking and architecture == "Qwen3ForCausalLM":
        return {"thinking": _entry(QWEN3_THINKING), "non_thinking": _entry(QWEN3_NON_THINKING)}
    own = _entry(advice or UNADVISED)
    return {"thinking": own, "non_thinking": dict(own)}


def _entry(options: SamplingOptions) -> dict[str, JsonValue]:
    return {key: getattr(options, key) for key in _TRANSFORMERS_DEFAULTS}


def _refusal(problem: str, expected: str) -> ConfigError:
    return ConfigError(
        f"generation_config.json: {problem}",
        expected=expected,
        remedy="Correct the file, or leave the key out.",
    )
