"""The frozen answers are still those of the references."""

from __future__ import annotations

import pytest

from parity.frozen_oracle import FOLDER, make_frozen_files


@pytest.fixture(scope="module")
def frozen_files() -> dict[str, str]:
    return make_frozen_files()


@pytest.mark.parametrize(
    "name",
    [
        "frozen_text.json",
        "frozen_pieces.json",
        "frozen_normalization.json",
        "frozen_chats.json",
        "qwen3.jinja",
    ],
)
def test_the_file_says_what_the_references_say(frozen_files: dict[str, str], name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == frozen_files[name]
