"""A bundle, wherever it is, to the pieces of a model that runs natively, each checked.

Knows onnxruntime's backend by name only, and no chats.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pagelm.backend import Backend
from pagelm.bundle_files import read_verified
from pagelm.bundle_locations import cache_folder, find_bundle, is_address
from pagelm.errors import BackendUnavailableError
from pagelm.manifest import load_manifest
from pagelm.manifest_values import Manifest

if TYPE_CHECKING:
    from pagelm._backend_native import NativeBackend, NativeGraph
    from pagelm.bundle_download import DownloadProgress


@dataclass(frozen=True, slots=True)
class LoadedBundle:
    """What a model is made of.

    Attributes:
        manifest: Of the bundle.
        tokenizer_bytes: Its vocabulary.
        chat_template: Jinja.
        backend: Runs one of its graphs; whoever takes it closes it.
    """

    manifest: Manifest
    tokenizer_bytes: bytes
    chat_template: str
    backend: Backend


async def load_bundle(
    source: str | Path,
    *,
    graph: NativeGraph,
    threads: int,
    memory_budget: int | None,
    on_download: DownloadProgress | None,
) -> LoadedBundle:
    """Read and check a bundle, and make a session of one of its graphs; arguments and errors as of
    `LanguageModel.load`."""
    native = _native_backend()
    if is_address(source):
        from pagelm.bundle_download import download_bundle  # sockets: a page has none

        folder = await asyncio.to_thread(download_bundle, str(source), cache_folder(), on_download)
    else:
        folder = find_bundle(source)
    manifest = load_manifest(folder)
    tokenizer_bytes = read_verified(folder, manifest.tokenizer)
    chat_template = read_verified(folder, manifest.chat_template).decode()
    backend = await asyncio.to_thread(
        native.load, folder, graph=graph, threads=threads, memory_budget=memory_budget
    )
    return LoadedBundle(manifest, tokenizer_bytes, chat_template, backend)


def _native_backend() -> type[NativeBackend]:
    try:
        from pagelm._backend_native import NativeBackend
    except ModuleNotFoundError as error:
        raise BackendUnavailableError(
            f"{error.name} is not installed",
            expected="onnxruntime and numpy",
            remedy="Run: pip install 'pagelm[native]'",
        ) from error
    return NativeBackend
