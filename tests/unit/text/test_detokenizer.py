"""Characters come when they are complete, and all of them come."""

from __future__ import annotations

from pagelm.detokenizer import StreamingDetokenizer
from pagelm.tokenizer import Tokenizer


def test_a_character_comes_with_its_last_byte(tokenizer: Tokenizer) -> None:
    stream = StreamingDetokenizer(tokenizer)
    assert [stream.push(value) for value in "a😀é".encode()] == ["a", "", "", "", "😀", "", "é"]
    assert stream.finish() == ""


def test_a_broken_character_is_replaced_when_it_is_clear_that_it_is_broken(tokenizer: Tokenizer) -> None:
    stream = StreamingDetokenizer(tokenizer)
    assert [stream.push(id) for id in (0xF0, 0x9F, ord("a"))] == ["", "", "\ufffda"]


def test_a_character_cut_off_at_the_end_is_replaced(tokenizer: Tokenizer) -> None:
    stream = StreamingDetokenizer(tokenizer)
    assert stream.push(0xE6) + stream.push(0xBC) == ""
    assert stream.finish() == "\ufffd"
    assert stream.finish() == ""


def test_after_finish_a_new_list_begins(tokenizer: Tokenizer) -> None:
    stream = StreamingDetokenizer(tokenizer)
    stream.push(0xE6)
    stream.finish()
    assert stream.push(259) == "hello"


def test_control_tokens_show_only_when_asked_for(tokenizer: Tokenizer) -> None:
    im_end, think = tokenizer.special_ids["<|im_end|>"], tokenizer.special_ids["<think>"]
    hidden, shown = StreamingDetokenizer(tokenizer), StreamingDetokenizer(tokenizer, skip_special=False)
    assert [hidden.push(im_end), hidden.push(think)] == ["", "<think>"]
    assert [shown.push(im_end), shown.push(think)] == ["<|im_end|>", "<think>"]


def test_control_tokens_inside_a_character_do_not_break_it(tokenizer: Tokenizer) -> None:
    ids = [0xC3, tokenizer.special_ids["<|im_end|>"], 0xA9]
    stream = StreamingDetokenizer(tokenizer)
    assert "".join(map(stream.push, ids)) + stream.finish() == tokenizer.decode(ids) == "é"
