"""The JSON files beside the graph: what transformers.js reads to know model, replies' ends and tokenizer.

A checkpoint's own files are kept, with what transformers.js needs added; a GGUF file has none, so they are
written from what was read of it. It knows no weights. Keys: transformers.js 4.3's src/configs.js,
src/utils/model-loader.js and src/tokenization_utils.js.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    _write(folder / GENERATION_CONFIG, {**_generation_config(own), **_ends(tokenizer)})
    if own is None:
        document = to_tokenizer_json(unpack_vocabulary(tokenizer.binary))
        _write(folder / TOKENIZER, document)
        _write(folder / TOKENIZER_CONFIG, _tokenizer_config(tokenizer, document, source.config))
    else:
        (folder / TOKENIZER).write_bytes((own / TOKENIZER).read_bytes())
        settings = {**read_keys(own / TOKENIZER_CONFIG), "chat_template": tokenizer.chat_template}
        _write(folder / TOKENIZER_CONFIG, settings)


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


def _generation_config(own: Path | None) -> Document:
    if own is None or not (own / GENERATION_CONFIG).exists():
        return {}
    return dict(read_keys(own / GENERATION_CONFIG))


def _ends(tokenizer: ConvertedTokenizer) -> Document:
    return {"eos_token_id": list(tokenizer.eos_token_ids), "pad_token_id": tokenizer.pad_token_id}


def _tokenizer_config(tokenizer: ConvertedTokenizer, document: Document, config: ModelConfig) -> Document:
    contents = _contents(document, (tokenizer.eos_token_ids[0], tokenizer.pad_token_id))
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": contents[0],
        "pad_token": contents[1],
        "clean_up_tokenization_spaces": False,
        "model_max_length": config.max_position_embeddings,
        "chat_template": tokenizer.chat_template,
    }


def _contents(document: Document, token_ids: Sequence[int]) -> list[str]:
    model, added = document["model"], document["added_tokens"]
    assert isinstance(model, dict)
    assert isinstance(added, list)
    vocab = model["vocab"]
    assert isinstance(vocab, dict)
    contents = {token_id: content for content, token_id in vocab.items()}
    contents |= {token["id"]: str(token["content"]) for token in added if isinstance(token, dict)}
    return [contents[token_id] for token_id in token_ids]


def _write(path: Path, document: Document) -> None:
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
