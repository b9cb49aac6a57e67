"""A conversation with a memory of its own, over a model whose replies have none.

Holds messages and nothing else: no tokens, no cache. A question joins the history together with the first
piece of its answer, and what was shown of that stays, also when it was stopped. A turn that ended before its
answer began (an error, a reader who left, a limit reached while thinking) never joins: an empty answer would
teach the model to be silent. The page holds to the same rule.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import count

from pagelm.answers import ChatAnswer, collect_answer, seeded_options
from pagelm.chat_history import ChatHistory
from pagelm.chat_messages import ChatMessage, record_calls, record_event
from pagelm.chat_model import ChatModel
from pagelm.engine_steps import Cancellation
from pagelm.errors import AnswerError
from pagelm.events import Done, Event, TextDelta, ToolResult, TurnsDropped, Usage, add_usages
from pagelm.response_format import ResponseFormat
from pagelm.sampling_options import SamplingOptions
from pagelm.saved_chat import SavedChat, read_chat, save_chat
from pagelm.tool_calls import BrokenToolCall, ToolCall
from pagelm.tools import Function, Tool, Toolbox
from pagelm.waiting import iterating_twin

MAX_TOOL_ROUNDS = 8
OUT_OF_ROUNDS = '{"error": "No more tools can be called in this turn. Answer with what is known."}'


class Chat(ChatHistory):
    """One conversation; arguments as of `ChatHistory`."""

    async def send(
        self,
        text: str,
        *,
        sampling: SamplingOptions | None = None,
        max_new_tokens: int | None = None,
        thinking_budget: int | None = None,
        stop: Sequence[str] = (),
        top_logprobs: int | None = None,
        tools: Sequence[Function | Tool] = (),
        max_tool_rounds: int = MAX_TOOL_ROUNDS,
        response_format: ResponseFormat | None = None,
        prompt_lookup: bool = False,
        cancellation: Cancellation | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Say something and hear the answer.

        Args:
            text: The question.
            tools: Functions that the model may call, described by signature, type hints and docstring. Each
                call is run, and its result shown to the model, which goes on.
            max_tool_rounds: After so many rounds of calls the model is told to answer.

        The other arguments, the events and the errors are those of `LanguageModel.reply`. With tools there is
        a `ToolResult` for each call, and `Done` counts the tokens and times of all rounds.

        Raises:
            ToolError: A function cannot be a tool, or the model cannot call any.
        """
        toolbox = Toolbox(tools)
        start, dropped = len(self._turns), self._dropped
        turn: list[ChatMessage] = [{"role": "user", "content": text}]
        usage: Usage | None = None
        for tool_round in count(1):
            answer: ChatMessage = {"role": "assistant", "content": ""}
            calls: list[ToolCall | BrokenToolCall] = []
            events = self._model.reply(
                [*self._system, *self._turns[dropped:start], *turn],
                enable_thinking=self.enable_thinking,
                sampling=sampling,
                max_new_tokens=max_new_tokens,
                thinking_budget=thinking_budget,
                stop=stop,
                top_logprobs=top_logprobs,
                tools=toolbox.schemas,
                response_format=response_format,
                overflow=self.overflow,
                prompt_lookup=prompt_lookup,
                cancellation=cancellation,
            )
            async with aclosing(events):
                async for event in events:
                    match event:
                        case TextDelta() if not answer["content"]:
                            self._turns[start:], self._dropped = [*turn, answer], dropped
                        case TurnsDropped(messages):
                            dropped += messages
                        case ToolCall() | BrokenToolCall():
                            calls.append(event)
                        case Done():
                            done = event
                            continue
                    record_event(answer, event)
                    yield event
            usage = done.usage if usage is None else add_usages(usage, done.usage)
            asked_in_vain = tool_round > max_tool_rounds + 1
            if not calls or done.finish_reason == "abort" or asked_in_vain:
                yield Done("length" if calls and asked_in_vain else done.finish_reason, usage)
                return
            results: list[ChatMessage] = []
            for call in calls:
                if cancellation and cancellation.cancelled:
                    break
                content = OUT_OF_ROUNDS if tool_round > max_tool_rounds else await toolbox.run(call)
                results.append({"role": "tool", "content": content})
                yield ToolResult(call, content)
            record_calls(answer, calls[: len(results)])  # a call without its result is none to a template
            if answer["content"] or results:
                turn += [answer, *results]
            if len(self._turns) > start:
                self._turns[start:] = turn
            if len(results) < len(calls):
                yield Done("abort", usage)
                return

    send_sync = iterating_twin(send)

    async def answers(
        self,
        text: str,
        n: int,
        *,
        sampling: SamplingOptions | None = None,
        max_new_tokens: int | None = None,
        thinking_budget: int | None = None,
        stop: Sequence[str] = (),
        tools: Sequence[Function | Tool] = (),
        max_tool_rounds: int = MAX_TOOL_ROUNDS,
        response_format: ResponseFormat | None = None,
        prompt_lookup: bool = False,
        cancellation: Cancellation | None = None,
    ) -> AsyncGenerator[ChatAnswer, None]:
        """Hear n answers to one question, of which this conversation has none until one is kept (`keep`).

        Args:
            text: The question.
            n: How many; from the seeds `sampling.seed`, the next one, and so on. Greedy ones are the same.
            tools: As of `send`; each answer runs its own calls.
            cancellation: Set it to end the answer that is being written; no other follows.

        The other arguments and the errors are those of `send`.

        Yields:
            Each answer when it is complete. All but the first find the prompt in the cache.

        Raises:
            SamplingError: `n` is below 1, or a seed too great.
        """
        asked: ChatMessage = {"role": "user", "content": text}
        options = sampling or self._model.default_sampling(
            [*self.shown_messages, asked], enable_thinking=self.enable_thinking
        )
        start = self.clone()
        for seeded in seeded_options(options, n):
            branch = start.clone()
            answer = await collect_answer(
                branch.send(
                    text,
                    sampling=seeded,
                    max_new_tokens=max_new_tokens,
                    thinking_budget=thinking_budget,
                    stop=stop,
                    tools=tools,
                    max_tool_rounds=max_tool_rounds,
                    response_format=response_format,
                    prompt_lookup=prompt_lookup,
                    cancellation=cancellation,
                )
            )
            yield ChatAnswer(answer.text, answer.reasoning, answer.finish_reason, answer.usage, branch)
            if answer.finish_reason == "abort":
                return

    answers_sync = iterating_twin(answers)

    def keep(self, answer: ChatAnswer) -> None:
        """Go on with one of the `answers` to the last question.

        Raises:
            AnswerError: It is empty, or something else has been said here since it was asked for.
        """
        branch, known = answer.chat, self.messages
        if branch.messages[: len(known)] != known or len(branch.messages) <= len(known):
            raise AnswerError(
                "the answer is empty, or no answer to the last question of this chat",
                expected="one that `answers` of this chat gave, and nothing said since",
                remedy="Ask again, or go on with answer.chat, which is a chat of its own.",
            )
        self._turns = [message.copy() for message in branch._turns]
        self._dropped = branch._dropped

    def clone(self) -> Chat:
        """A branch: it knows what was said so far and goes its own way. What both share of a prompt is read
        again only when the other one has been answered in between, from the first difference on."""
        branch = Chat(self._model, enable_thinking=self.enable_thinking, overflow=self.overflow)
        branch._system = [message.copy() for message in self._system]
        branch._turns = [message.copy() for message in self._turns]
        branch._dropped = self._dropped
        return branch

    def export(self) -> str:
        """This conversation as JSON (`pagelm.saved_chat`)."""
        return save_chat(
            SavedChat(
                self._model.name, self.enable_thinking, self.overflow, self._dropped, tuple(self.messages)
            )
        )

    @classmethod
    def import_(cls, model: ChatModel, text: str) -> Chat:
        """The conversation that `export` wrote, to go on with.

        Raises:
            SavedChatError: It cannot be read, or another model answered in it.
        """
        saved = read_chat(text, model=model.name)
        chat = cls(model, enable_thinking=saved.enable_thinking, overflow=saved.overflow)
        first = 1 if saved.messages and saved.messages[0]["role"] == "system" else 0
        chat._system = list(saved.messages[:first])
        chat._turns = list(saved.messages[first:])
        chat._dropped = saved.dropped_messages
        return chat
