"""The form that answers are asked for in on the command line: a file with a JSON Schema, or a pattern."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from pagelm import JsonSchema, Pattern
from pagelm.json_text import load_json
from pagelm.response_format import ResponseFormat
from pagelm_builder.errors import QuestionError


def read_answer_form(schema_file: Path | None, pattern: str | None) -> ResponseFormat | None:
    """What `--json-schema` and `--regex` ask for; None when neither is given.

    Raises:
        QuestionError: Both are given, or the file cannot be read or holds no JSON.
    """
    if schema_file is None:
        return None if pattern is None else Pattern(pattern)
    if pattern is not None:
        raise QuestionError(
            "--json-schema and --regex are both given", expected="one of them", remedy="Leave one out."
        )
    try:
        schema = load_json(schema_file.read_bytes())
    except (OSError, ValueError) as error:
        raise QuestionError(
            f"--json-schema: {schema_file} cannot be read: {error}",
            expected="a JSON Schema as UTF-8 text",
            remedy="Name a file that holds one.",
        ) from error
    return JsonSchema(cast("Mapping[str, object] | bool", schema))  # any other is refused when it is compiled
