"""What a reply may say at each point: reasoning, calls, the answer and its end."""

from __future__ import annotations

import pytest

from pagelm.errors import GrammarError
from pagelm.structured.answer_constraint import AnswerConstraint
from pagelm.structured.regular_expression import parse_pattern
from pagelm.structured.token_grammar import MAX_LISTED, TokenGrammar
from pagelm.structured.vocabulary_index import VocabularyIndex
from pagelm.thinking import Section
from pagelm.tokenizer import Tokenizer
from unit.text.small_vocabulary import make_vocabulary

TOKENIZER = Tokenizer(make_vocabulary())
IDS = TOKENIZER.special_ids
END, CALL, THINK, END_THINK = (IDS[name] for name in ("<|im_end|>", "<tool_call>", "<think>", "</think>"))
HELLO = TOKENIZER.encode("hello")[0]


def constraint(
    pattern: str, *, begins_in: Section = "text", thinks: bool = False, calls: bool = False
) -> AnswerConstraint:
    grammar = TokenGrammar(
        parse_pattern(pattern, name="the pattern"), VocabularyIndex(TOKENIZER), "the pattern"
    )
    return AnswerConstraint(
        grammar,
        (END,),
        begins_in=begins_in,
        think_open_id=THINK if thinks else None,
        think_close_id=END_THINK,
        call_id=CALL if calls else None,
    )


def allowed(reply: AnswerConstraint) -> set[int]:
    """All that may come next; what is listed must be the same."""
    found = {token_id for token_id in range(TOKENIZER.vocab_size + 3) if reply.allows(token_id)}
    listed = reply.listed()
    assert listed is None or set(listed) == found
    assert reply.only == (next(iter(found)) if len(found) == 1 else None)
    return found


def spelled(*texts: str) -> set[int]:
    return {token_id for text in texts for token_id in TOKENIZER.encode(text)}


def test_a_token_may_say_several_characters_or_one() -> None:
    assert allowed(constraint("hello")) == spelled("h", "he", "hell", "hello")


def test_the_end_is_allowed_where_the_answer_may_end_and_nowhere_else() -> None:
    reply = constraint("(?:hello)?h")
    assert END not in allowed(reply)
    reply.accept(TOKENIZER.encode("h")[0])
    assert allowed(reply) == spelled("e") | {END}
    assert not reply.finished


def test_a_reply_is_finished_when_nothing_may_follow() -> None:
    reply = constraint("hello")
    assert not reply.finished
    reply.accept(HELLO)
    assert reply.finished
    assert allowed(reply) == {END}


def test_reasoning_may_begin_the_reply_once() -> None:
    reply = constraint("l", thinks=True)
    assert allowed(reply) == spelled("l") | {THINK}
    reply.accept(THINK)
    assert allowed(reply) == set(range(TOKENIZER.vocab_size + 3)) - {END}
    reply.accept(END_THINK)
    assert allowed(reply) == spelled("\n", "\n\n")
    reply.accept(TOKENIZER.encode("\n\n")[0])
    assert allowed(reply) == spelled("l")


def test_reasoning_does_not_end_the_reply_even_where_the_answer_may_be_empty() -> None:
    reply = constraint("l*", begins_in="reasoning")
    assert not reply.allows(END)
    assert constraint("l*").allows(END)


def test_a_prompt_may_have_opened_the_reasoning() -> None:
    reply = constraint("l", begins_in="reasoning")
    assert not reply.allows(END)
    reply.accept(HELLO)
    reply.accept(END_THINK)
    assert allowed(reply) == spelled("\n", "\n\n")


def test_a_call_may_stand_in_place_of_an_answer_and_frees_the_rest() -> None:
    reply = constraint("(?:l)*", begins_in="reasoning", calls=True)
    reply.accept(END_THINK)
    assert CALL not in allowed(reply)
    reply.accept(TOKENIZER.encode("\n\n")[0])
    assert allowed(reply) == spelled("l", "ll") | {CALL, END}
    reply.accept(CALL)
    assert allowed(reply) == set(range(TOKENIZER.vocab_size + 3))
    assert not reply.finished


def test_no_call_interrupts_an_answer() -> None:
    reply = constraint("(?:l)*", calls=True)
    assert CALL in allowed(reply)
    reply.accept(TOKENIZER.encode("ll")[0])
    assert CALL not in allowed(reply)


def forced_text(reply: AnswerConstraint, said: str = "") -> list[bytes]:
    for token_id in TOKENIZER.encode(said):
        reply.accept(token_id)
    return [TOKENIZER.token_bytes(token_id) for token_id in reply.forced()]


def test_what_has_to_follow_is_forced_as_the_tokenizer_writes_it() -> None:
    assert forced_text(constraint("(?:hello world){1,2}x?"), "h") == [b"e", b"ll", b"o"]
    assert forced_text(constraint("hello world"), "hello") == [b" world"]  # nothing may be joined to it
    assert forced_text(constraint("hello( world)?"), "hello") == []
    assert forced_text(constraint("h[eo]"), "h") == []


def test_nothing_is_forced_where_a_call_may_stand() -> None:
    reply = constraint("hello", begins_in="reasoning", calls=True)
    reply.accept(END_THINK)
    reply.accept(TOKENIZER.encode("\n\n")[0])
    assert forced_text(reply) == []


def test_half_a_character_is_not_forced() -> None:
    assert forced_text(constraint("h[éè]"), "h") == []


def test_many_tokens_are_not_listed() -> None:
    assert constraint(".+").listed() is None
    assert len(constraint("[a-z]+").listed() or ()) <= MAX_LISTED


def test_what_does_not_fit_cannot_be_put_into_an_answer() -> None:
    reply = constraint("hello")
    with pytest.raises(GrammarError, match="put into an answer"):
        reply.accept(TOKENIZER.encode("w")[0])
