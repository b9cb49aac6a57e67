"""SmolLM2's tokenizer, read from the GGUF file, against transformers' own reading of the same file.

transformers 5.23 leaves out that the published tokenizer cuts digits apart, which shows where digits are not
ASCII; here it does cut them.
"""

from __future__ import annotations

import warnings

import pytest
from tokenizers import Tokenizer as ReferenceTokenizer

from pagelm.bundle_files import read_verified
from pagelm.manifest import load_manifest
from pagelm.tokenizer import Tokenizer
from parity.reference_pretokenizers import CUTTERS
from parity.text_corpus import make_corpus
from smollm2.locations import BUNDLE, CHECKPOINT, GGUF_FILE

pytestmark = pytest.mark.smollm2


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_bytes(read_verified(BUNDLE, load_manifest(BUNDLE).tokenizer))


@pytest.fixture(scope="module")
def reference() -> ReferenceTokenizer:
    from transformers import AutoTokenizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = AutoTokenizer.from_pretrained(CHECKPOINT, gguf_file=GGUF_FILE)
    found: ReferenceTokenizer = whole.backend_tokenizer
    found.pre_tokenizer = CUTTERS["smollm"]
    return found


def test_ids_equal_the_reference(tokenizer: Tokenizer, reference: ReferenceTokenizer) -> None:
    texts = make_corpus(seed=20261124)
    expected = reference.encode_batch(texts, add_special_tokens=False)
    differing = [
        text
        for text, encoding in zip(texts, expected, strict=True)
        if tokenizer.encode(text, allow_special=True) != encoding.ids
    ]
    assert differing == []


def test_the_added_tokens_are_those_of_the_reference(
    tokenizer: Tokenizer, reference: ReferenceTokenizer
) -> None:
    added = reference.get_added_tokens_decoder()
    assert tokenizer.special_ids == {token.content: token_id for token_id, token in added.items()}
    assert tokenizer.vocab_size == reference.get_vocab_size()
