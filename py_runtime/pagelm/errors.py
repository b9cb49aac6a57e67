"""Every error that pagelm raises on purpose, as one tree.

    PagelmError
    ├── BundleError             a model bundle cannot be used
    │   ├── ManifestError       manifest.json is missing, not JSON, or a key is absent or of the wrong type
    │   ├── FormatVersionError  the bundle was written for another format version
    │   ├── PartMissingError    a file that the manifest names is not there
    │   └── PartAlteredError    a file has another size or hash than the manifest says
    ├── StoredModelError        no such model is kept
    ├── TokenizerError          the vocabulary file cannot be read
    ├── TemplateError           the chat template cannot be compiled or refuses these messages
    ├── ToolError               a function cannot be a tool, or the model cannot call tools
    ├── SamplingError           a sampling option is outside its range
    ├── ThinkingError           a model that does not think was asked to
    ├── GrammarError            a response format asks for what cannot be said, or cannot be checked
    ├── AnswerError             a chat cannot keep this answer
    ├── SavedChatError          a saved chat cannot be read, or is another model's
    ├── ContextOverflowError    the prompt does not fit into the context
    ├── BackendError            the backend refused or failed
    │   ├── BackendUnavailableError   no such backend here
    │   ├── DeviceLostError     the GPU went away or refused a command, or WebAssembly broke down
    │   └── DeviceMemoryError   the GPU, or the browser's tab, has no room for what was asked for
    ├── BusyError               one generation at a time, and one is running
    ├── CannotWaitError         a method named …_sync was called where nothing may wait
    └── ProtocolError           a message between page and worker has the wrong shape

The builder adds its own branch in `pagelm_builder.errors`. The page shows `name` and `message` of these as
they are, so each message says what was wrong, what was expected and what to do.
"""

from __future__ import annotations


class PagelmError(Exception):
    """Base of all errors that pagelm raises on purpose.

    Args:
        problem: What was wrong, naming the file or key.
        expected: What would have been right.
        remedy: What the person can do.

    >>> raise PagelmError("top_k is -1", expected="at least 0", remedy="Leave it out.")
    Traceback (most recent call last):
    pagelm.errors.PagelmError: top_k is -1 (expected at least 0). Leave it out.
    """

    def __init__(self, problem: str, *, expected: str, remedy: str) -> None:
        self.problem = problem
        self.expected = expected
        self.remedy = remedy
        super().__init__(f"{problem} (expected {expected}). {remedy}")


class BundleError(PagelmError):
    """A model bundle cannot be used."""


class ManifestError(BundleError):
    """manifest.json is missing, not JSON, or a key is absent or of the wrong type."""


class FormatVersionError(BundleError):
    """The bundle was written for another format version."""


class PartMissingError(BundleError):
    """A file that the manifest names is not there."""


class PartAlteredError(BundleError):
    """A file has another size or hash than the manifest says."""


class StoredModelError(PagelmError):
    """No such model is kept."""


class TokenizerError(PagelmError):
    """The vocabulary file cannot be read."""


class TemplateError(PagelmError):
    """The chat template cannot be compiled or refuses these messages."""


class ToolError(PagelmError):
    """A function cannot be a tool, or the model cannot call tools."""


class SamplingError(PagelmError):
    """A sampling option is outside its range."""


class GrammarError(PagelmError):
    """A response format asks for what cannot be said, or for what cannot be checked."""


class AnswerError(PagelmError):
    """A chat cannot keep this answer."""


class SavedChatError(PagelmError):
    """A saved chat cannot be read, or is another model's."""


class ThinkingError(PagelmError):
    """A model that does not think was asked to."""


class ContextOverflowError(PagelmError):
    """The prompt does not fit into the context."""


class BackendError(PagelmError):
    """The backend refused or failed."""


class BackendUnavailableError(BackendError):
    """No such backend here."""


class DeviceLostError(BackendError):
    """The GPU went away or refused a command, or WebAssembly broke down: nothing it computes counts."""


class DeviceMemoryError(BackendError):
    """The GPU, or the browser's tab, has no room for what was asked for."""


class BusyError(PagelmError):
    """One generation at a time, and one is running."""


class CannotWaitError(PagelmError):
    """A method named …_sync was called where nothing may wait."""


class ProtocolError(PagelmError):
    """A message between page and worker has the wrong shape."""
