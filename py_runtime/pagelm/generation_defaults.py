"""How a bundle's model samples when nobody says otherwise: one set of options for each mode.

A model that does not think has one set twice. Knows the manifest's keys and no checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

from pagelm.errors import SamplingError
from pagelm.json_fields import Fields
from pagelm.sampling_options import SamplingOptions


@dataclass(frozen=True, slots=True)
class Generation:
    """The model's own sampling defaults, one set for each mode."""

    thinking: SamplingOptions
    non_thinking: SamplingOptions

    @classmethod
    def from_fields(cls, generation: Fields) -> Generation:
        """Read the manifest's `generation`.

        Raises:
            PagelmError: As the fields refuse: a key is missing or outside its range.
        """
        return cls(_sampling(generation, "thinking"), _sampling(generation, "non_thinking"))

    def for_mode(self, thinks: bool) -> SamplingOptions:
        return self.thinking if thinks else self.non_thinking


def _sampling(generation: Fields, mode: str) -> SamplingOptions:
    options = generation.fields(mode)
    try:
        return SamplingOptions(
            temperature=options.number("temperature"),
            top_k=options.integer("top_k"),
            top_p=options.number("top_p"),
            min_p=options.number("min_p"),
            repetition_penalty=options.number("repetition_penalty"),
        )
    except SamplingError as error:
        raise generation.refused(mode, f"has a bad value: {error.problem}", error.expected) from error
