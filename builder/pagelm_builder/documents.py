"""What a model is calibrated with and evaluated on: texts and chats, and the tokens they become.

A `.jsonl` file holds one document a line, either `{"text": …}` or a chat, `{"messages": […],
"enable_thinking": …}`, whose last message is the reply (with `reasoning_content` where it was thought about);
any other file is one text. Chats are rendered with the model's own template. It knows no model's arithmetic.
Specified in docs/contracts.md, "Documents".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pagelm.chat_template import ChatTemplate, encode_chat
from pagelm.errors import PagelmError
from pagelm.json_fields import Fields
from pagelm.tokenizer import Tokenizer
from pagelm_builder.errors import DocumentError

TEXTS = Path(__file__).parent / "texts"
CALIBRATION = "calibration.jsonl"
EVALUATION = "evaluation.jsonl"
CHAT_LINES = ".jsonl"
# attention is quadratic; and what is measured should have a context of everyday length
LONGEST_SEQUENCE = 512
_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Text:
    """A text, every token of which counts."""

    text: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation that ends with a reply; only the reply counts, as only that is the model's to write."""

    messages: tuple[Mapping[str, str], ...]
    enable_thinking: bool


Document = Text | Chat


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """Tokens that a model reads in one go, from its first position on.

    Attributes:
        scored_from: Index of the first token whose prediction counts; at least 1.
    """

    input_ids: tuple[int, ...]
    scored_from: int


def calibration_file(checkpoint: Path) -> Path:
    """The checkpoint's own file, for a model that general text means nothing to; else the package's."""
    return _own_or_general(checkpoint, CALIBRATION)


def evaluation_file(checkpoint: Path) -> Path:
    """As `calibration_file`, of text that nothing was calibrated with."""
    return _own_or_general(checkpoint, EVALUATION)


def read_documents(path: Path) -> list[Document]:
    """Read a file of documents.

    Raises:
        DocumentError: it is missing, empty or not UTF-8, or a line is neither a text nor a chat.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refusal(f"{path} cannot be read: {error}", "UTF-8 text") from error
    if not content.strip():
        raise _refusal(f"{path} is empty", "some text")
    if path.suffix != CHAT_LINES:
        return [Text(content)]
    lines = enumerate(content.splitlines(), start=1)
    return [_parse_line(line, f"{path}, line {number}") for number, line in lines if line.strip()]


def to_sequences(
    documents: Sequence[Document], tokenizer: Tokenizer, template: ChatTemplate, longest: int
) -> list[TokenSequence]:
    """Tokens of all documents, cut into sequences of at most `longest` tokens (and at least 2).

    Raises:
        DocumentError: nothing is left to count.
        pagelm.errors.TemplateError: the model's template refuses a chat.
    """
    sequences: list[TokenSequence] = []
    for document in documents:
        input_ids, scored_from = _encode(document, tokenizer, template)
        sequences += _cut(input_ids, scored_from, min(longest, LONGEST_SEQUENCE))
    if not sequences:
        raise _refusal("the documents hold no two tokens in a row to predict", "a paragraph at least")
    return sequences


def _own_or_general(checkpoint: Path, name: str) -> Path:
    own = checkpoint / name
    return own if own.is_file() else TEXTS / name


def _encode(document: Document, tokenizer: Tokenizer, template: ChatTemplate) -> tuple[list[int], int]:
    """Token ids and the index of the first that counts."""
    if isinstance(document, Text):
        return tokenizer.encode(document.text), 1
    whole, prompt = (
        encode_chat(
            tokenizer,
            template,
            messages,
            enable_thinking=document.enable_thinking,
            add_generation_prompt=is_prompt,
        )
        for messages, is_prompt in ((document.messages, False), (document.messages[:-1], True))
    )
    # where a template opens a reply otherwise than it closes one, what both have in common is the prompt
    differences = (at for at, (left, right) in enumerate(zip(whole, prompt, strict=False)) if left != right)
    return whole, next(differences, min(len(whole), len(prompt)))


def _cut(input_ids: Sequence[int], scored_from: int, longest: int) -> Iterator[TokenSequence]:
    for start in range(0, len(input_ids), longest):
        piece = tuple(input_ids[start : start + longest])
        first = max(scored_from - start, 1)
        if first < len(piece):
            yield TokenSequence(piece, first)


def _parse_line(line: str, place: str) -> Document:
    try:
        value: object = json.loads(line)
    except ValueError as error:
        raise _refusal(f"{place} is not JSON: {error}", "a JSON object") from error
    fields = Fields(value, "", lambda problem, expected: _refusal(f"{place}: {problem}", expected))
    if "text" in fields:
        return Text(fields.text("text"))
    messages = tuple(_parse_message(message) for message in fields.array_of_fields("messages"))
    if len(messages) < 2 or messages[-1]["role"] != "assistant":
        raise fields.refused("messages", "do not end with a reply", "a question and the assistant's reply")
    return Chat(messages, fields.flag("enable_thinking"))


def _parse_message(fields: Fields) -> Mapping[str, str]:
    keys = ("content", "reasoning_content") if "reasoning_content" in fields else ("content",)
    return {"role": fields.text("role", one_of=_ROLES), **{key: fields.text(key) for key in keys}}


def _refusal(problem: str, expected: str) -> PagelmError:
    return DocumentError(problem, expected=expected, remedy="Name a text file, or .jsonl of texts and chats.")
