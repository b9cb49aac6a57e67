"""Opens whatever `pagelm export` is given: a checkpoint's folder, or a GGUF file.

What is there decides; nothing is guessed from a name. Everything about the model is read and checked before
the first weight is. It knows no bundle.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pagelm.sampling_options import SamplingOptions
from pagelm_builder.checkpoint import Checkpoint, TensorSource
from pagelm_builder.config import ModelConfig, read_config
from pagelm_builder.errors import CheckpointError, ConfigError
from pagelm_builder.presentation import Presentation, read_presentation
from pagelm_builder.sampling_advice import read_advice
from pagelm_builder.tensors import UNTIED_HEAD, model_tensors
from pagelm_builder.tokenizer import ConvertedTokenizer, convert_tokenizer, read_generation_config

CONFIG_FILE = "config.json"
GGUF_SUFFIX = ".gguf"


@dataclass(frozen=True, slots=True)
class Source:
    """A model that is about to become a bundle.

    Attributes:
        name: What to call it where nobody says otherwise.
        weights: Usable while the source is open.
        sampling: What it asks for; None where it says nothing.
        folder: Where config.json and the tokenizer's files lie; None for a GGUF file, whose metadata has it
            all.
    """

    name: str
    config: ModelConfig
    weights: TensorSource
    tokenizer: ConvertedTokenizer
    presentation: Presentation
    sampling: SamplingOptions | None
    folder: Path | None = None


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a checkpoint.

    Args:
        path: A folder with config.json, safetensors files and the tokenizer's files, optionally pagelm.json;
            a GGUF file; or a folder with one GGUF file and no config.json.

    Raises:
        BuildError: a named subclass, which says what is missing or wrong.
    """
    file = _gguf_file(path)
    with _open_folder(path) if file is None else _open_gguf(file) as source:
        if source.tokenizer.token_count > source.config.vocab_size:
            raise ConfigError(
                f"{path}: vocab_size is {source.config.vocab_size}, the tokenizer has "
                f"{source.tokenizer.token_count} ids",
                expected="a row of the embedding for every id",
                remedy="Check that weights and tokenizer belong to the same model.",
            )
        yield source


def _gguf_file(path: Path) -> Path | None:
    """The file to open as GGUF; None for a folder of safetensors."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise CheckpointError(
            f"{path} is not there",
            expected="a folder with config.json, *.safetensors and the tokenizer's files, or a GGUF file",
            remedy="Check the path.",
        )
    files = sorted(path.glob(f"*{GGUF_SUFFIX}"))
    if not files or (path / CONFIG_FILE).exists():
        return None
    if len(files) > 1:
        raise CheckpointError(
            f"{path} holds {len(files)} GGUF files",
            expected="one, or the path of one",
            remedy=f"Name the file, such as {files[0]}.",
        )
    return files[0]


@contextmanager
def _open_folder(path: Path) -> Iterator[Source]:
    config = read_config(path)
    presentation = read_presentation(path)
    sampling = read_advice(read_generation_config(path))
    ignored = [f"{UNTIED_HEAD}.weight"] if config.tie_word_embeddings else []
    with Checkpoint(path) as checkpoint:
        checkpoint.check(model_tensors(config), ignored=ignored)
        tokenizer = convert_tokenizer(path)
        yield Source(path.resolve().name, config, checkpoint, tokenizer, presentation, sampling, path)


@contextmanager
def _open_gguf(path: Path) -> Iterator[Source]:
    # the gguf package takes a third of a second to import
    from pagelm_builder.sources.gguf_config import read_gguf_config
    from pagelm_builder.sources.gguf_header import read_header
    from pagelm_builder.sources.gguf_sampling import read_gguf_advice
    from pagelm_builder.sources.gguf_tokenizer import convert_gguf_tokenizer
    from pagelm_builder.sources.gguf_weights import GgufWeights

    header = read_header(path)
    config = read_gguf_config(header)
    with GgufWeights(header, config) as weights:
        weights.check(model_tensors(config))
        name = path.resolve().name.removesuffix(GGUF_SUFFIX)
        yield Source(
            name,
            config,
            weights,
            convert_gguf_tokenizer(header),
            read_presentation(path.parent),
            read_gguf_advice(header),
        )
