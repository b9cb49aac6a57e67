"""The builder's branch of the error tree.

    pagelm.errors.PagelmError
    ├── ServeError                  the server cannot start
    ├── AddressError                an address that was given cannot be one of another origin
    ├── QuestionError               what to ask the model is missing or is not text
    └── BuildError                  the builder cannot go on
        ├── ConfigError             config.json lacks a key, or asks for something not implemented
        ├── ArchitectureError       the checkpoint is of another family
        ├── CheckpointError         no folder, a file cut short, or a tensor missing or not as it should be
        ├── TokenizerFormatError    the tokenizer is not a byte-level BPE that pagelm reproduces exactly
        ├── PresentationError       pagelm.json is not what describes a model
        ├── VerificationError       a graph does not compute what it should
        ├── BrowserError            there is no Chromium to verify with, or it does not do what it should
        ├── DocumentError           a text to calibrate with or to evaluate on cannot be used
        ├── EvaluationError         a bundle and a checkpoint cannot be compared
        ├── HubError                the hub does not give out the checkpoint
        ├── DiskFullError           there is no room for what is to be written
        ├── OutputExistsError       the target is there and is not something pagelm wrote
        └── SiteError               a piece of the site is missing or refuses to be built

Each says what was wrong, what was expected and what to do, as `pagelm.errors` asks.
"""

from __future__ import annotations

from pagelm.errors import PagelmError


class BuildError(PagelmError):
    """The builder cannot go on."""


class ConfigError(BuildError):
    """config.json lacks a key, or asks for something not implemented."""


class ArchitectureError(BuildError):
    """The checkpoint is of another family."""


class CheckpointError(BuildError):
    """The folder is not there, a file is truncated, or a tensor is missing or of a wrong shape or dtype."""


class TokenizerFormatError(BuildError):
    """The tokenizer is not a byte-level BPE that pagelm reproduces exactly."""


class PresentationError(BuildError):
    """pagelm.json is not what describes a model: no JSON, another key, or text that does not fit the page."""


class VerificationError(BuildError):
    """A graph of a bundle breaks the contract, or a bound on what it may compute.

    The message says which graph, what was measured and the bound.
    """


class BrowserError(BuildError):
    """There is no Chromium to verify with, it does not start, or the page in it does not come up."""


class DocumentError(BuildError):
    """A file of texts or chats is missing or empty, or a line of it is neither."""


class EvaluationError(BuildError):
    """A bundle and a checkpoint cannot be compared: another vocabulary, or a graph that does not run."""


class HubError(BuildError):
    """The hub does not give out the checkpoint: no connection, repository or revision, or no access."""


class DiskFullError(BuildError):
    """There is no room for what is to be written; nothing half-written is left."""


class OutputExistsError(BuildError):
    """The target is there and is not something pagelm wrote."""


class SiteError(BuildError):
    """A piece of the site is missing or refuses to be built."""


class ServeError(PagelmError):
    """The server cannot start: no site in the folder, or no such address or port to be had."""


class AddressError(PagelmError):
    """An address that was given cannot be one of another origin."""


class QuestionError(PagelmError):
    """What to ask the model is missing or is not text."""
