"""Generates `pagelm/_unicode_tables.py`: the Unicode facts that Qwen's tokenizer depends on, frozen.

The running interpreter's `unicodedata` cannot be asked at run time: CPython 3.11 knows Unicode 14, Pyodide
16, and Hugging Face `tokenizers` splits by Unicode 16 but normalizes by an older version. So the classes come
from the Unicode 16.0 that Pyodide's Python carries (run under Node), and the marks that normalization must
leave alone are the ones which `tokenizers` itself leaves alone. Run it as `python -m
pagelm_builder.unicode_tables`, extra `train`, with the npm packages installed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pagelm_builder.errors import BuildError

UNICODE_VERSION = "16.0.0"
ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "py_runtime" / "pagelm" / "_unicode_tables.py"
PYODIDE = ROOT / "node_modules" / "pyodide" / "pyodide.mjs"

# Runs inside Pyodide. A code point takes part in normalization when it is reordered, decomposes, or composes.
_DUMP = """
import json, unicodedata as u
code_points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
canonical = {}
for c in code_points:
    decomposition = u.decomposition(chr(c))
    if decomposition and decomposition[0] != "<":
        canonical[c] = [int(part, 16) for part in decomposition.split()]
json.dumps({
    "version": u.unidata_version,
    "letters": [c for c in code_points if u.category(chr(c))[0] == "L"],
    "numbers": [c for c in code_points if u.category(chr(c))[0] == "N"],
    "combining": [[c, u.combining(chr(c))] for c in code_points if u.combining(chr(c))],
    "canonical": [[c, parts] for c, parts in canonical.items()],
})
"""


class UnicodeFacts(NamedTuple):
    """What one Unicode version says: code points, combining classes and canonical decompositions."""

    letters: list[int]
    numbers: list[int]
    combining_class: dict[int, int]
    canonical: dict[int, list[int]]


def read_unicode_facts(pyodide: Path = PYODIDE) -> UnicodeFacts:
    """Ask the Unicode database of Pyodide's Python, under Node.

    Raises:
        BuildError: Node or Pyodide is missing, or this Pyodide carries another Unicode version.
    """
    script = (
        f"const {{ loadPyodide }} = await import({json.dumps(pyodide.as_uri())});"
        f"const pyodide = await loadPyodide(); console.log(pyodide.runPython({json.dumps(_DUMP)}));"
    )
    command = ["node", "--input-type=module", "--eval", script]
    try:
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildError(
            f"Pyodide at {pyodide} does not run under Node: {error}",
            expected="Node 20 or later and the npm package `pyodide`",
            remedy="Run `npm ci` first.",
        ) from error
    return parse_facts(output)


def parse_facts(dump: str) -> UnicodeFacts:
    """Read what the script inside Pyodide printed.

    Raises:
        BuildError: It comes from another Unicode version.
    """
    facts = json.loads(dump)
    if facts["version"] != UNICODE_VERSION:
        raise BuildError(
            f"this Pyodide carries Unicode {facts['version']}",
            expected=f"Unicode {UNICODE_VERSION}, which the tokenizers package splits by",
            remedy="Use the Pyodide of package-lock.json, or check which version tokenizers follows now.",
        )
    return UnicodeFacts(
        facts["letters"],
        facts["numbers"],
        dict(map(tuple, facts["combining"])),
        dict(map(tuple, facts["canonical"])),
    )


def to_boundaries(code_points: Iterable[int]) -> list[int]:
    """Ascending code points as half-open ranges, flattened: [start, end, start, end, …]."""
    boundaries: list[int] = []
    for code_point in code_points:
        if boundaries and boundaries[-1] == code_point:
            boundaries[-1] += 1
        else:
            boundaries += [code_point, code_point + 1]
    return boundaries


def find_inert(facts: UnicodeFacts, normalize: Callable[[str], str]) -> list[int]:
    """Code points that `facts` reorders, decomposes or composes but `normalize` (an NFC) does not know."""
    inert = {code for code in facts.combining_class if not _is_reordered(code, facts, normalize)}
    pairs = {code: "".join(map(chr, parts)) for code, parts in facts.canonical.items()}
    joining = {ord(part) for pair in pairs.values() if normalize(pair) != pair for part in pair}
    for code, pair in pairs.items():
        if normalize(chr(code)) == chr(code) and normalize(pair) == pair:
            # Unknown to `normalize`, hence so are its parts, except those that it knows from elsewhere.
            parts = {ord(part) for part in pair}
            inert |= {code} | (parts - joining - facts.combining_class.keys())
    return sorted(inert)


def _is_reordered(code: int, facts: UnicodeFacts, normalize: Callable[[str], str]) -> bool:
    overlay, above = "\u0334", "\u0301"  # combining classes 1 and 230
    mark = chr(code)
    swapped = ("a" + mark + overlay) if facts.combining_class[code] > 1 else ("a" + above + mark)
    return normalize(swapped) != swapped


def render_tables(facts: UnicodeFacts, inert: list[int]) -> str:
    """The text of `_unicode_tables.py`."""
    lines = [
        f'"""Unicode {UNICODE_VERSION} for Qwen\'s tokenizer. Generated by `pagelm_builder.unicode_tables`.',
        "",
        "Each table is half-open ranges of code points, flattened and ascending: a code point lies inside",
        "when an odd number of boundaries is not above it. INERT: marks and letters younger than the",
        "normalizer of Hugging Face `tokenizers`, which therefore neither moves nor joins them.",
        '"""',
        "",
        "# fmt: off",
    ]
    tables = [("LETTERS", facts.letters), ("NUMBERS", facts.numbers), ("INERT", inert)]
    for name, code_points in tables:
        lines += [f"{name} = (", *_wrap(f"{boundary:#x}," for boundary in to_boundaries(code_points)), ")"]
    return "\n".join(lines) + "\n"


def _wrap(items: Iterable[str], width: int = 110) -> Iterator[str]:
    line = "   "
    for item in items:
        if len(line) + 1 + len(item) > width:
            yield line
            line = "   "
        line += " " + item
    yield line


def generate_tables() -> str:
    """The text that `_unicode_tables.py` must have."""
    from tokenizers.normalizers import NFC

    facts = read_unicode_facts()
    return render_tables(facts, find_inert(facts, NFC().normalize_str))


if __name__ == "__main__":
    TARGET.write_text(generate_tables(), encoding="utf-8")
