"""The form that answers are asked for in on the command line: a file with a JSON Schema, or a pattern."""

from __future__ import annotations

import json
from pathlib import Path

from pagelm import JsonSchema, Pattern
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
        schema = json.loads(schema_file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise QuestionError(
            f"--json-schema: {schema_file} cannot be read: {error}",
            expected="a JSON Schema as UTF-8 text",
            remedy="Name a file that holds one.",
        ) from error
    return JsonSchema(schema)
