"""Texts and chats of files, and the token sequences that they become."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pagelm.chat_template import ChatTemplate
from pagelm.tokenizer import Tokenizer
from pagelm_builder.documents import (
    CALIBRATION,
    EVALUATION,
    TEXTS,
    Chat,
    Document,
    Text,
    calibration_file,
    evaluation_file,
    read_documents,
    to_sequences,
)
from pagelm_builder.embedded_model import embedded_checkpoint
from pagelm_builder.errors import DocumentError
from pagelm_builder.tokenizer import convert_tokenizer

QUESTION = {"role": "user", "content": "What is 1 + 1?"}
THOUGHT = Chat((QUESTION, {"role": "assistant", "content": "2", "reasoning_content": "1 + 1 = 2"}), True)
SPOKEN = Chat((QUESTION, {"role": "assistant", "content": "2"}), False)


@pytest.fixture(scope="module")
def pico() -> tuple[Tokenizer, ChatTemplate]:
    converted = convert_tokenizer(embedded_checkpoint())
    return Tokenizer.from_bytes(converted.binary), ChatTemplate(converted.chat_template)


def scored(document: Document, pico: tuple[Tokenizer, ChatTemplate]) -> str:
    tokenizer, template = pico
    [sequence] = to_sequences([document], tokenizer, template, 4096)
    return tokenizer.decode(sequence.input_ids[sequence.scored_from :], skip_special=False)


def test_of_a_chat_only_the_reply_counts_with_its_reasoning(pico: tuple[Tokenizer, ChatTemplate]) -> None:
    assert scored(THOUGHT, pico) == "<think>\n1 + 1 = 2\n</think>\n\n2<|im_end|>\n"


def test_without_thinking_the_empty_reasoning_is_the_prompts(pico: tuple[Tokenizer, ChatTemplate]) -> None:
    assert scored(SPOKEN, pico) == "2<|im_end|>\n"


def test_of_a_text_all_but_the_first_token_counts(pico: tuple[Tokenizer, ChatTemplate]) -> None:
    [sequence] = to_sequences([Text("one two three")], *pico, 4096)
    assert sequence.scored_from == 1


def test_long_texts_are_cut_and_no_token_is_lost(pico: tuple[Tokenizer, ChatTemplate]) -> None:
    text = "one two three four five six seven" * 20
    sequences = to_sequences([Text(text)], *pico, 32)
    assert [len(sequence.input_ids) for sequence in sequences[:-1]] == [32] * (len(sequences) - 1)
    assert pico[0].decode([id for sequence in sequences for id in sequence.input_ids]) == text


def test_pieces_of_a_chat_that_hold_only_the_question_are_left_out(
    pico: tuple[Tokenizer, ChatTemplate],
) -> None:
    tokenizer, template = pico
    whole = to_sequences([SPOKEN], tokenizer, template, 4096)[0]
    pieces = to_sequences([SPOKEN], tokenizer, template, 8)
    scored_whole = whole.input_ids[whole.scored_from :]
    scored_pieces = [id for piece in pieces for id in piece.input_ids[piece.scored_from :]]
    # at most the first token of each piece has nothing before it that could predict it
    assert len(scored_whole) - len(scored_pieces) <= len(pieces)
    assert len(pieces) < -(-len(whole.input_ids) // 8)


def test_lines_are_texts_and_chats_any_other_file_is_one_text(tmp_path: Path) -> None:
    lines = tmp_path / "mine.jsonl"
    chat = {"messages": list(THOUGHT.messages), "enable_thinking": True}
    lines.write_text(json.dumps({"text": "a"}) + "\n\n" + json.dumps(chat) + "\n", "utf-8")
    assert read_documents(lines) == [Text("a"), THOUGHT]
    plain = tmp_path / "mine.txt"
    plain.write_text('{"text": "a"}\n', "utf-8")
    assert read_documents(plain) == [Text('{"text": "a"}\n')]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "is not JSON"),
        ("[]", "is an array"),
        ('{"txt": "a"}', "messages is missing"),
        ('{"messages": [], "enable_thinking": true}', "do not end with a reply"),
        ('{"messages": [{"role": "tool", "content": ""}], "enable_thinking": true}', "role is 'tool'"),
        (json.dumps({"messages": list(SPOKEN.messages)}), "enable_thinking is missing"),
    ],
)
def test_a_line_that_is_neither_is_named(line: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(f'{{"text": "a"}}\n{line}\n', "utf-8")
    with pytest.raises(DocumentError, match="line 2") as refused:
        read_documents(path)
    assert problem in str(refused.value)


def test_files_without_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"nothing\.txt cannot be read"):
        read_documents(tmp_path / "nothing.txt")
    (tmp_path / "blank.txt").write_text(" \n")
    with pytest.raises(DocumentError, match=r"blank\.txt is empty"):
        read_documents(tmp_path / "blank.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(DocumentError, match=r"latin\.txt cannot be read"):
        read_documents(tmp_path / "latin.txt")


def test_a_single_token_is_too_little(pico: tuple[Tokenizer, ChatTemplate]) -> None:
    with pytest.raises(DocumentError, match="no two tokens"):
        to_sequences([Text("a")], *pico, 4096)


def test_a_checkpoints_own_documents_come_before_the_packages(tmp_path: Path) -> None:
    assert evaluation_file(tmp_path) == TEXTS / EVALUATION
    (tmp_path / CALIBRATION).write_text('{"text": "a"}')
    assert (calibration_file(tmp_path), evaluation_file(tmp_path)) == (
        tmp_path / CALIBRATION,
        TEXTS / EVALUATION,
    )


@pytest.mark.parametrize("folder", [TEXTS, embedded_checkpoint()], ids=["general", "pico"])
def test_nothing_is_calibrated_with_what_is_evaluated_on(folder: Path) -> None:
    calibration, evaluation = (read_documents(folder / name) for name in (CALIBRATION, EVALUATION))
    seen = {_key(document) for document in calibration}
    assert not seen & {_key(document) for document in evaluation}
    lines = {line for document in calibration if isinstance(document, Text) for line in _long_lines(document)}
    for document in evaluation:
        if isinstance(document, Text):
            assert not lines.intersection(_long_lines(document))


def _key(document: Document) -> str:
    if isinstance(document, Text):
        return document.text
    return "\n".join(message["content"] for message in document.messages)


def _long_lines(document: Text) -> list[str]:
    return [line for line in document.text.splitlines() if len(line) > 60]


@pytest.mark.parametrize("name", [CALIBRATION, EVALUATION])
def test_the_packages_documents_are_small_and_of_every_kind(name: str) -> None:
    assert (TEXTS / name).stat().st_size <= 100_000
    documents = read_documents(TEXTS / name)
    chats = [document for document in documents if isinstance(document, Chat)]
    text = " ".join(document.text for document in documents if isinstance(document, Text))
    assert {chat.enable_thinking for chat in chats} == {True, False}
    assert {"reasoning_content" in chat.messages[-1] for chat in chats if chat.enable_thinking} == {True}
    assert not [
        chat for chat in chats if not chat.enable_thinking and "reasoning_content" in chat.messages[-1]
    ]
    for sign in ("def ", "const ", "the ", "und ", "的", "ж", "の", "ع", "한"):
        assert sign in text, sign
