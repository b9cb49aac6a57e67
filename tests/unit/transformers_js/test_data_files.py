"""Weights in one file or in several: every tensor is whole, where the graph looks for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from graph_sessions import weight_bytes
from pagelm_builder.transformers_js.data_files import DataFile, divide, writing
from pagelm_builder.weights import WeightLayout, plan_weights
from tiny_checkpoints import TINY, random_arrays

LAYOUT = plan_weights(TINY)


def test_small_weights_are_one_file_with_the_regions_of_the_layout() -> None:
    files, regions = divide(LAYOUT, "data")
    assert files == (DataFile("data", 0, LAYOUT.bytes),)
    assert regions == {name: replace(region, file="data") for name, region in LAYOUT.regions.items()}


@pytest.mark.parametrize("largest", [1, 5000, 20_000])
def test_every_tensor_is_whole_in_the_file_that_it_names(tmp_path: Path, largest: int) -> None:
    whole = weight_bytes(TINY, LAYOUT, random_arrays(TINY))
    files, regions = divide(LAYOUT, "data", largest)
    assert len(files) > 1
    with writing(tmp_path, files) as writer:
        for start in range(0, len(whole), 777):
            writer.write(whole[start : start + 777])
    assert [file.name for file in files[:3]] == ["data", "data_1", "data_2"]
    assert b"".join((tmp_path / file.name).read_bytes() for file in files) == whole
    for name, region in regions.items():
        found = (tmp_path / region.file).read_bytes()[region.offset : region.offset + region.bytes]
        original = LAYOUT.regions[name]
        assert found == whole[original.offset : original.offset + original.bytes]


def test_files_hold_as_much_as_fits() -> None:
    files, _ = divide(LAYOUT, "data", 20_000)
    largest_tensor = max(region.bytes for region in LAYOUT.regions.values())
    assert all(file.end - file.start <= max(20_000, largest_tensor + 64) for file in files)
    first_of_next = min(region.bytes for region in LAYOUT.regions.values() if region.offset == files[0].end)
    assert files[0].end + first_of_next > 20_000


def test_no_tensors_are_no_reason_to_fail() -> None:
    files, regions = divide(WeightLayout("int4", {}, 0), "data")
    assert files == (DataFile("data", 0, 0),)
    assert regions == {}
