"""The JSON files beside the graph: what transformers.js reads to know model, replies' ends and tokenizer.

A checkpoint's own files are kept, with what transformers.js needs added; a GGUF file has none, so they are
written from what was read of it. It knows no weights. Keys: transformers.js 4.3's src/configs.js,
src/utils/model-loader.js and src/tokenization_utils.js.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from pagelm.vocabulary_format import unpack_vocabulary
from pagelm_builder.config import JsonValue, ModelConfig
from pagelm_builder.config_keys import read_keys
from pagelm_builder.sources.open_source import Source
from pagelm_builder.tokenizer import ConvertedTokenizer
from pagelm_builder.transformers_js.tokenizer_json import to_tokenizer_json

CONFIG = "config.json"
GENERATION_CONFIG = "generation_config.json"
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
# transformers.js looks for the graph of dtype "q4" under this name
GRAPH = "model_q4.onnx"
ORIGIN = "pagelm"

Document = dict[str, JsonValue]


def write_documents(folder: Path, source: Source, data_files: int, origin: Mapping[str, JsonValue]) -> None:
    """Write all four.

    Args:
        source: What is exported.
        data_files: How many files of external data the graph has.
        origin: What is said of this export, under the key `pagelm` of config.json.
    """
    tokenizer, own = source.tokenizer, source.folder
    _write(folder / CONFIG, {**_config(source), **_additions(data_files), ORIGIN: dict(origin)})
    _write(folder / GENERATION_CONFIG, {**_generation_config(source), **_ends(tokenizer)})
    if own is None:
        _write(folder / TOKENIZER, to_tokenizer_json(unpack_vocabulary(tokenizer.binary)))
        settings = _tokenizer_config(source.config)
    else:
        (folder / TOKENIZER).write_bytes((own / TOKENIZER).read_bytes())
        settings = dict(read_keys(own / TOKENIZER_CONFIG))
    # as texts: transformers.js takes no tokens as objects, unless each says its __type
    named: Document = {**tokenizer.special_tokens_map, "chat_template": tokenizer.chat_template}
    _write(folder / TOKENIZER_CONFIG, settings | named)


def is_exported(folder: Path) -> bool:
    """Whether pagelm wrote this folder."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and isinstance(config.get(ORIGIN), dict)


def _additions(data_files: int) -> Document:
    return {"transformers.js_config": {"dtype": "q4", "use_external_data_format": {GRAPH: data_files}}}


def _config(source: Source) -> Document:
    if source.folder is not None:
        return dict(read_keys(source.folder / CONFIG))
    keys = asdict(source.config)
    # in the graph; llama.cpp's divisors have no key of their own in config.json
    del keys["rope_divisors"], keys["architecture"]
    return {
        "architectures": [source.config.architecture],
        "model_type": source.config.family.name.lower(),
        "hidden_act": "silu",
        **keys,
        **_ends(source.tokenizer),
    }


def _generation_config(source: Source) -> Document:
    """The checkpoint's own; of a GGUF file, how it asks to be sampled (transformers.js has no min_p)."""
    own, asked = source.folder, source.sampling
    if own is not None:
        path = own / GENERATION_CONFIG
        return dict(read_keys(path)) if path.exists() else {}
    if asked is None:
        return {}
    settings: Document = {"temperature": asked.temperature, "top_k": asked.top_k, "top_p": asked.top_p}
    return {"do_sample": asked.temperature > 0, **settings}


def _ends(tokenizer: ConvertedTokenizer) -> Document:
    return {"eos_token_id": list(tokenizer.eos_token_ids), "pad_token_id": tokenizer.pad_token_id}


def _tokenizer_config(config: ModelConfig) -> Document:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": config.max_position_embeddings,
    }


def _write(path: Path, document: Document) -> None:
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
