"""What huggingface_hub raises, as errors that say what to do; nothing of it gets past `named_errors`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    XetDownloadError,
)

from pagelm_builder.disk_space import is_full_disk
from pagelm_builder.errors import DiskFullError, HubError


@contextmanager
def named_errors(where: str, page: str) -> Iterator[None]:
    """Turn what huggingface_hub raises into errors that say what to do."""
    try:
        yield
    except GatedRepoError as error:
        raise HubError(
            f"{where} is gated",
            expected="an account that its owner lets in",
            remedy=f"Ask for access at {page}, then set HF_TOKEN to a token of that account.",
        ) from error
    except RepositoryNotFoundError as error:
        raise HubError(
            f"{where} is not there, or is private",
            expected="owner/name of a public repository, or one that HF_TOKEN may read",
            remedy="Check the spelling; a local folder is reached by its path, such as ./name.",
        ) from error
    except RevisionNotFoundError as error:
        raise HubError(
            f"{where}: there is no such revision",
            expected="a branch, a tag or a commit of the repository",
            remedy=f"Look at {page}/commits for what there is, or leave --revision out.",
        ) from error
    except HFValidationError as error:
        raise HubError(
            f"{where} cannot be: {error}", expected="owner/name", remedy="Check the spelling."
        ) from error
    except (httpx2.TransportError, OfflineModeIsEnabled) as error:
        raise _unreachable(where, error) from error
    except (HfHubHTTPError, EntryNotFoundError, XetDownloadError) as error:
        if isinstance(error.__cause__, httpx2.TransportError):
            raise _unreachable(where, error.__cause__) from error
        raise HubError(
            f"{where} cannot be fetched: {error}",
            expected="a hub that serves every file of the repository",
            remedy="Try again later; what has arrived is kept.",
        ) from error
    except OSError as error:
        if is_full_disk(error):
            raise DiskFullError(
                f"the disk is full: {where} cannot be stored",
                expected="room for the checkpoint in huggingface_hub's cache (HF_HOME)",
                remedy="Make room, or set HF_HOME to a folder on another disk; complete files are kept.",
            ) from error
        raise HubError(
            f"{where} cannot be stored or is incomplete: {error}",
            expected="files of the size that the hub says, in a cache that can be written (HF_HOME)",
            remedy="Try again; what is complete is kept.",
        ) from error


def _unreachable(where: str, error: Exception) -> HubError:
    return HubError(
        f"{where} cannot be reached: {error or type(error).__name__}",
        expected="a connection to the hub, or HF_ENDPOINT set to a mirror",
        remedy="Check the connection, then run the same command again: it goes on where it stopped, with the "
        "first file that is not whole.",
    )
