"""What `pagelm verify` found of a bundle, as its manifest keeps it: read, checked, and as frozen values.

A page that computes other first tokens than these, where no near tie explains it, computes wrongly. Knows
ids, logits and hashes; runs nothing. Specified in docs/contracts.md, "Certificate".
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pagelm.json_fields import Fields


@dataclass(frozen=True, slots=True)
class CertifiedPrompt:
    """A question and the ids that the bundle's template and tokenizer make of it."""

    text: str
    enable_thinking: bool
    input_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CertifiedReply:
    """The likeliest token of each step, the one before being run, and by how many logits it is ahead."""

    ids: tuple[int, ...]
    margins: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CertifiedGraph:
    """One graph.

    Attributes:
        not_run: Why it was not run; None: it was.
        near_tie: A token whose margin is above this many logits is the same on every sound machine.
        replies: To each prompt; none of a graph that was not run.
    """

    not_run: str | None
    near_tie: float
    replies: tuple[CertifiedReply, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was verified.

    Attributes:
        versions: Of pagelm, onnxruntime, onnxruntime-web and Chromium.
        graphs: By name.
        figures: What was measured, for people.
    """

    versions: Mapping[str, str]
    prompts: tuple[CertifiedPrompt, ...]
    graphs: Mapping[str, CertifiedGraph]
    figures: Mapping[str, object]


def hash_of_hashes(sha256: Iterable[str]) -> str:
    """One hash for all files of a bundle, in the manifest's order."""
    return hashlib.sha256("".join(sha256).encode()).hexdigest()


def parse_certificate(
    certificate: Fields, *, files_sha256: str, graphs: Collection[str], vocab_size: int
) -> Certificate:
    """Read `certificate` of a manifest; see `manifest.parse_manifest` for the errors.

    Args:
        files_sha256: `hash_of_hashes` of the files that the manifest names.
        graphs: Names of the graphs that it has.
        vocab_size: Ids are below it.
    """
    if (found := certificate.text("files_sha256")) != files_sha256:
        problem = f"is {found!r}: the bundle has other files than those that were verified"
        raise certificate.refused("files_sha256", problem, f"{files_sha256!r} (or no certificate)")
    prompts = tuple(_prompt(prompt, vocab_size) for prompt in certificate.array_of_fields("prompts"))
    entries, versions = certificate.fields("graphs"), certificate.fields("versions")
    for name in entries:
        if name not in graphs:
            raise entries.refused(name, "is certified, but not in the bundle", " or ".join(sorted(graphs)))
    figures = certificate.fields("figures")
    return Certificate(
        versions={name: versions.text(name) for name in versions},
        prompts=prompts,
        graphs={name: _graph(entries.fields(name), len(prompts), vocab_size) for name in entries},
        figures={name: figures.value(name) for name in figures},
    )


def _prompt(prompt: Fields, vocab_size: int) -> CertifiedPrompt:
    return CertifiedPrompt(
        prompt.text("text"), prompt.flag("enable_thinking"), _ids(prompt, "input_ids", vocab_size)
    )


def _graph(graph: Fields, prompts: int, vocab_size: int) -> CertifiedGraph:
    if "not_run" in graph:
        return CertifiedGraph(graph.text("not_run"), 0.0, ())
    if (near_tie := graph.number("near_tie")) < 0:
        raise graph.refused("near_tie", f"is {near_tie}", "a number of at least 0")
    replies = tuple(_reply(reply, vocab_size) for reply in graph.array_of_fields("replies"))
    if len(replies) != prompts:
        raise graph.refused("replies", f"are {len(replies)}", f"{prompts}, one for each prompt")
    return CertifiedGraph(None, near_tie, replies)


def _reply(reply: Fields, vocab_size: int) -> CertifiedReply:
    ids, margins = _ids(reply, "ids", vocab_size), reply.numbers("margins")
    if len(margins) != len(ids):
        raise reply.refused("margins", f"are {len(margins)}", f"{len(ids)}, one for each id")
    return CertifiedReply(ids, margins)


def _ids(fields: Fields, key: str, vocab_size: int) -> tuple[int, ...]:
    ids = fields.integers(key)
    if not ids or max(ids) >= vocab_size:
        raise fields.refused(key, f"is {list(ids)!r:.80}", f"one or more ids below {vocab_size}")
    return ids
