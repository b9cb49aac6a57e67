"""Typed access to a GGUF file's metadata: what is missing, or of another kind, is an error that names it.

It refuses to know which keys there are and what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pagelm_builder.errors import ConfigError
from pagelm_builder.sources.gguf_header import GgufHeader, MetadataValue


@dataclass(frozen=True, slots=True)
class GgufMetadata:
    """The metadata of one file."""

    header: GgufHeader

    def __contains__(self, key: str) -> bool:
        return key in self.header.metadata

    def get(self, key: str) -> MetadataValue | None:
        return self.header.metadata.get(key)

    def text(self, key: str) -> str:
        value = self._required(key)
        if not isinstance(value, str):
            raise self.refused(key, value, "a string")
        return value

    def texts(self, key: str) -> list[str]:
        value = self._required(key)
        if not isinstance(value, list):
            raise self.refused(key, value, "an array of strings")
        return value

    def integer(self, key: str, *, minimum: int = 1) -> int:
        value = self._required(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise self.refused(key, value, f"an integer of at least {minimum}")
        return value

    def integers(self, key: str) -> Sequence[int]:
        value = self._required(key)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu":
            raise self.refused(key, value, "an array of integers")
        integers: list[int] = value.tolist()
        return integers

    def number(self, key: str, *, or_zero: bool = False) -> float:
        """A positive number; one stored in single precision as the decimal number that was meant."""
        value = self._required(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refused(key, value, "a number")
        with np.errstate(over="ignore", under="ignore"):
            single = np.float32(value)
        if not (0 < single < np.inf or (or_zero and value == 0)):
            least = "a number of at least 0" if or_zero else "a positive number"
            raise self.refused(key, value, f"{least} in single precision")
        return float(str(single)) if float(single) == value else float(value)

    def refused(self, key: str, value: object, expected: str) -> ConfigError:
        """The error that says so."""
        shown = str(value)
        return ConfigError(
            f"{self.header.path}: {key} is {shown if len(shown) <= 100 else shown[:100] + '…'}",
            expected=expected,
            remedy="Pick a file of another model, or convert it again with llama.cpp's converter.",
        )

    def _required(self, key: str) -> MetadataValue:
        value = self.get(key)
        if value is None:
            raise ConfigError(
                f"{self.header.path} lacks the key {key!r}",
                expected="the metadata that llama.cpp's converter writes",
                remedy="Convert the model again with llama.cpp's converter.",
            )
        return value
