"""What site.json says of each model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pagelm_builder.site.index import PythonFiles, make_index
from pagelm_builder.site.version import UNBUILT

MakeBundle = Callable[[str], Path]
PYTHON = PythonFiles("3.14.2", "python/standard-library.zip", "python/lock.json", "python/wheels/", (), ())


def models_of(bundles: dict[str, Path], site: Path) -> list[dict[str, object]]:
    """The entries for bundles of a site that has nothing else."""
    site.mkdir(parents=True)
    (site / "service-worker.js").write_text(UNBUILT, "utf-8")
    models: list[dict[str, object]] = json.loads(make_index(site, bundles, PYTHON))["models"]
    return models


def change_manifest(bundle: Path, **keys: object) -> Path:
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **keys}), "utf-8")
    return bundle


def test_description_and_examples_are_those_of_each_manifest(make_bundle: MakeBundle, tmp_path: Path) -> None:
    bundles = {
        "a": change_manifest(make_bundle("a"), description="It adds – badly.", examples=["1 + 1?", "2 + 2?"]),
        "b": change_manifest(make_bundle("b"), examples=["Hello?"]),
    }
    a, b = models_of(bundles, tmp_path / "site")
    assert (a["description"], a["examples"]) == ("It adds – badly.", ["1 + 1?", "2 + 2?"])
    assert b["examples"] == ["Hello?"]
    assert "description" not in b


def test_a_model_without_them_has_only_the_four_keys(make_bundle: MakeBundle, tmp_path: Path) -> None:
    bundle = make_bundle("m")
    size = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    assert models_of({"m": bundle}, tmp_path / "site") == [
        {"name": "m", "path": "models/m/", "manifest": "models/m/manifest.json", "bytes": size}
    ]
