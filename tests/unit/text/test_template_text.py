"""Who wrote which character: operations keep the account or forget it, and never claim more."""

from __future__ import annotations

import pytest

from pagelm.template_text import TemplateText, join_text, template_literal

MIXED = join_text([template_literal("<a>"), "user", template_literal("</a>")])


def written(text: str) -> list[str]:
    """The parts of `text` that the template wrote."""
    return (
        [str.__getitem__(text, slice(*span)) for span in text.spans] if isinstance(text, TemplateText) else []
    )


def test_joining_keeps_each_author() -> None:
    assert MIXED == "<a>user</a>"
    assert written(MIXED) == ["<a>", "</a>"]


def test_adding_keeps_each_author_on_both_sides() -> None:
    assert written("x" + template_literal("t") + "y") == ["t"]
    assert "x" + template_literal("t") + "y" == "xty"


def test_neighbouring_literals_are_one_span() -> None:
    assert written(template_literal("<|im_") + template_literal("end|>")) == ["<|im_end|>"]
    assert written(template_literal("<|im_") + "" + template_literal("end|>")) == ["<|im_end|>"]


def test_text_made_from_a_value_claims_nothing() -> None:
    assert written(TemplateText(MIXED)) == []
    assert written(join_text(["plain"])) == []


def test_str_keeps_the_account() -> None:
    assert written(str(MIXED)) == ["<a>", "</a>"]


@pytest.mark.parametrize("start", range(-3, 12))
@pytest.mark.parametrize("stop", [None, *range(-3, 12)])
def test_slices_keep_the_account(start: int, stop: int | None) -> None:
    marks = ["t" if any(a <= i < b for a, b in MIXED.spans) else "u" for i in range(len(MIXED))]
    cut = MIXED[start:stop]
    assert cut == "<a>user</a>"[start:stop]
    assert isinstance(cut, TemplateText)
    assert ["t" if any(a <= i < b for a, b in cut.spans) else "u" for i in range(len(cut))] == marks[
        start:stop
    ]


def test_stripping_keeps_the_account() -> None:
    text = join_text([" ", template_literal("\n<a>"), " b ", template_literal(" c\n"), " "])
    assert (text.strip(), written(text.strip())) == ("<a> b  c", ["<a>", " c"])
    assert written(text.lstrip()) == ["<a>", " c\n"]
    assert written(text.rstrip(" \nc")) == ["\n<a>"]
    assert written(template_literal("  ").strip()) == []


@pytest.mark.parametrize(
    "forgetful",
    [
        MIXED.replace("user", "<b>"),
        MIXED.upper(),
        MIXED * 2,
        MIXED[::-1],
        MIXED[0],
        "".join([MIXED]),
        MIXED.split("u")[0],
        MIXED.removeprefix("<"),
    ],
)
def test_other_operations_forget(forgetful: str) -> None:
    assert written(forgetful) == []


def test_adding_something_else_than_text_fails_as_for_str() -> None:
    with pytest.raises(TypeError):
        _ = template_literal("a") + 1  # type: ignore[operator]
