"""Whether the pieces of a bundle have the same tokens: manifest, tokenizer and backend. Knows no chat."""

from __future__ import annotations

from pagelm.backend import Backend
from pagelm.errors import BackendError, TokenizerError
from pagelm.manifest_values import Manifest
from pagelm.thinking import CLOSE_TAG, OPEN_TAG
from pagelm.tokenizer import Tokenizer


def check_vocabularies(manifest: Manifest, tokenizer: Tokenizer, backend: Backend) -> None:
    """Raise unless they belong together.

    Raises:
        BackendError: The backend's vocabulary is not the manifest's.
        TokenizerError: The tokenizer has ids that the model lacks, or not the tags that it thinks between.
    """
    if manifest.thinking and not {OPEN_TAG, CLOSE_TAG} <= tokenizer.special_ids.keys():
        raise TokenizerError(
            f"the manifest says that {manifest.name} thinks, and the tokenizer lacks the tags",
            expected=f"the added tokens {OPEN_TAG} and {CLOSE_TAG}",
            remedy="Export the bundle again with this version of pagelm.",
        )
    vocab_size = manifest.model.vocab_size
    if backend.capabilities.vocab_size != vocab_size:
        raise BackendError(
            f"the backend computes {backend.capabilities.vocab_size} logits",
            expected=f"{vocab_size}, the vocab_size of {manifest.name}",
            remedy="Load the graph of the same bundle.",
        )
    if tokenizer.vocab_size > vocab_size:
        raise TokenizerError(
            f"the tokenizer has {tokenizer.vocab_size} ids",
            expected=f"at most {vocab_size}, the vocab_size of {manifest.name}",
            remedy="Export the bundle again from a checkpoint whose tokenizer is its own.",
        )
