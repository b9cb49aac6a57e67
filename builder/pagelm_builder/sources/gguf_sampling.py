"""How a GGUF file's metadata wants its model to be sampled, where it says anything about that.

llama.cpp's converter copies `general.sampling.*` from generation_config.json; what a file leaves out is
llama.cpp's default. Its penalties, Mirostat and XTC are not used. It refuses to know weights and tokens.
"""

from __future__ import annotations

from dataclasses import replace

from pagelm.errors import SamplingError
from pagelm.sampling_options import SamplingOptions
from pagelm_builder.errors import ConfigError
from pagelm_builder.sampling_advice import UNADVISED
from pagelm_builder.sources.gguf_header import GgufHeader
from pagelm_builder.sources.gguf_metadata import GgufMetadata

_TOP_K = "general.sampling.top_k"
_NUMBERS = {
    "temperature": "general.sampling.temp",
    "top_p": "general.sampling.top_p",
    "min_p": "general.sampling.min_p",
}


def read_gguf_advice(header: GgufHeader) -> SamplingOptions | None:
    """What the file asks for; None where it says nothing.

    Raises:
        ConfigError: a key has a value that cannot be.
    """
    metadata = GgufMetadata(header)
    asked: dict[str, float] = {
        name: metadata.number(key, or_zero=True) for name, key in _NUMBERS.items() if key in metadata
    }
    if _TOP_K in metadata:
        asked["top_k"] = metadata.integer(_TOP_K, minimum=0)
    if not asked:
        return None
    try:
        return replace(UNADVISED, **asked)  # type: ignore[arg-type]  # refuses other types
    except SamplingError as error:
        raise ConfigError(
            f"{header.path}: general.sampling.*: {error.problem}",
            expected=error.expected,
            remedy="Convert the model again with llama.cpp's converter.",
        ) from error
