"""Fixtures that need nothing but pagelm and pytest, so that these tests also run inside Pyodide."""

from __future__ import annotations

import pytest

from pagelm.tokenizer import Tokenizer
from pagelm.vocabulary_format import Vocabulary, pack_vocabulary
from unit.text.small_vocabulary import make_vocabulary


@pytest.fixture
def vocabulary() -> Vocabulary:
    return make_vocabulary()


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_bytes(pack_vocabulary(make_vocabulary()))
