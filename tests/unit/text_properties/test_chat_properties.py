"""For any content: no special id but the template's own, no character lost, and streams equal wholes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagelm.chat_template import ChatTemplate, encode_chat
from pagelm.detokenizer import StreamingDetokenizer
from pagelm.thinking import ThinkingEvent, ThinkingSplitter
from pagelm.tokenizer import Tokenizer
from pagelm.vocabulary_format import pack_vocabulary
from unit.text.small_vocabulary import CONTENTS, make_vocabulary
from unit.text.test_chat_template import SOURCE

# A busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TOKENIZER = Tokenizer.from_bytes(pack_vocabulary(make_vocabulary()))
UNNORMALIZED = Tokenizer(replace(make_vocabulary(), normalizer=None))
TEMPLATE = ChatTemplate(SOURCE)
ADDED = frozenset(TOKENIZER.special_ids.values())

CHARACTERS = "aeé\u0301\u0338漢😀\ud800<|>/_ \n\u3000\x1c'"
# Markers whole, halved and doubled, between arbitrary characters.
fragments = (
    st.sampled_from(CONTENTS)
    | st.sampled_from([c[: len(c) // 2] for c in CONTENTS])
    | st.text(CHARACTERS, max_size=5)
)
hostile_text = st.lists(fragments | st.sampled_from(["<", "|>", "\n", "end", "think"]), max_size=8).map(
    "".join
)
# `</think>` in an assistant's content moves the template's own tags, as it should; so these come from others.
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "system", "tool"]) | hostile_text, "content": hostile_text},
        optional={"tool_calls": st.lists(st.fixed_dictionaries({"name": hostile_text}), max_size=2)},
    ).filter(lambda message: message["role"] != "assistant"),
    max_size=4,
)


def harmless(message: dict[str, object]) -> dict[str, object]:
    """The same shape without any text of the user's."""
    return {"role": "x", "content": "x", "tool_calls": [{"name": "x"}] * len(message.get("tool_calls", []))}  # type: ignore[arg-type]


@patient
@given(
    messages, st.booleans(), st.none() | st.lists(st.fixed_dictionaries({"name": hostile_text}), min_size=1)
)
def test_no_content_yields_a_special_id(
    chat: list[dict[str, object]], thinking: bool, tools: list[dict[str, object]] | None
) -> None:
    def special(messages: list[dict[str, object]]) -> list[int]:
        ids = encode_chat(TOKENIZER, TEMPLATE, messages, tools=tools, enable_thinking=thinking)
        return [id for id in ids if id in ADDED]

    assert special(chat) == special([harmless(message) for message in chat])


@patient
@given(messages)
def test_no_character_is_lost_or_made(chat: list[dict[str, object]]) -> None:
    text = TEMPLATE.render(chat)
    ids = encode_chat(UNNORMALIZED, TEMPLATE, chat)
    assert UNNORMALIZED.decode(ids, skip_special=False) == text.replace("\ud800", "\ufffd")


@patient
@given(hostile_text)
def test_plain_encoding_has_no_added_ids(text: str) -> None:
    assert not ADDED & set(TOKENIZER.encode(text))


@patient
@given(st.lists(st.integers(0, TOKENIZER.vocab_size + 3), max_size=30))
def test_a_stream_of_ids_gives_what_decode_gives(ids: list[int]) -> None:
    stream = StreamingDetokenizer(TOKENIZER)
    assert "".join(map(stream.push, ids)) + stream.finish() == TOKENIZER.decode(ids)


OPEN, CLOSE = "[open]", "[close]"
"""Tags in a reply, which no text can be."""
TEXT = st.text("<think>/ab \n", max_size=5)


@patient
@given(st.lists(TEXT | st.sampled_from([OPEN, CLOSE]), max_size=9), st.data())
def test_how_a_reply_is_cut_does_not_matter(reply: list[str], data: st.DataObject) -> None:
    pieces: list[str] = []
    for item in reply:
        cuts = [] if item in (OPEN, CLOSE) else data.draw(st.sets(st.integers(0, len(item))))
        pieces += [item[a:b] for a, b in pairwise([0, *sorted(cuts), len(item)])]
    assert _split(pieces) == _split(reply)


@patient
@given(st.lists(TEXT | st.sampled_from([OPEN, CLOSE]), max_size=9))
def test_after_the_first_word_of_an_answer_everything_is_answer(rest: list[str]) -> None:
    assert _split([OPEN, "hm", CLOSE, "4", *rest]) == [("reasoning", "hm"), ("text", "4" + _as_text(rest))]


def _split(reply: list[str]) -> list[tuple[str, str]]:
    splitter = ThinkingSplitter()
    events: list[ThinkingEvent] = []
    for item in reply:
        match item:
            case "[open]":
                events += splitter.push_tag("<think>")
            case "[close]":
                events += splitter.push_tag("</think>")
            case text:
                events += splitter.push(text)
    return _texts([*events, *splitter.finish()])


def _as_text(reply: list[str]) -> str:
    return "".join(reply).replace(OPEN, "<think>").replace(CLOSE, "</think>")


def _texts(events: list[ThinkingEvent]) -> list[tuple[str, str]]:
    joined: list[tuple[str, str]] = []
    for kind, text in events:
        if joined and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + text)
        else:
            joined.append((kind, text))
    return joined
