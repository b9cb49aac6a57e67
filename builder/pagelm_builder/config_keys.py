"""config.json as keys of checked kinds: what is missing, or of another kind, is an error that names the key.

It refuses to know what the keys mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from pagelm_builder.errors import ConfigError

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
Keys: TypeAlias = Mapping[str, JsonValue]


def read_keys(path: Path) -> Keys:
    """The object that the file holds.

    Raises:
        ConfigError: it is missing, or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path} is missing",
            expected="a folder with config.json, *.safetensors and the tokenizer's files",
            remedy="Pass the checkpoint's folder.",
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}", expected="a JSON object", remedy="Download the file again."
        ) from error
    if not isinstance(value, dict):
        raise ConfigError(
            f"{path} holds a {type(value).__name__}",
            expected="a JSON object",
            remedy="Download the file again.",
        )
    return value


def _required(keys: Keys, key: str, path: Path) -> JsonValue:
    if key not in keys:
        raise ConfigError(
            f"{path} lacks the key {key!r}",
            expected="every key of the family's config; none is guessed from the others",
            remedy=f"Add {key} as the model was trained with.",
        )
    return keys[key]


def _wrong_value(path: Path, key: str, value: JsonValue, expected: str) -> ConfigError:
    return ConfigError(f"{path}: {key} is {value!r}", expected=expected, remedy="Correct the key.")


def positive_int(keys: Keys, key: str, path: Path) -> int:
    value = _required(keys, key, path)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong_value(path, key, value, "a positive integer")
    return value


def positive_float(keys: Keys, key: str, path: Path) -> float:
    value = _required(keys, key, path)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise _wrong_value(path, key, value, "a positive number")
    return float(value)


def boolean(keys: Keys, key: str, path: Path) -> bool:
    value = _required(keys, key, path)
    if not isinstance(value, bool):
        raise _wrong_value(path, key, value, "true or false")
    return value
