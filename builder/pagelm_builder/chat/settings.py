"""What a person asked for on the command line, as one value; what they left out is the bundle's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pagelm import LanguageModel, SamplingOptions
from pagelm.response_format import ResponseFormat
from pagelm.thinking_budget import plan_thinking


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """How to answer.

    Attributes:
        system: What the model is told before all else.
        enable_thinking: Whether it reasons first; None: if the model can.
        max_new_tokens: Most tokens of reasoning and answer together; None: what the context holds.
        thinking_budget: Most tokens of reasoning; None: what leaves room for an answer.
        stop: Strings that end an answer before them.
        response_format: What form answers have; None: any.
        prompt_lookup: Whether tokens are guessed from what was said before.
        sampling: Fields of `SamplingOptions` that replace the bundle's for the mode.
    """

    system: str | None = None
    enable_thinking: bool | None = None
    max_new_tokens: int | None = None
    thinking_budget: int | None = None
    stop: Sequence[str] = ()
    response_format: ResponseFormat | None = None
    prompt_lookup: bool = False
    sampling: Mapping[str, float | int] = field(default_factory=dict)

    def check(self, model: LanguageModel) -> None:
        """Refuse before anybody asks what every answer would refuse.

        Raises:
            SamplingError: An option is outside its range.
            ThinkingError: A budget is given for a model that does not think.
            GrammarError: The form of the answers is not supported.
        """
        if self.response_format:
            model.compile_response_format(self.response_format)
        self.sampling_for(model, model.will_think((), enable_thinking=self.enable_thinking))
        plan_thinking(
            model.tokenizer,
            model_thinks=model.thinks,
            reply_tokens=model.context_size,
            thinking_budget=self.thinking_budget,
        )

    def sampling_for(self, model: LanguageModel, thinks: bool) -> SamplingOptions:
        """The bundle's options for a mode, with what was asked for instead.

        Raises:
            SamplingError: An option is outside its range.
        """
        own = model.manifest.generation.for_mode(thinks)
        return replace(own, **self.sampling)  # type: ignore[arg-type]  # the dataclass checks each field
