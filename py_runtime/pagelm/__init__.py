"""pagelm: Qwen3 inside a web page, driven by Python (the runtime).

    model = await LanguageModel.load("bundle")
    async for event in model.chat().send("What is 17 + 25?"):
        print(event)

Everything here imports in a bare Python with jinja2: no numpy, no onnxruntime, no JavaScript.
"""

from pagelm.answers import Answer, ChatAnswer
from pagelm.backend import Backend, Candidates, Capabilities
from pagelm.bundle_files import verify_bundle_files
from pagelm.chat import Chat
from pagelm.engine import Engine
from pagelm.engine_steps import Cancellation, PrefillProgress
from pagelm.errors import PagelmError
from pagelm.events import (
    Done,
    Event,
    Logprobs,
    ReasoningDelta,
    TextDelta,
    TokenLogprob,
    ToolResult,
    TurnsDropped,
    Usage,
)
from pagelm.language_model import LanguageModel
from pagelm.manifest import load_manifest, parse_manifest
from pagelm.manifest_values import Manifest
from pagelm.response_format import JsonSchema, Pattern
from pagelm.sampling_options import SamplingOptions
from pagelm.scripted import ScriptedBackend
from pagelm.tool_calls import BrokenToolCall, ToolCall
from pagelm.tools import Tool, make_tool

__all__ = [
    "Answer",
    "Backend",
    "BrokenToolCall",
    "Cancellation",
    "Candidates",
    "Capabilities",
    "Chat",
    "ChatAnswer",
    "Done",
    "Engine",
    "Event",
    "JsonSchema",
    "LanguageModel",
    "Logprobs",
    "Manifest",
    "PagelmError",
    "Pattern",
    "PrefillProgress",
    "ReasoningDelta",
    "SamplingOptions",
    "ScriptedBackend",
    "TextDelta",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolResult",
    "TurnsDropped",
    "Usage",
    "load_manifest",
    "make_tool",
    "parse_manifest",
    "verify_bundle_files",
]
