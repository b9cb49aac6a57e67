"""pico's own texts to calibrate with and to evaluate on."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pagelm_builder.documents import CALIBRATION, EVALUATION
from pagelm_builder.embedded_model import embedded_checkpoint
from pagelm_builder.pico.documents import calibration_lines, evaluation_lines


@pytest.mark.parametrize(
    ("name", "lines"),
    [(CALIBRATION, calibration_lines), (EVALUATION, evaluation_lines)],
    ids=lambda v: str(v),
)
def test_the_committed_files_are_what_the_module_writes(name: str, lines: Callable[[], list[str]]) -> None:
    committed = (embedded_checkpoint() / name).read_text(encoding="utf-8").splitlines()
    assert committed == lines()


@pytest.mark.parametrize("lines", [calibration_lines, evaluation_lines])
def test_both_modes_are_there(lines: Callable[[], list[str]]) -> None:
    chats = [json.loads(line) for line in lines()]
    assert {chat["enable_thinking"] for chat in chats} == {True, False}
    for chat in chats:
        assert chat["enable_thinking"] == ("reasoning_content" in chat["messages"][-1])
