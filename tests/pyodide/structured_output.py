"""What structured output costs on Qwen3's vocabulary: making a grammar, and choosing a token under it.

    python -m tests.pyodide.structured_output

prints one JSON line for Pyodide under Node and one for this Python; times are of the processor, in ms. Each
token is chosen from 64 candidates, its own and 63 of the commoner tokens. No test: figures for `make bench`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from time import process_time
from typing import Any

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 80},
        "email": {"type": "string", "format": "email"},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "birthday": {"type": "string", "format": "date"},
        "status": {"enum": ["active", "inactive", "pending"]},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "tags": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,20}$"},
            "minItems": 1,
            "maxItems": 8,
        },
        "address": {"$ref": "#/$defs/address"},
        "contacts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"kind": {"enum": ["phone", "mail"]}, "value": {"type": "string"}},
                "required": ["kind", "value"],
                "additionalProperties": False,
            },
        },
        "note": {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}]},
    },
    "required": ["name", "email", "age", "status", "tags"],
    "additionalProperties": False,
    "$defs": {
        "address": {
            "type": "object",
            "properties": {
                "street": {"type": "string"},
                "city": {"type": "string"},
                "zip": {"type": "string", "pattern": "^[0-9]{5}$"},
                "country": {"type": "string", "minLength": 2, "maxLength": 2},
            },
            "required": ["street", "city"],
        }
    },
}
ANSWER = {
    "name": "Ada Lovelace, Countess of “Ödland”",
    "email": "ada@analytical.engine.org",
    "age": 36,
    "birthday": "1815-12-10",
    "status": "active",
    "score": 0.97,
    "tags": ["math", "poetry-of-science", "x1"],
    "address": {"street": "12 St James's Square", "city": "London", "zip": "12345", "country": "UK"},
    "contacts": [{"kind": "phone", "value": "+44 20 7946 0018"}, {"kind": "mail", "value": 'a "quoted" one'}],
    "note": "Wrote the first program.\nLiked horses — and 数学.",
}
VOCAB_SIZE = 151_936
ROUNDS = 5


def measure(tokenizer_bytes: bytes) -> dict[str, float | str]:
    """What the first grammar takes, the median of others, and a token of the first and of later replies."""
    from pagelm.response_format import JsonSchema, ResponseFormats
    from pagelm.tokenizer import Tokenizer

    tokenizer = Tokenizer.from_bytes(tokenizer_bytes)
    formats = ResponseFormats(tokenizer, [tokenizer.special_ids["<|im_end|>"]])
    first_ms = _elapsed(lambda: formats.compile(JsonSchema({"const": 0})))
    compiled_ms = [
        _elapsed(lambda round=round: formats.compile(JsonSchema({**SCHEMA, "title": str(round)})))
        for round in range(ROUNDS)
    ]
    asked = JsonSchema({**SCHEMA, "title": "0"})
    rounds = [_answer(tokenizer, formats, asked) for _ in range(ROUNDS)]
    later = [ms for round in rounds[1:] for ms in round]
    return {
        "python": sys.version.split()[0],
        "platform": sys.platform,
        "schema_bytes": len(json.dumps(SCHEMA)),
        "answer_tokens": len(rounds[0]),
        "first_grammar_ms": round(first_ms, 1),
        "grammar_ms": round(median(compiled_ms), 2),
        "first_reply_ms_per_token": round(sum(rounds[0]) / len(rounds[0]), 3),
        "first_reply_slowest_ms": round(max(rounds[0]), 2),
        "later_ms_per_token": round(sum(later) / len(later), 3),
    }


def _answer(tokenizer: Any, formats: Any, asked: Any) -> list[float]:
    """Choose the answer's tokens one by one; the time that each takes."""
    from pagelm.backend import Candidates
    from pagelm.sampling import Sampler
    from pagelm.sampling_options import SamplingOptions

    random = Random(0)
    constraint = formats.constrain(asked, (), may_think=False, may_call=False)
    sampler = Sampler(SamplingOptions(temperature=0.7, top_k=20, top_p=0.8, seed=1), (), constraint)
    times = []
    for token_id in tokenizer.encode(json.dumps(ANSWER, ensure_ascii=False)):
        others = [other for other in random.sample(range(3000), 64) if other != token_id][:63]
        values = [20.0, *(8.0 - 0.05 * rank for rank in range(63))]
        candidates = Candidates(values, [token_id, *others])
        chosen = []

        def choose(candidates: Candidates = candidates, chosen: list[int | None] = chosen) -> None:
            chosen.append(sampler.choose(candidates, VOCAB_SIZE))

        elapsed = _elapsed(choose)
        if chosen != [token_id]:
            raise RuntimeError(f"chose {chosen}, not {token_id}")
        times.append(elapsed + _elapsed(lambda token_id=token_id: sampler.accept(token_id)))
    return times


def _elapsed(work: Callable[[], object]) -> float:
    started = process_time()
    work()
    return (process_time() - started) * 1000


def main() -> str:
    """Entry for `run.mjs`."""
    return json.dumps(measure(Path("tokenizer.bin").read_bytes()))


if __name__ == "__main__":
    ROOT = Path(__file__).parents[2]
    sys.path.append(str(ROOT / "tests"))
    from bench.qwen3_vocabulary import pack_qwen3_vocabulary
    from pyodide_runner import run_in_pyodide

    packed = pack_qwen3_vocabulary()
    with tempfile.TemporaryDirectory() as scratch:
        extra = {"tokenizer.bin": packed}
        print(json.dumps(run_in_pyodide("structured_output", Path(scratch), extra=extra)))
    print(json.dumps(measure(packed)))
