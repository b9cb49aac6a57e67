"""The manifest reader on manifests that are broken at random: a named error or a manifest, nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import manifest_value
from pagelm.errors import BundleError, ManifestError
from pagelm.manifest import parse_manifest

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.text(max_size=20),
    st.recursive(st.integers(-3, 3), lambda inner: st.lists(inner, max_size=3), max_leaves=6),
    st.dictionaries(st.text(max_size=5), st.integers(-3, 3), max_size=3),
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a JSON value with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from places(value[key])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_mutated_manifest_is_read_or_refused_by_name(data: st.DataObject) -> None:
    value = manifest_value()
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(list(places(value))))
        if isinstance(container, dict) and data.draw(st.booleans()):
            del container[key]
        else:
            container[key] = data.draw(JUNK)
    with suppress(BundleError):
        parse_manifest(json.dumps(value))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(BundleError):
        parse_manifest(data)


@pytest.mark.parametrize("opening", ["[", '{"format":'])
def test_a_manifest_that_nests_without_end_is_refused(opening: str) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(opening * 200_000)
