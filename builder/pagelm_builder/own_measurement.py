"""The last step of an export: what its graphs compute, as the manifest keeps it.

It opens the weights for those that measure, once; what they measure is theirs (parity, first_tokens).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pagelm.manifest import load_manifest
from pagelm_builder.config import JsonValue
from pagelm_builder.external_data import external_data
from pagelm_builder.first_tokens import find_first_tokens
from pagelm_builder.parity import GRAPHS, activation_noise, measure_parity

Progress = Callable[[str, int, int], None]


def measure_export(folder: Path, progress: Progress | None = None) -> dict[str, JsonValue]:
    """The manifest's `parity` and `first_tokens`.

    Args:
        folder: A bundle that is written whole; some 1.6 bytes for each weight are put there meanwhile.

    Raises:
        VerificationError: a graph breaks the contract or a bound.
        pagelm.errors.BundleError: what is on disk is not what was written.
    """
    with external_data(folder, load_manifest(folder), GRAPHS, parent=folder) as external:
        parity = measure_parity(folder, progress, external=external)
        first_tokens = find_first_tokens(folder, external, activation_noise(parity), progress)
        return {"parity": parity, **first_tokens}
