"""What a person has to copy to the other origin of a site whose weights are not in it. It copies nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pagelm.manifest import load_manifest
from pagelm_builder.site.index import list_bundle_files
from pagelm_builder.weights_address import WeightsAddress


def describe_upload(bundles: Sequence[Path], weights: WeightsAddress) -> Iterator[str]:
    """Lines for a terminal: from where to where, which files, and what the host has to send with them."""
    yield "its models are not in it; copy them to where the page will fetch them:"
    for bundle in bundles:
        files = list_bundle_files(bundle)
        size = sum((bundle / file).stat().st_size for file in files)
        target = f"{weights.folder}{load_manifest(bundle).name}/"
        yield f"  {bundle} to {target}: {_list(files)}; {size / 1e6:.1f} MB"
    yield (
        "that host must send Access-Control-Allow-Origin with them, which names the page's origin or is '*', "
        "and must not redirect to another one (`pagelm serve --allow-origin` does for trying it out)"
    )


def _list(files: Sequence[str]) -> str:
    """Files by name, and of folders how many: `manifest.json, weights/ (2 files)`."""
    folders = Counter(file.rpartition("/")[0] for file in files)
    words = [file for file in files if "/" not in file]
    for folder, count in sorted(folders.items()):
        if folder:
            words.append(f"{folder}/ ({count} {'file' if count == 1 else 'files'})")
    return ", ".join(words)
