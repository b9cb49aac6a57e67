"""A bundle's certificate in lines for people.

It reads nothing, and takes figures as they come: another version of pagelm may have written them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from pagelm.certificate import Certificate
from pagelm_builder.inspect.lines import labelled, size

ON_CPYTHON = "native"


def certificate_lines(certificate: Certificate | None) -> Iterator[str]:
    """What was verified, or how to do it."""
    if certificate is None:
        yield labelled("certificate", "none; to run every graph in Chromium: pagelm verify BUNDLE")
        return
    versions = ", ".join(f"{name} {version}" for name, version in certificate.versions.items())
    yield labelled("certificate", f"{len(certificate.prompts)} prompts, with {versions}")
    figures = certificate.figures
    agreements = _mapping(figures.get("agreement"))
    for name, graph in certificate.graphs.items():
        if graph.not_run is not None:
            yield labelled(f"  {name}", f"not run: {graph.not_run}")
        elif agreement := _mapping(agreements.get(name)):
            yield labelled(f"  {name}", _agreement(agreement))
        else:
            yield labelled(f"  {name}", f"{sum(len(reply.ids) for reply in graph.replies)} tokens on CPython")
    yield from _same_replies(_mapping(figures.get("same_replies")))
    yield from _fusion(_mapping(figures.get("fusion")))
    for name, evaluation in _mapping(figures.get("evaluation")).items():
        measured = ", ".join(f"{key} {value}" for key, value in _mapping(evaluation).items())
        yield labelled(f"evaluation {name}", measured)


def _agreement(agreement: Mapping[str, object]) -> str:
    return (
        f"{agreement.get('tokens')} tokens as on CPython, {agreement.get('near_ties')} of them near ties; "
        f"logits within {agreement.get('difference_max')} deviations (bound {agreement.get('tolerance_max')})"
    )


def _same_replies(same: Mapping[str, object]) -> Iterator[str]:
    others = [f"{name} {count}" for name, count in same.items() if name != "prompts"]
    if others:
        yield labelled(
            "same replies", f"as {ON_CPYTHON}, of {same.get('prompts')} prompts: {', '.join(others)}"
        )


def _fusion(fusion: Mapping[str, object]) -> Iterator[str]:
    if not fusion:
        return
    dispatches = _number(fusion.get("dispatches_per_token"))
    yield labelled(
        "fusion",
        f"{fusion.get('graph')} on {fusion.get('adapter')}: {dispatches} dispatches a token, at most "
        f"{fusion.get('storage_buffers')} storage buffers, largest binding "
        f"{_size(fusion.get('largest_binding_bytes'))}",
    )
    columns = "  {:<28}{:>16}{:>10}{:>12}"
    yield columns.format("kernel", "dispatches/token", "buffers", "binding")
    for name, kernel in _mapping(fusion.get("kernels")).items():
        figures = _mapping(kernel)
        yield columns.format(
            name,
            _number(figures.get("dispatches_per_token")),
            f"{figures.get('storage_buffers')}",
            _size(figures.get("largest_binding_bytes")),
        )


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _size(value: object) -> str:
    return size(value) if isinstance(value, int) else str(value)
