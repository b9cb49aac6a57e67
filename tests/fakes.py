"""Stand-ins that the tests of the runtime share; nothing in here needs more than the standard library and
pagelm.

They run under CPython and inside Pyodide, where nothing may block: `run` and `Stepper` drive coroutines by
hand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Coroutine, Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pagelm.backend import Candidates
from pagelm.language_model import LanguageModel
from pagelm.manifest import parse_manifest
from pagelm.manifest_values import Manifest
from pagelm.scripted import ScriptedBackend
from pagelm.vocabulary_format import AddedToken, Vocabulary, pack_vocabulary

T = TypeVar("T")

IM_START, IM_END, THINK, END_THINK, END_OF_TEXT = range(256, 261)
VOCAB_SIZE = 261
TOOL_CALL, END_TOOL_CALL = 261, 262
TOOL_VOCAB_SIZE = 263
CONTEXT_SIZE = 512

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\\n' }}"
    "{% if not enable_thinking %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    "{% endif %}"
)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits for anything."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise AssertionError("the coroutine waits for something")


async def collect(iterator: AsyncIterator[T]) -> list[T]:
    """All that an async iterator yields."""
    return [item async for item in iterator]


class Stepper:
    """A coroutine run by hand, from one `Pause` to the next."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self.finished = False

    def step(self) -> None:
        try:
            self._coroutine.send(None)
        except StopIteration:
            self.finished = True

    def finish(self) -> None:
        while not self.finished:
            self.step()

    def throw(self, error: BaseException) -> None:
        """Raise an error where it stands, as asyncio does with a task that is cancelled."""
        self.finished = True
        self._coroutine.throw(error)


class Pause:
    """Something to await that gives control back to a `Stepper` once."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def successor(token_ids: Sequence[int]) -> int:
    """A model that counts: after token n comes n + 1."""
    return (token_ids[-1] + 1) % VOCAB_SIZE


def digest(token_ids: Sequence[int]) -> int:
    """A model whose every token depends on all before it."""
    return int.from_bytes(hashlib.sha256(bytes(str(list(token_ids)), "ascii")).digest()[:2]) % VOCAB_SIZE


def in_circles(token_ids: Sequence[int]) -> int:
    """A model that says the same eight letters again and again."""
    return ord("a") + (token_ids[-1] - ord("a") + 1) % 8


class RecordingBackend(ScriptedBackend):
    """Remembers the calls it got: ("prefill", ids), ("decode", id), ("verify", ids), ("truncate", length),
    ("logits",)."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.calls: list[tuple[Any, ...]] = []
        self.closed = False

    async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
        self.calls.append(("prefill", tuple(input_ids)))
        return await super().prefill(input_ids, position)

    async def decode(self, token_id: int) -> Candidates:
        self.calls.append(("decode", token_id))
        return await super().decode(token_id)

    async def verify(self, input_ids: Sequence[int], position: int) -> Sequence[Candidates]:
        self.calls.append(("verify", tuple(input_ids)))
        return await super().verify(input_ids, position)

    def truncate(self, length: int) -> None:
        self.calls.append(("truncate", length))
        super().truncate(length)

    async def close(self) -> None:
        self.closed = True
        await super().close()

    async def logits(self) -> Sequence[float]:
        self.calls.append(("logits",))
        return await super().logits()

    def prefilled(self) -> list[int]:
        """Every token that went through prefill, in order."""
        return [token for call in self.calls if call[0] == "prefill" for token in call[1]]


class PausingBackend(RecordingBackend):
    """Waits once before each run, as a device does."""

    async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
        await Pause()
        return await super().prefill(input_ids, position)

    async def decode(self, token_id: int) -> Candidates:
        await Pause()
        return await super().decode(token_id)

    async def verify(self, input_ids: Sequence[int], position: int) -> Sequence[Candidates]:
        await Pause()
        return await super().verify(input_ids, position)


class FailingBackend(RecordingBackend):
    """Fails in one run, before or (`keeps`) after it took the tokens in, as a device that is lost does."""

    def __init__(self, *args: Any, fails_at: int, keeps: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self._fails_at = fails_at
        self._keeps = keeps
        self._runs = 0

    async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
        return await self._fail_once(super().prefill(input_ids, position))

    async def decode(self, token_id: int) -> Candidates:
        return await self._fail_once(super().decode(token_id))

    async def verify(self, input_ids: Sequence[int], position: int) -> Sequence[Candidates]:
        return await self._fail_once(super().verify(input_ids, position))

    async def _fail_once(self, run: Coroutine[Any, Any, T]) -> T:
        self._runs += 1
        if self._runs != self._fails_at:
            return await run
        if self._keeps:
            await run
        else:
            run.close()
        raise RuntimeError("device lost")


def tokenizer_bytes(*more: AddedToken) -> bytes:
    """tokenizer.bin of one token per byte, and Qwen3's markers after them."""
    added = (
        AddedToken(IM_START, "<|im_start|>", True),
        AddedToken(IM_END, "<|im_end|>", True),
        AddedToken(THINK, "<think>", False),
        AddedToken(END_THINK, "</think>", False),
        AddedToken(END_OF_TEXT, "<|endoftext|>", True),
        *more,
    )
    return pack_vocabulary(
        Vocabulary(
            normalizer="NFC",
            pattern="qwen2",
            base=bytes(range(256)),
            tokens=(),
            cuts=b"",
            ids=range(256),
            whole_tokens=True,
            added_tokens=added,
        )
    )


def file_entry(stem: str, suffix: str, data: bytes) -> dict[str, object]:
    """A manifest's entry for a file of these bytes."""
    sha256 = hashlib.sha256(data).hexdigest()
    return {"file": f"{stem}.{sha256[:16]}{suffix}", "bytes": len(data), "sha256": sha256}


BUNDLE_FILES: dict[str, bytes] = {
    "tokenizer": tokenizer_bytes(),
    "chat_template": CHAT_TEMPLATE.encode(),
    "part 0": bytes(range(256)) * 4,
    "part 1": bytes(512),
    "graph": b"a graph",
    "wasm graph": b"another graph",
}


def manifest_value() -> dict[str, Any]:
    """manifest.json of a bundle of `BUNDLE_FILES`, to change and to break."""
    parts = [file_entry(f"weights/00{index}", ".bin", BUNDLE_FILES[f"part {index}"]) for index in (0, 1)]
    graph = {
        "external_data": "weights.bin",
        "key_value_dtype": "float32",
        "required_features": [],
        "largest_binding_bytes": 1024,
        "storage_buffers": 8,
        "candidates": 64,
    }
    tensor = {
        "name": "model.layers.0.self_attn.q_proj",
        "rows": 4,
        "columns": 64,
        "bits": 4,
        "block_size": 32,
        "codes_offset": 0,
        "scales_offset": 128,
        "weight_offset": 0,
        "weight_scales_offset": 256,
    }
    return {
        "format": 1,
        "name": "counting",
        "model": {
            "architecture": "Qwen3ForCausalLM",
            "vocab_size": VOCAB_SIZE,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 1,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "max_position_embeddings": CONTEXT_SIZE,
            "rope_theta": 1000000.0,
            "rms_norm_eps": 1e-06,
            "tie_word_embeddings": True,
        },
        "tokens": {
            "eos_token_ids": [IM_END, END_OF_TEXT],
            "pad_token_id": END_OF_TEXT,
            "special_tokens_map": {"eos_token": "<|im_end|>"},
        },
        "thinking": True,
        "generation": {
            "thinking": {
                "temperature": 0.6,
                "top_k": 20,
                "top_p": 0.95,
                "min_p": 0.0,
                "repetition_penalty": 1.0,
            },
            "non_thinking": {
                "temperature": 0.7,
                "top_k": 20,
                "top_p": 0.8,
                "min_p": 0.0,
                "repetition_penalty": 1.0,
            },
        },
        "tokenizer": file_entry("tokenizer/tokenizer", ".bin", BUNDLE_FILES["tokenizer"]),
        "chat_template": file_entry("tokenizer/chat_template", ".jinja", BUNDLE_FILES["chat_template"]),
        "weights": {"bytes": 1536, "parts": parts},
        "graphs": {
            "native": {**file_entry("graphs/native", ".onnx", BUNDLE_FILES["graph"]), **graph},
            "wasm": {
                **file_entry("graphs/wasm", ".onnx", BUNDLE_FILES["wasm graph"]),
                **graph,
                "expanded": {"external_data": "expanded.bin", "bytes": 272, "tensors": [tensor]},
            },
        },
        "quantization": {"method": "rtn", "bits": 4, "head_bits": 4, "block_size": 32, "symmetric": True},
        "parity": {},
    }


def write_bundle(folder: Path) -> Path:
    """Write `manifest_value` and its files; returns the folder."""
    value = manifest_value()
    entries = [
        value["tokenizer"],
        value["chat_template"],
        *value["weights"]["parts"],
        *value["graphs"].values(),
    ]
    for entry, data in zip(entries, BUNDLE_FILES.values(), strict=True):
        path = folder / entry["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(value))
    return folder


def manifest(*, thinking: bool = True) -> Manifest:
    return parse_manifest(json.dumps({**manifest_value(), "thinking": thinking}))


MARKERS = {
    "<think>": THINK,
    "</think>": END_THINK,
    "<tool_call>": TOOL_CALL,
    "</tool_call>": END_TOOL_CALL,
}


def reply_ids(text: str) -> list[int]:
    """Token ids of a scripted reply: markers as their ids, the rest as bytes, `<|im_end|>` at the end."""
    ids: list[int] = []
    while text:
        for marker, token_id in MARKERS.items():
            if text.startswith(marker):
                ids.append(token_id)
                text = text[len(marker) :]
                break
        else:
            ids += text[0].encode()
            text = text[1:]
    return [*ids, IM_END]


def scripted(*replies: str, max_positions: int = CONTEXT_SIZE) -> ScriptedBackend:
    """A backend of the counting bundle that plays these replies."""
    script = [reply_ids(reply) for reply in replies]
    return ScriptedBackend.playing(script, vocab_size=VOCAB_SIZE, max_positions=max_positions)


def tool_model_on(backend: ScriptedBackend, template: str) -> LanguageModel:
    """A model that has the tokens of tool calls as well, `TOOL_VOCAB_SIZE` in all."""
    value = manifest_value()
    value["model"]["vocab_size"] = TOOL_VOCAB_SIZE
    tags = (AddedToken(TOOL_CALL, "<tool_call>", False), AddedToken(END_TOOL_CALL, "</tool_call>", False))
    return LanguageModel.open(parse_manifest(json.dumps(value)), tokenizer_bytes(*tags), template, backend)


def model_on(backend: ScriptedBackend, *, thinking: bool = True) -> LanguageModel:
    """The counting bundle on a backend, or the same as a model that does not think."""
    return LanguageModel.open(manifest(thinking=thinking), tokenizer_bytes(), CHAT_TEMPLATE, backend)
