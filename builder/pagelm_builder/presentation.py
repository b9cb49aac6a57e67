"""pagelm.json of a checkpoint: how the page introduces the model.

An optional file that whoever publishes a checkpoint writes by hand; nothing in it changes what a graph
computes. Specified in docs/contracts.md, "Bundle, format 1".

    {"description": "It adds …; it knows nothing of the world.", "examples": ["What is 4827 + 938?"]}
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pagelm.json_fields import Fields
from pagelm_builder.config import JsonValue
from pagelm_builder.errors import PresentationError

FILE = "pagelm.json"
DESCRIPTION_CHARACTERS = 300
EXAMPLE_CHARACTERS = 200
MOST_EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class Presentation:
    """What the page says of a model, where its publisher says anything.

    Attributes:
        description: One sentence: what it is good for and where it fails.
        examples: Questions to begin with, each answered well.
    """

    description: str | None = None
    examples: tuple[str, ...] = ()

    def entries(self) -> dict[str, JsonValue]:
        """Its keys in the manifest; none for what is not said."""
        entries: dict[str, JsonValue] = {}
        if self.description is not None:
            entries["description"] = self.description
        if self.examples:
            entries["examples"] = list(self.examples)
        return entries


def read_presentation(folder: Path) -> Presentation:
    """Read `folder/pagelm.json`; without one, nothing is said.

    Raises:
        PresentationError: not JSON, a key that is not known, or a text that is empty, too long, of several
            lines, or there twice.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Presentation()
    except (OSError, UnicodeDecodeError) as error:
        raise _refusal(path, f"cannot be read: {error}", "UTF-8 text") from error
    try:
        value: object = json.loads(text)
    except ValueError as error:
        raise _refusal(path, f"is not JSON: {error}", "a JSON object") from error
    return _presentation(Fields(value, "", lambda problem, expected: _refusal(path, problem, expected)))


def _presentation(fields: Fields) -> Presentation:
    known = ("description", "examples")
    for key in fields:
        if key not in known:
            raise fields.refused(key, "is not known", " and ".join(known))
    description = fields.text("description") if "description" in fields else None
    examples = fields.texts("examples") if "examples" in fields else ()
    if description is not None:
        _check_line(fields, "description", description, DESCRIPTION_CHARACTERS)
    if len(examples) > MOST_EXAMPLES:
        raise fields.refused("examples", f"has {len(examples)} entries", f"at most {MOST_EXAMPLES}")
    for index, example in enumerate(examples):
        _check_line(fields, f"examples[{index}]", example, EXAMPLE_CHARACTERS)
        if example in examples[:index]:
            raise fields.refused(f"examples[{index}]", f"is there twice: {example!r}", "each question once")
    return Presentation(description, examples)


def _check_line(fields: Fields, key: str, text: str, most: int) -> None:
    expected = f"one line of 1 to {most} characters"
    if not text.strip():
        raise fields.refused(key, "is empty", expected)
    if len(text) > most:
        raise fields.refused(key, f"has {len(text)} characters", expected)
    if not text.isprintable():
        raise fields.refused(key, f"has a line break or another control character: {text!r:.80}", expected)


def _refusal(path: Path, problem: str, expected: str) -> PresentationError:
    return PresentationError(
        f"{path}: {problem}", expected=expected, remedy="Correct the file, or remove it: it is optional."
    )
