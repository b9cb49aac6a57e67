"""Fetches a checkpoint from the Hugging Face hub: only the files that an export reads, of one commit.

A branch or tag is turned into its commit first, so that all files belong together and the manifest can name
it. Files end up in huggingface_hub's own cache: a connection that breaks is resumed, and a file that is there
whole is not fetched again. `HF_ENDPOINT`, `HF_TOKEN` and `HF_HOME` mean what they mean there. It knows file
names, not what is in them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.utils.tqdm import tqdm

from pagelm_builder.checkpoint import INDEX_FILE, SINGLE_FILE
from pagelm_builder.errors import CheckpointError
from pagelm_builder.hub_errors import named_errors

DEFAULT_ENDPOINT = "https://huggingface.co"
DEFAULT_REVISION = "main"
NEEDED = ("config.json", "tokenizer.json", "tokenizer_config.json")
OPTIONAL = ("generation_config.json", "chat_template.jinja", "pagelm.json")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A checkpoint of the hub on this disk; `revision` is a commit."""

    folder: Path
    repo: str
    revision: str


def is_repository(source: str) -> bool:
    """Whether this may be `owner/name` on the hub; whoever asks looks for a folder of that name first."""
    return _REPOSITORY.fullmatch(source) is not None


def download_checkpoint(
    repo: str,
    *,
    revision: str | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Snapshot:
    """Bring a checkpoint's files here.

    Args:
        repo: `owner/name`.
        revision: A branch, tag or commit; `main` by default.
        cache: Where to keep the files; huggingface_hub's cache by default.
        progress: Called with ("download", bytes here, bytes in all).

    Raises:
        HubError: the repository, the revision or a file cannot be had.
        CheckpointError: the repository is no checkpoint that pagelm reads.
        DiskFullError: there is no room for a file; what was complete is kept.
    """
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or DEFAULT_ENDPOINT
    where = f"{repo} at {revision or DEFAULT_REVISION} on {endpoint}"
    with named_errors(where, f"{endpoint}/{repo}"):
        found = HfApi(endpoint=endpoint, library_name="pagelm").model_info(
            repo, revision=revision or DEFAULT_REVISION, files_metadata=True
        )
        if found.sha is None or found.siblings is None:
            raise _no_checkpoint(where, "says neither its commit nor its files")
        sizes = {sibling.rfilename: sibling.size or 0 for sibling in found.siblings}
        counter = _Counter(progress)

        def fetch(name: str) -> Path:
            bar = counter.bar(name)
            path = hf_hub_download(
                repo, name, revision=found.sha, cache_dir=cache, endpoint=endpoint, tqdm_class=bar
            )
            counter.finish(name, Path(path).stat().st_size)
            return Path(path)

        small = _small_files(where, sizes)
        # the index is small and says which of the large files are the weights
        weights = _shards(where, sizes, fetch) if INDEX_FILE in sizes else [SINGLE_FILE]
        counter.expect({name: sizes[name] for name in (*small, *weights)})
        paths = [fetch(name) for name in (*small, *weights)]
    return Snapshot(paths[0].parent, repo, found.sha)


def _small_files(where: str, sizes: Mapping[str, int]) -> list[str]:
    for name in NEEDED:
        if name not in sizes:
            raise _no_checkpoint(where, f"has no {name}")
    if SINGLE_FILE not in sizes and INDEX_FILE not in sizes:
        raise _no_checkpoint(where, f"has neither {SINGLE_FILE} nor {INDEX_FILE}")
    return [*NEEDED, *(name for name in OPTIONAL if name in sizes)]


def _shards(where: str, sizes: Mapping[str, int], fetch: Callable[[str], Path]) -> list[str]:
    """The weight files that the index names; what else is wrong with it, the checkpoint's reader says."""
    try:
        weight_map = json.loads(fetch(INDEX_FILE).read_text(encoding="utf-8"))["weight_map"]
        names = sorted({str(name) for name in weight_map.values()})
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _no_checkpoint(where, f"has an {INDEX_FILE} that cannot be read: {error!r}") from error
    for name in names:
        if name not in sizes or "/" in name:
            raise _no_checkpoint(where, f"has an {INDEX_FILE} that names {name!r}, which is not there")
    return names


class _Counter:
    """Adds up what arrives; huggingface_hub reports to bars only, so these are bars that show nothing."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._sizes: Mapping[str, int] = {}
        self._done: dict[str, int] = {}

    def expect(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._report()

    def finish(self, name: str, size: int) -> None:
        """A file is here, fetched or found in the cache."""
        self._done[name] = size
        self._report()

    def bar(self, name: str) -> type[tqdm]:
        counter = self

        class SilentBar(tqdm):
            def __init__(self, *arguments: object, initial: int = 0, **options: object) -> None:
                super().__init__(disable=True)  # type: ignore[no-untyped-call]  # tqdm has no types
                counter._done[name] = initial

            def update(self, n: float | None = 1) -> None:
                counter._done[name] = counter._done.get(name, 0) + int(n or 0)
                counter._report()

        return SilentBar

    def _report(self) -> None:
        if self._progress is not None and self._sizes:
            total = sum(self._sizes.values())
            done = sum(min(self._done.get(name, 0), size) for name, size in self._sizes.items())
            self._progress("download", done, total)


def _no_checkpoint(where: str, problem: str) -> CheckpointError:
    return CheckpointError(
        f"{where} {problem}",
        expected=f"a checkpoint with {', '.join(NEEDED)} and {SINGLE_FILE} or shards",
        remedy="Name the repository of the unquantized model in safetensors.",
    )
