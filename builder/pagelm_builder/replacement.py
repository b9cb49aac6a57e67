"""Write a folder aside, let it take its place when it is whole, and tidy up after builds that were killed.

It knows folders, not what is in them. What it writes beside `out` carries the process's number, so that the
next build of the same folder can tell what a dead one left from what a living one is writing.

    .<name>.<pid>.partial    being written
    .<name>.<pid>.older      the folder before, for as long as the two are renamed
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pagelm_builder.disk_space import named_full_disk
from pagelm_builder.errors import OutputExistsError

PARTIAL, OLDER = ".partial", ".older"


def check_replaceable(out: Path, is_ours: Callable[[Path], bool], kind: str) -> None:
    """Refuse a target that pagelm did not write.

    Args:
        is_ours: Whether a folder is of the kind that is about to be written.
        kind: What that is called in the message.

    Raises:
        OutputExistsError: `out` is a file, or a folder that is neither empty nor ours.
    """
    if not out.exists() and not out.is_symlink():
        return
    if out.is_dir() and not out.is_symlink() and (not any(out.iterdir()) or is_ours(out)):
        return
    raise OutputExistsError(
        f"{out} is already there and is not {kind}",
        expected="a new path, an empty folder, or an earlier one of that kind to replace",
        remedy="Choose another --out, or remove it yourself.",
    )


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """An empty folder beside `out` that takes its place if the block succeeds; else nothing has changed.

    Args:
        out: Resolved; may be there or not.

    Raises:
        DiskFullError: there is no room for what the block writes.
    """
    tidy_up_beside(out)
    aside = _sibling(out, PARTIAL)
    with named_full_disk(out.parent):
        aside.mkdir(parents=True)
        try:
            yield aside
            _take_the_place_of(out, aside)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def tidy_up_beside(out: Path) -> None:
    """Remove what killed builds of `out` left; a folder that was only renamed for the exchange comes back."""
    if not out.parent.is_dir():
        return
    ours = re.compile(rf"\.{re.escape(out.name)}\.(?P<process>\d+)(?P<kind>\.partial|\.older)")
    for path in sorted(out.parent.iterdir()):
        match = ours.fullmatch(path.name)
        if match is None or not path.is_dir() or path.is_symlink() or _is_running(int(match["process"])):
            continue
        if match["kind"] == OLDER and not out.exists():
            path.rename(out)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _sibling(out: Path, kind: str) -> Path:
    return out.with_name(f".{out.name}.{os.getpid()}{kind}")


def _is_running(process: int) -> bool:
    """Whether a process may still be writing; where this cannot be asked without harm, it may."""
    if os.name != "posix":  # os.kill would send it Ctrl+C
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _take_the_place_of(out: Path, aside: Path) -> None:
    """Rename the finished folder to its name; an older one is only removed once the new one is in place."""
    if not out.exists():
        aside.rename(out)
        return
    older = _sibling(out, OLDER)
    out.rename(older)
    try:
        aside.rename(out)
    except OSError:
        older.rename(out)
        raise
    shutil.rmtree(older)
